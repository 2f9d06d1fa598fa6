"""Runs in a process of its own: records small models of timm, and prints how their maps compare, as JSON.

The other answer is the model's own with fused attention off: what goes into the dropout of its maps.
"""

import json
from functools import partial

import timm
import torch

import visualizer

SMALL = {"img_size": 64, "embed_dim": 32, "depth": 2, "num_heads": 4}
WINDOWS = {"img_size": 64, "embed_dim": 16, "depths": (2, 1), "num_heads": (2, 4), "window_size": 4}
MODELS = {
    "vit_tiny_patch16_224": SMALL,
    "vit_relpos_small_patch16_224": SMALL,
    "deit_tiny_distilled_patch16_224": SMALL,
    "beit_base_patch16_224": SMALL,
    "eva02_tiny_patch14_224": {**SMALL, "img_size": 56},
    "swin_tiny_patch4_window7_224": WINDOWS,
    "swinv2_tiny_window8_256": WINDOWS,
    "test_maxvit": {},
    "pvt_v2_b0": {"depths": (1, 1, 1, 1)},
    "resnet10t": {},
}


def build(name, *, fused):
    timm.layers.set_fused_attn(fused)
    torch.manual_seed(0)
    model = timm.create_model(name, **MODELS[name]).eval()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() == 2 and weight.std() > 0:
                weight.mul_(1.2 / (weight.shape[1] ** 0.5 * weight.std()))
    return model


def keep(path, found, _, given):
    found.append((path, given[0]))


def own_maps(name, image):
    """The maps by the path of the module that dropped them out."""
    model, found = build(name, fused=False), []
    for path, module in model.named_modules():
        if path.endswith("attn_drop"):
            module.register_forward_pre_hook(partial(keep, path.removesuffix(".attn_drop"), found))
    model(image)
    return found


def compare(name):
    size = MODELS[name].get("img_size") or timm.get_pretrained_cfg(name).input_size[-1]
    image, model = torch.randn(1, 3, size, size), build(name, fused=True)
    alone = model(image)
    with visualizer.capture(model) as run:
        recorded = model(image)
    own = own_maps(name, image)
    differences = [
        (call.map.tensor().reshape(a.shape) - a).abs().max() for call, (_, a) in zip(run, own, strict=False)
    ]
    return {
        "unchanged": torch.equal(alone, recorded) and torch.equal(alone, model(image)),
        "paths": [call.path for call in run],
        "own": [path for path, _ in own],
        "error": float(max(differences, default=0.0)),
        "checked": run.checks.largest,
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    with torch.no_grad():
        print(json.dumps({name: compare(name) for name in MODELS}))
