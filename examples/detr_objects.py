"""Where object queries of a DETR look in an image, and where a cell of its encoder's feature map does."""

import torch
from sklearn.datasets import load_sample_image
from transformers import DetrConfig, DetrModel, ResNetConfig

import visualizer as viz

photo = load_sample_image("flower.jpg").copy()
pixels = torch.from_numpy(photo).permute(2, 0, 1)[None] / 127.5 - 1

torch.manual_seed(0)
backbone = ResNetConfig(hidden_sizes=[32, 64, 128, 256], depths=[1, 1, 1, 1], layer_type="basic")
backbone.out_features = ["stage4"]
config = DetrConfig(backbone_config=backbone, use_timm_backbone=False, backbone=None, num_queries=20)
model = DetrModel(config).eval()  # random: DetrForObjectDetection.from_pretrained("facebook/detr-resnet-50")
for name, weight in model.named_parameters():
    if name.endswith("q_proj.weight"):
        weight.data *= 6  # only here, so that random heads choose

with torch.no_grad(), viz.capture(model) as run:
    model(pixels)

run.label(image=photo)
cell = viz.plots.row(run, layer="encoder.layers.0.*", head=0, pixel=(320, 200), width="column")
cell.savefig("detr_encoder.png", dpi=100)

layer = "decoder.layers.5.encoder_attn"
shown = [[(run, {"layer": layer, "head": head, "query": query}) for head in (0, 3)] for query in (0, 7)]
objects = viz.plots.panel(shown, width="column")
objects.savefig("detr_objects.png", dpi=100)
