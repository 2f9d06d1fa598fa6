"""Vision models that attend along other axes than a row of cells: MobileViT's, Hiera's, CoaT's and XCiT's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from visualizer.axes import Grid, Scattered, Special, Unknown, Windows
from visualizer.families.layouts import Choice, Given, Layout, as_side, both, reads

UNFOLDED = "feature map that was unfolded"


@reads("timm", "MobileVitBlock")
def mobilevit(module: Any, given: Given) -> Layout:
    """Each pixel of a patch looks at that pixel of all patches; a feature map is stretched to whole ones."""
    stride = module.conv_kxk.conv.stride
    sides = [-(-side // step) for side, step in zip(given["x"].shape[-2:], stride, strict=True)]
    return unfolded(sides, module.patch_size)


@reads("transformers", "MobileViTLayer", methods=("unfolding",))
def unfolding(module: Any, given: Given) -> None:
    """Keep the feature map (batch, channel, row, column) and the patches that it is unfolded into."""
    sizes = given["features"].shape[-2:], (module.patch_height, module.patch_width)
    given.memory[UNFOLDED] = sizes


@reads("transformers", "MobileViTTransformer")
def mobilevit_hf(module: Any, given: Given) -> Layout:  # noqa: ARG001  # as all
    """Likewise, of what was unfolded right before."""
    return unfolded(*given.memory.pop(UNFOLDED))


def unfolded(sides: Sequence[int], patch: Sequence[int]) -> Layout:
    """Return windows whose cells are spread over a feature map, one for each pixel of its patches."""
    rows, columns = (-(-side // size) for side, size in zip(sides, patch, strict=True))
    grid = rows * patch[0], columns * patch[1]
    return Layout(both([Windows(grid, (rows, columns), spread=True)]))


@reads("timm", "Hiera", methods=("forward_features",))
def hiera(module: Any, given: Given) -> Layout | None:
    """Cells in the order that pooling needs; blocks that attend within units of them are not told."""
    if given.get("mask") is not None:
        return None
    schedules = module.reroll.schedule
    before = [schedules[max(number - 1, 0)] for number in range(len(module.blocks))]
    orders = {number: [unrolled(*before[number]), unrolled(*schedules[number])] for number in schedules}
    return Layout(
        *(
            Choice(as_side([queries]), as_side([keys]), f"blocks.{number}.attn")
            for number, (keys, queries) in orders.items()
        )
    )


def unrolled(schedule: Sequence[Sequence[int]], size: Sequence[int]) -> Grid | Scattered:
    """Return the cells of a feature map after strides were moved out of it, one after the other."""
    rows, columns = size
    at = np.arange(rows * columns).reshape(1, rows, columns)
    for down, across in schedule:
        parts = at.reshape(len(at), at.shape[1] // down, down, at.shape[2] // across, across)
        at = parts.transpose(0, 2, 4, 1, 3).reshape(-1, at.shape[1] // down, at.shape[2] // across)
    return Scattered(rows, columns, at=tuple(at.ravel().tolist())) if schedule else Grid(rows, columns)


@reads("timm", "FactorAttnConvRelPosEnc")
def coat(module: Any, given: Given) -> Layout:
    """Channels of a head look at the class token and the cells."""
    channels = Unknown(module.proj.in_features // module.num_heads, "channels of a head, no tokens")
    return Layout(Choice(as_side([channels]), as_side([Special("CLS"), Grid(*given["size"])])))


@reads("timm", "XCA", "CrossCovarianceAttn", "ChannelAttention", "ChannelAttentionV2")
def channels(module: Any, given: Given) -> Layout:  # noqa: ARG001  # as all
    """Channels of a head among themselves."""
    kind = type(module).__name__
    return Layout(why=f"{kind} attends from channels to channels, which are no tokens")
