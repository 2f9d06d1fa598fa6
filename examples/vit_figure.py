"""Where one patch of a ViT looks, on the photo, as wide as a column of a paper."""

import torch
from sklearn.datasets import load_sample_image
from transformers import ViTConfig, ViTModel

import visualizer as viz

photo = load_sample_image("china.jpg")[:400, :400].copy()  # yours: numpy.asarray(PIL.Image.open("photo.jpg"))
pixels = torch.from_numpy(photo).permute(2, 0, 1)[None] / 127.5 - 1
pixels = torch.nn.functional.interpolate(pixels, size=224, mode="bilinear")

torch.manual_seed(0)
model = ViTModel(ViTConfig(num_hidden_layers=4)).eval()  # random: ViTModel.from_pretrained("google/vit-…")
for layer in model.layers:  # only here, so that random heads look at what is alike
    layer.attention.q_proj.weight.data *= 1.6
    layer.attention.k_proj.weight.data = layer.attention.q_proj.weight.data

with torch.no_grad(), viz.capture(model) as run:
    model(pixels)

run.label(image=photo)
figure = viz.plots.row(run, layer="layers.1.*", head=3, pixel=(200, 100), width="column", scale="sqrt")
figure.savefig("vit_figure.pdf")
figure.savefig("vit_figure.png", dpi=120)
