"""Where one patch of a video looks, in all frames."""

import numpy as np
import torch
from sklearn.datasets import load_sample_image
from transformers import VideoMAEConfig, VideoMAEModel

import visualizer as viz

photo = load_sample_image("flower.jpg")[40:360]
video = np.stack([photo[::2, 30 * n : 30 * n + 320 : 2] for n in range(8)])  # yours: (frame, row, column, 3)
pixels = torch.from_numpy(video).permute(0, 3, 1, 2)[None] / 127.5 - 1

torch.manual_seed(0)
sizes = {"hidden_size": 192, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 384}
model = VideoMAEModel(VideoMAEConfig(image_size=160, num_frames=8, **sizes)).eval()  # yours: from_pretrained
model.embeddings.patch_embeddings.projection.weight.data *= 10  # these lines only here: random heads
for name, module in model.named_modules():  # look at what is alike
    if name.endswith("attention.attention"):
        module.query.weight.data *= 3
        module.key.weight.data = module.query.weight.data

with torch.no_grad(), viz.capture(model) as run:
    model(pixels)

print(run)
print(run.axis().arithmetic)  # read from the model: tubelets of 2 frames, patches of 16 × 16 pixels
figure = viz.plots.frames(run, layer=run.paths[0], head=0, cell=(1, 5, 5), image=video, width=7, scale="sqrt")
figure.savefig("video.png", dpi=75)
