"""Sums over the rows of a map, some at a time, where its factors are, and what only all cells can tell."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from visualizer.attention import AttentionMap, blocks
from visualizer.attention.arrays import Array, arrays_of

_HALF = 16  # bits
_LOW = 2**_HALF - 1


def summed(a: AttentionMap, function: Callable[[Array, slice], Array]) -> Array:
    """Return the sum of what a function makes of a map's rows, some megabytes of all heads at a time.

    Parameters
    ----------
    function
        Given rows (..., row, key) in float32, of the library and on the device of the map, and which queries
        they are of, it returns an array of one shape, of which there is room for some.
    """
    total: Any = 0
    row = max(1, prod(a.shape[:-2]) * a.shape[-1] * 4)
    many, few = (max(1, size // row) for size in (blocks.room(row), blocks.BLOCK))
    for begin in range(0, a.shape[-2], many):
        rows = a[..., begin : begin + many, :].array()
        xp = arrays_of(rows)
        with xp.reading():
            for first in range(0, rows.shape[-2], few):  # what is made of few stays in caches
                part = xp.cast(rows[..., first : first + few, :], xp.float32)
                total = total + function(part, slice(begin + first, begin + first + part.shape[-2]))
    return total


def smallest(a: AttentionMap, share: float) -> Array:
    """Return, for each batch, the weight below which a share of all cells of a map lies, exactly.

    Floats that are not negative have the order of their bits: cells are counted by the upper half of these,
    then those that share the wanted upper half by the lower one.
    """
    batch, cells = a.shape[0], prod(a.shape[1:])
    upper, left = _find(_counted(a, None), np.full(batch, min(int(cells * share), cells - 1)))
    lower, _ = _find(_counted(a, upper), left)
    xp = arrays_of(lower)
    return xp.cast((upper << _HALF) | lower, xp.int32).view(xp.float32)


def _counted(a: AttentionMap, upper: Array | None) -> Array:
    """Count cells, (batch, half), by the upper half of their bits, or of one upper half by the lower."""

    def of_rows(rows: Array, _queries: slice) -> Array:
        xp = arrays_of(rows)
        bits = (rows + 0.0).reshape(len(rows), -1).view(xp.int32)  # -0 has other bits than 0
        counts = []
        for batch, mine in enumerate(bits):
            above = (mine >> _HALF) & _LOW  # the sign of what is NaN is a bit as any other
            halves = above if upper is None else mine[above == upper[batch]] & _LOW
            counts.append(xp.bincount(halves, minlength=2**_HALF)[None])
        return xp.concat(counts)

    return summed(a, of_rows)


def _find(counts: Array, wanted: Array) -> tuple[Array, Array]:
    """Return in which bin the cell with a number in the order lies, and its number within that bin."""
    wanted = arrays_of(counts).asarray(wanted)
    before = counts.cumsum(-1) <= wanted[:, None]
    return before.sum(-1), wanted - (counts * before).sum(-1)
