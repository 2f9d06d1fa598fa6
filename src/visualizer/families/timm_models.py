"""timm: vision transformers with class tokens and registers, class attention, Swin's windows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from visualizer.axes import Axis, Grid, Special, Windows
from visualizer.families.layouts import Choice, Given, Layout, Same, as_side, both, reads, stepped

FEATURES = ("forward", "forward_features", "forward_intermediates")
PREFIX = {"cls_token": "CLS", "dist_token": "DIST", "reg_token": "register"}  # in this order


@reads("timm", "VisionTransformer", "VisionTransformerRelPos", "Eva", "Beit", methods=FEATURES)
def vit(module: Any, given: Given) -> Layout | None:
    """Class token, distillation token, registers, patches; pooling by attention has latent queries."""
    prefix = list(prefix_tokens(module))
    if len(prefix) != module.num_prefix_tokens:
        return None
    tokens = [*prefix, patches(module, given["x"])]
    return Layout(both(tokens, "blocks.*"), *pooled(module, tokens))


@reads("timm", "Cait", methods=FEATURES)
def cait(module: Any, given: Given) -> Layout:
    """Patches among themselves, then the class token looks at itself and at them."""
    cls, grid = Special("CLS"), patches(module, given["x"])
    looking = Choice(as_side([cls]), as_side([cls, grid]), "blocks_token_only.*")
    return Layout(both([grid], "blocks.*"), looking)


@reads("timm", "SwinTransformerBlock", "SwinTransformerV2Block")
def swin(module: Any, given: Given) -> Layout:
    """Windows of a feature map (batch, row, column, channel), rolled before it is filled up."""
    grid = tuple(given["x"].shape[1:3])
    return Layout(both([Windows(grid, module.window_size, module.shift_size, roll_first=True)]))


def patches(module: Any, image: Any) -> Grid:
    """Return the grid of an image (batch, channel, height, width), filled up to whole patches if need be."""
    embed, size = module.patch_embed, tuple(image.shape[-2:])
    cells = embed.dynamic_feat_size(size)
    if not getattr(embed, "dynamic_img_pad", False):
        return Grid(*cells)
    pixels = getattr(embed, "feature_ratio", (1, 1))  # of a backbone's cells
    return stepped(cells, [one * patch for one, patch in zip(pixels, embed.patch_size, strict=True)], size)


def prefix_tokens(module: Any) -> Iterator[Special]:
    """Yield the tokens that stand before the patches."""
    for name, text in PREFIX.items():
        weights = getattr(module, name, None)
        yield from (Special(text) for _ in range(weights.shape[1] if weights is not None else 0))


def pooled(module: Any, tokens: list[Any]) -> tuple[Choice, ...]:
    """Return what pooling by attention is, where there is such."""
    latent = getattr(getattr(module, "attn_pool", None), "latent_len", 0)
    queries = Axis(tuple(Special("pooled") for _ in range(latent)))
    return (Choice(Same(queries), as_side(tokens), "attn_pool*"),) if latent else ()
