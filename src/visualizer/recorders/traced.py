"""What autograd knows of a call: the place that stands for its map in the graph."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.checkpoint import CheckpointFunction

from visualizer.attention.tensors import times_written
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
    early
        Where the output of a fused call, or the map that the model formed, was in the graph at the call; None
        where it ran without one, or was known to autograd only when it was through.
    tensor, version, is_view
        That output or map, how often it had been changed in place, and whether it is a view: what is written
        into one goes past its place in the graph.
    arrange
        What brings it into the axes (batch, head, query, width); None where it has them.
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
    run
        Identity of the reentrant checkpoint's run that the call was made in, or 0.
    cuts, before
        What has cut the graph, a list that grows, and how often that had happened before the call.
    """

    early: Anchor | None
    tensor: Any
    version: int
    is_view: bool
    arrange: Callable[[torch.Tensor], torch.Tensor] | None
    layout: tuple[Any, Any] | None
    module: int
    dropout: float
    value: Any
    order: tuple[int, ...] | None
    keys: slice
    told_by: torch.Tensor
    run: int
    cuts: list[str]
    before: int

    @property
    def anchor(self) -> Anchor | None:
        """Where the output or the map is in the graph, if it has one."""
        is_same = self.version == _version(self.tensor)
        if self.early is not None and (is_same or not self.is_view):
            return self.early
        return anchored(self.tensor) if is_same else None

    @property
    def is_seen_late(self) -> bool:
        """Whether autograd knows the output only as what was written into it since."""
        return self.anchor is None and bool(self.tensor.requires_grad)

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
        return torch.zeros_like(self.tensor)


def trace(what: FusedCall | FormedMap, module: int, value: Any) -> Traced:
    """Return what autograd knows of a call; ``value`` is v as it is held."""
    fused = isinstance(what, FusedCall)
    return Traced(
        early=anchored(traced := known_tensor(what)),
        tensor=traced if isinstance(traced, torch.Tensor) else what.value,
        version=_version(traced),
        is_view=isinstance(traced, torch.Tensor) and traced._is_view(),  # noqa: SLF001
        arrange=what.arrange if isinstance(what, FusedCall) else None,
        layout=(traced.device_mesh, traced.placements) if is_spread(traced) else None,
        module=module,
        dropout=what.dropout if isinstance(what, FusedCall) else 0.0,
        value=value if fused else None,
        order=None if isinstance(what, FusedCall) else what.order,
        keys=slice(None) if isinstance(what, FusedCall) else what.keys,
        told_by=_told_by(what),
        run=checkpoint_run(),
        cuts=(cuts := GRAPH.cuts),
        before=len(cuts),
    )


def checkpoint_run() -> int:
    """Return what is the same where a reentrant checkpoint runs forward and where it runs again, or 0."""
    codes = CheckpointFunction.forward.__code__, CheckpointFunction.backward.__code__
    frame: Any = sys._getframe(1)  # noqa: SLF001
    while frame is not None and frame.f_code not in codes:
        frame = frame.f_back
    return 0 if frame is None else id(frame.f_locals["ctx"])


def known_tensor(what: FusedCall | FormedMap) -> Any:
    """Return the tensor that autograd knows, or where it was."""
    if isinstance(what, FusedCall):
        return what.output if what.known is None else what.known
    return what.traced


def _version(tensor: Any) -> int:
    return times_written(tensor) if isinstance(tensor, torch.Tensor) else 0


def _told_by(what: FusedCall | FormedMap) -> torch.Tensor:
    return (what.query if isinstance(what, FusedCall) else what.value).detach()
