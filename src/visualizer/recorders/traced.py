"""What autograd knows of a call: the tensor that stands for its map in the graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from visualizer.recorders.candidates import FormedMap
from visualizer.recorders.fused import FusedCall


@dataclass(frozen=True, eq=False)
class Traced:
    """What the gradient with respect to a call's map is computed from.

    Attributes
    ----------
    tensor
        The output of a fused call, or the map that the model formed, as autograd knows it.
    module
        Identity of the module.
    dropout
        The fused call's dropout probability.
    value
        v (batch, key head, key, width) of a fused call.
    order
        The axes of a formed map in the order (..., query, key).
    keys
        Which of them are keys of the map.
    told_by
        What tells the call from others of its module: its queries, or the map.
    version
        How often the tensor had been changed in place at the call.
    """

    tensor: Any
    module: int
    dropout: float
    value: Any
    order: tuple[int, ...] | None
    keys: slice
    told_by: torch.Tensor
    version: int = 0

    @property
    def is_changed(self) -> bool:
        """Whether the tensor was changed in place since: the graph knows it as changed alone."""
        return self.tensor is not None and _version(self.tensor) != self.version

    def is_of(self, what: FusedCall | FormedMap) -> bool:
        """Tell whether this is what a checkpoint computes again."""
        told_by = _told_by(what)
        return self.told_by.shape == told_by.shape and torch.equal(self.told_by, told_by)


def trace(what: FusedCall | FormedMap, module: int, value: Any) -> Traced:
    """Return what autograd knows of a call; ``value`` is v as it is held."""
    if isinstance(what, FusedCall):
        version = _version(what.output)
        return Traced(what.output, module, what.dropout, value, None, slice(None), _told_by(what), version)
    version = _version(what.traced) if what.traced is not None else 0
    return Traced(what.traced, module, 0.0, None, what.order, what.keys, _told_by(what), version)


def _version(tensor: torch.Tensor) -> int:
    return 0 if tensor.is_inference() else tensor._version  # noqa: SLF001


def _told_by(what: FusedCall | FormedMap) -> torch.Tensor:
    return (what.query if isinstance(what, FusedCall) else what.value).detach()
