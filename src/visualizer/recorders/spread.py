"""Tensors that are spread over the ranks of a device mesh: torch's DTensors, seen without importing them."""

from __future__ import annotations

import sys
from typing import Any

_PACKAGE = "torch/distributed/tensor"


def is_spread(tensor: Any) -> bool:
    """Tell whether a tensor is a DTensor."""
    return hasattr(tensor, "placements") and hasattr(tensor, "device_mesh")


def split_axes(tensor: Any) -> tuple[int, ...]:
    """Return the axes, counted from the last, along which a DTensor's parts lie on different ranks."""
    axes = {place.dim for place in tensor.placements if place.is_shard()}
    return tuple(sorted(axis - tensor.dim() for axis in axes))


def own_part(tensor: Any, like: Any) -> Any:
    """Return this rank's part of a DTensor in another one's layout; a collective where it has its own."""
    return tensor.redistribute(like[0], like[1]).to_local() if is_spread(tensor) else tensor


def is_planned() -> bool:
    """Tell whether DTensors only work out, with fake tensors, how a result will be laid out."""
    frame: Any = sys._getframe(1)  # noqa: SLF001
    while frame is not None:
        if _PACKAGE in frame.f_code.co_filename.replace("\\", "/"):
            return True
        frame = frame.f_back
    return False
