"""transformers' vision models: class tokens, registers and patches of images and videos; Swin's windows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from visualizer.axes import Frames, Grid, Special, Windows
from visualizer.families.layouts import Choice, Given, Layout, as_side, both, reads, stepped

PREFIX = {
    "cls_token": "CLS",
    "class_embedding": "CLS",
    "distillation_token": "DIST",
    "register_tokens": "register",
}  # in this order


@reads(
    "transformers",
    *("ViTModel", "DeiTModel", "Dinov2Model", "Dinov2WithRegistersModel", "DINOv3ViTModel", "BeitModel"),
    *("CLIPVisionModel", "CLIPVisionTransformer", "SiglipVisionModel", "SiglipVisionTransformer"),
)
def vit(module: Any, given: Given) -> Layout:
    """Class token, distillation token, registers, patches; SigLIP pools with a query that was learnt."""
    tokens = [*prefix_tokens(module.embeddings), patches(module, given["pixel_values"])]
    pooled = Choice(as_side([Special("pooled")]), as_side(tokens), "head.*", cross=True)
    return Layout(both(tokens, cross=False), pooled, output=as_side(tokens))


@reads("transformers", "SwinLayer", "Swinv2Layer")
def swin(module: Any, given: Given) -> Layout:
    """Windows of a feature map, filled up before it is rolled; one window where the map is no larger."""
    rows, columns = (int(side) for side in given["input_dimensions"])
    window, shift = int(module.window_size), int(module.shift_size)
    if type(module).__name__ == "SwinLayer" and min(rows, columns) <= window:
        window, shift = min(rows, columns), 0
    return Layout(both([Windows((rows, columns), (window, window), (shift, shift), roll_first=False)]))


@reads("transformers", "VideoMAEModel")
def video_mae(module: Any, given: Given) -> Layout:
    """Patches of several frames each, of a video (batch, frame, channel, height, width)."""
    _, frames, _, height, width = given["pixel_values"].shape
    size, config = module.config.patch_size, module.config
    each = config.tubelet_size
    return Layout(both([Frames(frames // each, height // size, width // size, each)]))


@reads("transformers", "TimesformerModel")
def timesformer(module: Any, given: Given) -> Layout:
    """Divided attention: the frames of one patch, then the class token and the patches of one frame."""
    _, frames, _, height, width = given["pixel_values"].shape
    size, kind = module.config.patch_size, module.config.attention_type
    grid = height // size, width // size
    if kind != "divided_space_time":
        return Layout(both([Special("CLS"), Frames(frames, *grid)] if kind == "joint_space_time" else []))
    time = both([Frames(frames, 1, 1)], "*.temporal_attention.*")
    return Layout(time, both([Special("CLS"), Grid(*grid)], "*.attention.*"))


def prefix_tokens(embeddings: Any) -> Iterator[Special]:
    """Yield the tokens that stand before the patches."""
    for name, text in PREFIX.items():
        weights = getattr(embeddings, name, None)
        count = 0 if weights is None else weights.shape[1] if weights.dim() == 3 else 1
        yield from (Special(text) for _ in range(count))


def patches(module: Any, image: Any) -> Grid:
    """Return the grid of an image (batch, channel, height, width); what is left over is in none."""
    size, sides = module.config.patch_size, tuple(image.shape[-2:])
    each = (size, size) if isinstance(size, int) else size
    return stepped([side // one for side, one in zip(sides, each, strict=True)], each, sides)
