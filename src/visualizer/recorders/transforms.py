"""Tensors within torch.vmap, grad and jvp: what they hold, with an axis for each vmap in front."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch._C import _functorch
from torch._functorch.pyfunctorch import temporarily_clear_interpreter_stack as outside_transforms

__all__ = ["is_transformed", "outside_transforms", "whole"]

Axes = dict[int, int]  # by the level of a vmap


def is_transformed(value: Any) -> bool:
    """Tell whether a value is a tensor that a transform has wrapped."""
    return isinstance(value, torch.Tensor) and _functorch.is_functorch_wrapped_tensor(value)


def whole(named: Mapping[str, Any], rank: int) -> dict[str, Any]:
    """Return plain tensors for wrapped ones, all with the axes of all vmaps in front, the outermost first.

    To be called outside of the transforms.

    Parameters
    ----------
    named
        Tensors by name; other values pass.
    rank
        How many axes a tensor has for one sample; those that have fewer broadcast.
    """
    bare = {name: _bare(value) for name, value in named.items() if isinstance(value, torch.Tensor)}
    sizes = {level: tensor.shape[axis] for tensor, axes in bare.values() for level, axis in axes.items()}
    return {
        name: _in_front(*bare[name], sizes, rank) if name in bare else value for name, value in named.items()
    }


def _bare(tensor: Any) -> tuple[torch.Tensor, Axes]:
    """Return the tensor within all wrappers, and which of its axes belong to vmaps."""
    axes: list[tuple[int, int]] = []
    while _functorch.is_functorch_wrapped_tensor(tensor):
        if _functorch.is_batchedtensor(tensor):
            axes.append((_functorch.maybe_get_level(tensor), _functorch.maybe_get_bdim(tensor)))
        tensor = _functorch.get_unwrapped(tensor)
    left = list(range(tensor.dim()))
    return tensor, {level: left.pop(axis) for level, axis in reversed(axes)}  # each counts what is left


def _in_front(tensor: torch.Tensor, axes: Axes, sizes: Mapping[int, int], rank: int) -> torch.Tensor:
    levels = sorted(sizes)
    own = [axis for axis in range(tensor.dim()) if axis not in axes.values()]
    tensor = tensor.detach().permute(*(axes[level] for level in levels if level in axes), *own)
    front = [sizes[level] if level in axes else 1 for level in levels]
    shape = tensor.shape[tensor.dim() - len(own) :]
    tensor = tensor.reshape(*front, *[1] * (rank - len(own)), *shape)
    return tensor.expand(*(sizes[level] for level in levels), *tensor.shape[len(levels) :])
