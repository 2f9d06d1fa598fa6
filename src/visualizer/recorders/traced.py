"""What autograd knows of a call: the place that stands for its map in the graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from visualizer.recorders.anchors import Anchor, anchored
from visualizer.recorders.candidates import FormedMap
from visualizer.recorders.fused import FusedCall
from visualizer.recorders.graph import GRAPH
from visualizer.recorders.spread import is_spread


@dataclass(frozen=True, eq=False)
class Traced:
    """What the gradient with respect to a call's map is computed from.

    Attributes
    ----------
    anchor
        Where the output of a fused call, or the map that the model formed, is in the graph; None where it ran
        without one.
    shape
        Its shape on this rank.
    layout
        The mesh and the placements of a DTensor, None of other tensors.
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
    cuts, before
        What has cut the graph, a list that grows, and how often that had happened before the call.
    """

    anchor: Anchor | None
    shape: torch.Size
    layout: tuple[Any, Any] | None
    module: int
    dropout: float
    value: Any
    order: tuple[int, ...] | None
    keys: slice
    told_by: torch.Tensor
    cuts: list[str]
    before: int

    @property
    def cut_by(self) -> str:
        """What cut the graph after the call, or ""."""
        return next(iter(self.cuts[self.before :]), "")

    def is_of(self, what: FusedCall | FormedMap) -> bool:
        """Tell whether this is what a checkpoint computes again."""
        told_by = _told_by(what)
        return self.told_by.shape == told_by.shape and torch.equal(self.told_by, told_by)

    def zeros(self) -> torch.Tensor:
        """Return the gradient of a call without influence."""
        return self.told_by.new_zeros(self.shape)


def trace(what: FusedCall | FormedMap, module: int, value: Any) -> Traced:
    """Return what autograd knows of a call; ``value`` is v as it is held."""
    fused = isinstance(what, FusedCall)
    return Traced(
        anchor=anchored(traced := _known(what)),
        layout=(traced.device_mesh, traced.placements) if is_spread(traced) else None,
        shape=what.output.shape if isinstance(what, FusedCall) else what.value.shape,
        module=module,
        dropout=what.dropout if isinstance(what, FusedCall) else 0.0,
        value=value if fused else None,
        order=None if isinstance(what, FusedCall) else what.order,
        keys=slice(None) if isinstance(what, FusedCall) else what.keys,
        told_by=_told_by(what),
        cuts=(cuts := GRAPH.cuts),
        before=len(cuts),
    )


def _known(what: FusedCall | FormedMap) -> Any:
    """Return the tensor that autograd knows, or where it was."""
    if isinstance(what, FusedCall):
        return what.output if what.whole is None else what.whole
    return what.traced


def _told_by(what: FusedCall | FormedMap) -> torch.Tensor:
    return (what.query if isinstance(what, FusedCall) else what.value).detach()
