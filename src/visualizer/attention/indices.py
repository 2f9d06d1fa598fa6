"""Places on axes: picked lazily, picked again, cut into blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import numpy as np

from visualizer.attention._wanted import check_wanted
from visualizer.attention.arrays import Array
from visualizer.errors import ShapeError

Index = Any  # the places that are picked of one axis: a range, or an array of integers
At = tuple[Index, ...]  # one for each axis but the key's
Box = tuple[slice, ...]  # where along each axis a part lies


def whole(shape: Sequence[int]) -> At:
    """Return all places of all axes.

    Examples
    --------
    >>> whole((2, 3))
    (range(0, 2), range(0, 3))
    """
    return tuple(range(length) for length in shape)


def is_whole(at: At, shape: Sequence[int]) -> bool:
    """Tell whether ``at`` is all places in order of a map of some shape.

    Examples
    --------
    >>> is_whole((range(2), range(3)), (2, 3, 8)), is_whole((range(2), range(1, 3)), (2, 3, 8))
    (True, False)
    """
    lengths = shape[: len(at)]
    return all(
        isinstance(index, range) and index == range(length) for index, length in zip(at, lengths, strict=True)
    )


def pick(index: Index, key: Any, axis: str) -> Index:
    """Pick from places that were picked before, by a slice, an int, or a list of ints or bools.

    Raises
    ------
    ShapeError
        If there is no such place, or the list has another length or more axes.

    Examples
    --------
    >>> pick(range(10, 20), slice(2, 8, 3), "key"), pick(range(10, 20), -1, "key")
    (range(12, 18, 3), range(19, 20))
    """
    try:
        if isinstance(key, slice):
            return index[key]
        numbers = np.asarray(key.detach().cpu() if hasattr(key, "detach") else key)
    except (TypeError, ValueError):  # a step of 0, places between places, lists of unequal length
        raise _no_key(index, axis, repr(key)) from None
    if not numbers.size:
        numbers = numbers.astype(np.intp)
    if numbers.dtype == bool and numbers.shape == (len(index),):
        numbers = numbers.nonzero()[0]
    if numbers.ndim > 1 or numbers.dtype.kind not in "iu":
        raise _no_key(index, axis, f"{numbers.dtype} values of shape {numbers.shape}")
    return _at(index, numbers, axis)


def _no_key(index: Index, axis: str, found: str) -> ShapeError:
    return ShapeError(
        f"the {axis} axis, {len(index)} long, takes an int, a slice of ints with a step other than 0, or a "
        f"list of ints or as many bools; found {found}"
    )


def _at(index: Index, numbers: Any, axis: str) -> Index:
    count = len(index)
    if numbers.size and not -count <= numbers.min() <= numbers.max() < count:
        wrong = numbers.min() if numbers.min() < -count else numbers.max()
        raise ShapeError(f"place {wrong} of the {axis} axis was asked for, but it has {count} places")
    if numbers.ndim == 0:
        place = int(numbers) % count
        return index[place : place + 1]
    return np.asarray(index, dtype=np.intp)[numbers]


def full_key(key: Any, shape: Sequence[int]) -> list[Any]:
    """Return an index as one part for each axis, an ellipsis written out.

    Raises
    ------
    ShapeError
        If it has more parts than there are axes, two ellipses, or None.

    Examples
    --------
    >>> full_key((0, ..., 1), (2, 3, 4))
    [0, slice(None, None, None), 1]
    """
    parts = list(key) if isinstance(key, tuple) else [key]
    dots = [number for number, part in enumerate(parts) if part is Ellipsis]
    missing = len(shape) - len(parts) + len(dots)
    if missing < 0 or len(dots) > 1 or any(part is None for part in parts):
        raise ShapeError(
            f"the index {key!r} does not fit a map of shape {tuple(shape)}: give an int, a slice or a list "
            "for each axis, and at most one ellipsis"
        )
    at = dots[0] if dots else len(parts)
    return [*parts[:at], *[slice(None)] * missing, *parts[at + len(dots) :]]


def is_int(part: Any) -> bool:
    """Tell whether a part of an index takes its axis away.

    Examples
    --------
    >>> is_int(3), is_int([3]), is_int(np.int64(3))
    (True, False, True)
    """
    return not isinstance(part, slice) and np.ndim(part) == 0


def with_axes(array: Array, axes: int) -> Array:
    """Return an array with so many axes at least, further ones of length 1 in front.

    Examples
    --------
    >>> with_axes(np.zeros(3), 2).shape
    (1, 3)
    """
    return array.reshape((1,) * (axes - array.ndim) + tuple(array.shape))


def take(xp: Any, array: Array, at: At, *, exact: bool = False) -> Array:
    """Pick ``at`` of an array's axes before the last; those of length 1 stay unless ``exact``.

    Examples
    --------
    >>> from visualizer.attention.arrays import NUMPY
    >>> take(NUMPY, np.arange(6).reshape(1, 3, 2), (range(1), range(1, 2))).tolist()
    [[[2, 3]]]
    """
    for back, index in enumerate(reversed(at), start=2):
        if back > array.ndim:
            break
        if array.shape[-back] != 1 or (exact and len(index) != 1):
            array = take_axis(xp, array, index, array.ndim - back)
    return array


def take_axis(xp: Any, array: Array, index: Index, axis: int) -> Array:
    """Pick places of one axis: a view where they are a range.

    Examples
    --------
    >>> from visualizer.attention.arrays import NUMPY
    >>> take_axis(NUMPY, np.arange(5), range(1, 5, 2), 0)
    array([1, 3])
    """
    if isinstance(index, range) and index.step > 0:
        if index == range(array.shape[axis]):
            return array
        return array[(slice(None),) * axis + (slice(index.start, index.stop, index.step),)]
    return xp.take(array, np.asarray(index, dtype=np.intp), axis)


def boxes(lengths: Sequence[int], limit: int) -> Iterator[tuple[slice, ...]]:
    """Cut a box into contiguous parts of at most ``limit`` cells (one cell at least), the first axis first.

    Examples
    --------
    >>> list(boxes((2, 3), 2))
    [(slice(0, 1, None), slice(0, 2, None)), (slice(0, 1, None), slice(2, 3, None)), \
(slice(1, 2, None), slice(0, 2, None)), (slice(1, 2, None), slice(2, 3, None))]
    """
    if not lengths:
        yield ()
        return
    first, *rest = lengths
    inside = prod(rest)
    step = max(1, min(first, limit // inside))
    for start in range(0, first, step):
        part = slice(start, min(start + step, first))
        for inner in boxes(rest, max(limit, 1)) if inside > limit else boxes(rest, inside):
            yield part, *inner


def blocks(at: At, row_bytes: int, limit: int) -> Iterator[tuple[Box, At]]:
    """Cut ``at`` into parts of at most ``limit`` bytes; yield where each lies, and what it picks."""
    for places in boxes([len(index) for index in at], max(1, limit // max(1, row_bytes))):
        check_wanted()
        yield places, tuple(index[place] for index, place in zip(at, places, strict=True))


def valid_queries(xp: Any, valid: Array | None, at: At) -> Array | None:
    """Return which queries are no padding, broadcastable to (..., head, row).

    ``valid`` is (query,), (..., query) for all heads, or (..., head, query).
    """
    if valid is None:
        return None
    if 1 < valid.ndim < len(at):
        valid = valid[..., None, :]
    return take(xp, xp.asarray(valid, xp.boolean)[..., None], at)[..., 0]


def compose(outer: At, inner: At) -> At:
    """Return what ``inner`` picks of the places that ``outer`` picked.

    Examples
    --------
    >>> compose((range(10, 20),), (range(2, 4),))
    (range(12, 14),)
    """
    return tuple(_compose(mine, index) for mine, index in zip(outer, inner, strict=True))


def _compose(outer: Index, inner: Index) -> Index:
    if isinstance(inner, range) and inner.step > 0:
        return outer[inner.start : inner.stop : inner.step]
    return np.asarray(outer, dtype=np.intp)[np.asarray(inner, dtype=np.intp)]
