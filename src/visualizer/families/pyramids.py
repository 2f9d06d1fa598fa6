"""Vision models whose keys are fewer than their queries, or lie in windows: PVT, MViT, MaxViT, Swin, SAM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from visualizer.axes import Grid, Segment, Special, Windows
from visualizer.families.layouts import Choice, Given, Layout, as_side, both, reads


@reads("timm.models.pvt_v2", "Attention")
def pvt(module: Any, given: Given) -> Layout:
    """Cells of a feature map look at others of one that is smaller."""
    grid = tuple(given["feat_size"])
    if module.pool is not None:
        return Layout(Choice(as_side([Grid(*grid)]), reduced(grid, module.pool.output_size)))
    return Layout(Choice(as_side([Grid(*grid)]), reduced(grid, strided(grid, module.sr))))


@reads("timm.models.mvitv2", "MultiScaleAttention", "MultiScaleAttentionPoolFirst")
def mvit(module: Any, given: Given) -> Layout:
    """Return grids of queries and of keys, each pooled in its way; the class token is not."""
    grid = tuple(given["feat_size"])
    prefix = [Special("CLS")] if module.has_cls_token else []
    queries, keys = (reduced(grid, strided(grid, pool), prefix) for pool in (module.pool_q, module.pool_k))
    return Layout(Choice(queries, keys))


@reads("timm", "PartitionAttentionCl")
def maxvit(module: Any, given: Given) -> Layout:
    """Windows of a feature map (batch, row, column, channel), and cells that are spread over it."""
    grid, is_spread = tuple(given["x"].shape[1:3]), not module.partition_block
    return Layout(both([Windows(grid, module.partition_size, spread=is_spread)]))


@reads("torchvision", "ShiftedWindowAttention")
def swin(module: Any, given: Given) -> Layout:
    """Windows of a feature map (batch, row, column, channel), filled up before it is rolled, if it is."""
    (rows, columns), (tall, wide), (down, across) = (
        given["x"].shape[1:3],
        module.window_size,
        module.shift_size,
    )
    shift = down if rows > tall else 0, across if columns > wide else 0
    return Layout(both([Windows((rows, columns), (tall, wide), shift, roll_first=False)]))


@reads("timm.models.vision_transformer_sam", "Block")
@reads("transformers", "SamVisionLayer")
@reads("image_encoder", "Block")
def sam(module: Any, given: Given) -> Layout:
    """Windows of a feature map (batch, row, column, channel), or all of it."""
    features = given.get("x") if given.get("x") is not None else given["hidden_states"]
    rows, columns = features.shape[1:3]
    side = module.window_size
    return Layout(both([Windows((rows, columns), (side, side)) if side else Grid(rows, columns)]))


def strided(grid: Sequence[int], pool: Any) -> list[int]:
    """Return the number of rows and columns after a pooling or a convolution; without one, as they are."""
    stride = getattr(pool, "stride", 1)
    down, across = (stride, stride) if isinstance(stride, int) else stride
    return [-(-grid[0] // down), -(-grid[1] // across)]


def reduced(grid: Sequence[int], smaller: int | Sequence[int], prefix: Sequence[Segment] = ()) -> Any:
    """Return the side of a smaller grid, whose cells are whole ones of the larger; None if they are not."""
    rows, columns = (smaller, smaller) if isinstance(smaller, int) else smaller
    if grid[0] % rows or grid[1] % columns:
        return None
    return as_side([*prefix, Grid(rows, columns)])
