"""Rows of a map, some at a time, as numpy's arrays, and what only all of its cells can tell."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from visualizer.attention import AttentionMap

BLOCK = 2**24
"""Bytes of rows that are there at a time."""

_HALF = 16  # bits


class Part(NamedTuple):
    """Rows (..., row, key) of a map in float32, and which queries they are of."""

    rows: NDArray[np.float32]
    queries: slice


def parts_of(a: AttentionMap) -> Iterator[Part]:
    """Yield a map's rows, some megabytes at a time."""
    step = max(1, BLOCK // max(1, prod(a.shape[:-2]) * a.shape[-1] * 4))
    for begin in range(0, a.shape[-2], step):
        queries = slice(begin, min(begin + step, a.shape[-2]))
        yield Part(a[..., queries, :].numpy().astype(np.float32, copy=False), queries)


def smallest(a: AttentionMap, share: float) -> NDArray[np.float32]:
    """Return, for each batch, the weight below which a share of all cells of a map lies, exactly.

    Floats that are not negative have the order of their bits: cells are counted by the upper half of these,
    then those that share the wanted upper half by the lower one.
    """
    batch, cells = a.shape[0], prod(a.shape[1:])
    wanted = np.full(batch, min(int(cells * share), cells - 1))
    upper, left = _find(_counted(a, None), wanted)
    lower, _ = _find(_counted(a, upper), left)
    return ((upper << _HALF) | lower).astype(np.uint32).view(np.float32)


def _counted(a: AttentionMap, upper: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """Count cells, (batch, half), by the upper half of their bits, or of one upper half by the lower."""
    counts = np.zeros((a.shape[0], 2**_HALF), np.int64)
    for part in parts_of(a):
        bits = (part.rows + np.float32(0)).reshape(a.shape[0], -1).view(np.uint32)  # -0 has other bits than 0
        for batch, mine in enumerate(bits):
            halves = mine >> _HALF if upper is None else mine[mine >> _HALF == upper[batch]] & (2**_HALF - 1)
            counts[batch] += np.bincount(halves, minlength=2**_HALF)
    return counts


def _find(
    counts: NDArray[np.int64], wanted: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return in which bin the cell with a number in the order lies, and its number within that bin."""
    sums = counts.cumsum(-1)
    found = (sums <= wanted[:, None]).sum(-1)
    before = np.take_along_axis(sums - counts, found[:, None], -1)[:, 0]
    return found, wanted - before
