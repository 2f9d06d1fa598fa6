"""Deformable attention as a page is told of it: the points that queries read, which are no keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

import numpy as np

from visualizer.attention import AttentionMap
from visualizer.attention.arrays import NUMPY
from visualizer.axes import Axis, Unknown
from visualizer.calls import Call
from visualizer.run import Run
from visualizer.viewer.arrays import Arrays
from visualizer.viewer.exhibits import MOST, options_of
from visualizer.viewer.protocol import BlobRef, SamplingInfo

POINTS = 2**16
"""Points of one array at most; it is sent when one of its queries is looked at."""


@dataclass(frozen=True)
class Sampled:
    """A call (batch, query, head, point) that reads a feature map at points; ``options`` name it."""

    run: int
    call: Call
    queries: Axis
    options: Mapping[str, str | int]


def sampled_calls(run: Run, number: int = 0) -> Iterator[Sampled]:
    """Yield the calls of a run that read a feature map at points, in the order in which they were made."""
    beside: dict[str, list[Call]] = {}
    for call in run[:MOST]:
        beside.setdefault(call.path, []).append(call)
    points = [call for calls in beside.values() for call in calls if _is_read(call)]
    for call in sorted(points, key=lambda one: one.order):
        axis = run.labels.of_sampling(call) or Axis((Unknown(call.shape[1]),))
        yield Sampled(number, call, axis, options_of([call], beside[call.path]))


def unread(run: Run) -> Iterator[str]:
    """Yield a sentence for each module that reads points of which it is not known whose weights are whose."""
    calls = [call for call in run[:MOST] if call.levels and not _is_read(call)]
    for path in dict.fromkeys(call.path for call in calls):
        yield (
            f"{path or 'The model'} reads a feature map at points, but its weights are not those of (batch, "
            "query, head, point), so it is not drawn here."
        )


def sampling_info(
    arrays: Arrays, shown: Sampled, number: int, queries: Sequence[int], images: Sequence[int | None]
) -> SamplingInfo:
    """Return what a page is told of a call.

    Parameters
    ----------
    arrays
        Those that the page may ask for: the call's points are added.
    shown, number
        The call, and its place among all that are shown.
    queries, images
        The numbers of the axis of its queries and of the image, for each row of the batch.
    """
    call = shown.call
    return SamplingInfo(
        id=number,
        run=shown.run,
        path=call.path,
        call=call.number,
        item=None if call.item is None else str(call.item),
        ids=[str(one) for one in call.rows] or None,
        how=call.how,
        note=call.note,
        shape=tuple(call.shape),  # type: ignore[arg-type]  # it has four axes
        levels=[tuple(map(int, level.shape)) for level in call.levels],  # type: ignore[misc]  # two each
        counts=_counts(call),
        queries=list(queries),
        images=list(images),
        each=_each(call),
        points=[_parts(arrays, call, number, row) for row in range(call.shape[0])],
        options=dict(shown.options),
    )


def points_of(call: Call, row: int, queries: slice) -> Any:
    """Return x, y and weight (query, head, point, 3) of a row of the batch, float32.

    x and y are shares of the image; points are in the order of the levels.
    """
    heads = call.shape[2]
    own = slice(row * heads, (row + 1) * heads)
    places = [_places(level.places[own, queries]) for level in call.levels]
    weights = NUMPY.as_numpy(call.map[row, queries])
    return np.concatenate([np.concatenate(places, axis=2), weights[..., None]], axis=3, dtype=np.float32)


def _places(places: Any) -> Any:
    """Return places (head, query, …, 2) from -1 to 1 as shares (query, head, point, 2)."""
    array = NUMPY.as_numpy(places)
    array = array.reshape(*array.shape[:2], -1, 2).swapaxes(0, 1)
    return (array.astype(np.float32) + 1) / 2


def _is_read(call: Call) -> bool:
    """Tell whether a call's points and weights are those of (batch, query, head, point)."""
    if not call.levels or not isinstance(call.content, AttentionMap) or len(call.shape) != 4:
        return False
    batches, queries, heads, points = call.shape
    own = all(level.sizes[:2] == (batches * heads, queries) for level in call.levels)
    return own and sum(_counts(call)) == points


def _counts(call: Call) -> list[int]:
    """Return how many points each level has."""
    return [prod(level.sizes[2:-1]) for level in call.levels]


def _each(call: Call) -> int:
    """Return of how many queries an array has the points."""
    return max(1, POINTS // prod(call.shape[2:]))


def _parts(arrays: Arrays, call: Call, number: int, row: int) -> list[BlobRef | None]:
    _, count, heads, points = call.shape
    each = _each(call)
    return [
        arrays.add(
            f"points.{number}.{row}.{begin}",
            "f4",
            (min(each, count - begin), heads, points, 3),
            partial(points_of, call, row, slice(begin, min(begin + each, count))),
        )
        for begin in range(0, count, each)
    ]
