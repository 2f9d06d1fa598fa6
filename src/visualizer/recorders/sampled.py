"""Where deformable attention reads its values: sampling places on levels of a feature map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from visualizer.attention import SampledLevel
from visualizer.recorders.provenance import SAMPLED, Mark
from visualizer.recorders.writes import alias

if TYPE_CHECKING:
    from visualizer.recorders.dispatcher import Operation


def sampled_mark(operation: Operation, number: int) -> Mark:
    """Return the mark of what a `grid_sample` read."""
    features, places = operation.args[:2]
    return Mark(SAMPLED, SampledLevel(alias(places), tuple(features.shape[2:]), number))


def sampled_levels(marks: set[Mark]) -> tuple[SampledLevel, ...]:
    """Return the levels that values were read from, in the order of reading."""
    levels = (mark.source for mark in marks if mark.kind == SAMPLED)
    return tuple(sorted(levels, key=lambda level: level.number))
