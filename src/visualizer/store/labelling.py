"""Axes in a store: what tokens are always, what they say only where inputs are wanted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from visualizer.axes import Axis, Ids, Text, Unknown
from visualizer.labels import Labels

UNSAID = "text, which was not saved: save with inputs=True"


def written_labels(labels: Labels, *, inputs: bool) -> list[Any]:
    """Return labels as JSON has them; without ``inputs``, texts keep their place and no more."""
    return [[path, side, axis_json(axis, inputs=inputs)] for (path, side), axis in labels.stated.items()]


def read_labels(line: Any) -> Labels:
    """Return the labels that a line of the log has."""
    if line is None:
        return Labels()
    return Labels({(path, side): Axis.from_json(axis) for path, side, axis in line["stated"]})


def axis_json(axis: Axis, *, inputs: bool) -> Any:
    """Return an axis as JSON has it; without ``inputs``, texts and ids keep their place and no more."""
    return (axis if inputs else Axis(tuple(_unsaid(axis)))).to_json()


def _unsaid(axis: Axis) -> Iterator[Any]:
    for segment in axis.segments:
        yield Unknown(segment.length, UNSAID) if isinstance(segment, Text | Ids) else segment
