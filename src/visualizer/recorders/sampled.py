"""Where deformable attention reads its values: sampling places on levels of a feature map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from visualizer.recorders.provenance import SAMPLED, Mark
from visualizer.recorders.writes import alias

if TYPE_CHECKING:
    import torch

    from visualizer.recorders.dispatcher import Operation


@dataclass(frozen=True, eq=False)
class SampledLevel:
    """The places at which one level of a feature map is read.

    Attributes
    ----------
    places
        (batch · head, query, point, 2): x and y from -1 (the first edge) to 1 (the last), as `grid_sample`
        takes them.
    shape
        Height and width of the level.
    number
        Its place among all that were read.
    """

    places: torch.Tensor
    shape: tuple[int, ...]
    number: int


def sampled_mark(operation: Operation, number: int) -> Mark:
    """Return the mark of what a `grid_sample` read."""
    features, places = operation.args[:2]
    return Mark(SAMPLED, SampledLevel(alias(places), tuple(features.shape[2:]), number))


def sampled_levels(marks: set[Mark]) -> tuple[SampledLevel, ...]:
    """Return the levels that values were read from, in the order of reading."""
    levels = (mark.source for mark in marks if mark.kind == SAMPLED)
    return tuple(sorted(levels, key=lambda level: level.number))
