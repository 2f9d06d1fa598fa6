"""Runs in a process of its own: reads models of timm, and prints what came of it as JSON."""

import json
import sys

import numpy as np
import timm
import torch
from timm.data import create_transform, resolve_model_data_config

from visualizer.demo.images import load_image
from visualizer.demo.readings import Given
from visualizer.demo.timm_models import read_with_timm
from visualizer.errors import VisualizerError


def save(name, folder, **small):
    torch.manual_seed(0)
    timm.models.save_for_hf(timm.create_model(name, **small), folder, model_args=small)


def computed(source):
    """The first layer's map (head, query, key), from the layer's own weights."""
    model = timm.create_model(source, pretrained=True).eval()
    transform = create_transform(**resolve_model_data_config(model), is_training=False)
    with torch.no_grad():
        patches = model.patch_embed(transform(load_image(None))[None])
        x = model.blocks[0].norm1(model._pos_embed(patches))
        q, k, _ = model.blocks[0].attn.qkv(x).reshape(25, 3, 2, 16).permute(1, 2, 0, 3)
        return (q @ k.transpose(1, 2) / 4).softmax(-1).numpy()


def error_of(name):
    try:
        read_with_timm(name, Given())
    except VisualizerError as error:
        return f"{type(error).__name__}: {error}"


save("vit_tiny_patch16_224", "vit", img_size=(32, 48), patch_size=8, embed_dim=32, depth=2, num_heads=2)
save("resnet10t", "resnet")
reading = read_with_timm("./vit", Given())
print(
    json.dumps(
        {
            "shapes": [one.shape for one in reading.maps],
            "error": float(np.abs(reading.maps[0] - computed("local-dir:vit")).max()),
            "grid": reading.grid,
            "prefix": reading.prefix,
            "image": reading.image.shape,
            "errors": {name: error_of(name) for name in sys.argv[1:]},
        }
    )
)
