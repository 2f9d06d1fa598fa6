"""Where queries and keys lie: which keys a band or a segment lets a query see, without an N × N mask."""

from __future__ import annotations

from functools import reduce
from operator import and_
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualizer.attention.arrays import NUMPY, Array
from visualizer.attention.factors import Factors
from visualizer.attention.indices import Index

Integers = NDArray[np.int64]


class Places:
    """The positions of one call's queries and keys, counted inside their segment where there are segments."""

    def __init__(self, factors: Factors) -> None:
        queries, keys = factors.shape[-2:]
        self.band = factors.band if factors.band and not factors.band.is_endless else None
        self.queries, self.keys = np.arange(queries), np.arange(keys)
        self.first, self.last = np.zeros(queries, int), np.full(queries, keys - 1)
        self.surplus: Any = np.full(queries, keys - queries)
        self.segments = None
        if factors.segments is not None:
            self.segments = tuple(NUMPY.as_numpy(side).astype(np.int64) for side in factors.segments)
            self._count_inside(*self.segments)
        diagonal = NUMPY.as_numpy(self.band.diagonal) if self.band else 0
        self.diagonal: Integers = self.queries + diagonal

    def keys_seen(self, rows: Index) -> range:
        """Return a range that holds every key that one of these queries may see."""
        rows = np.asarray(rows)
        low, high = self.first[rows], self.last[rows]
        if self.band and self.segments is None:
            low = low if self.band.left is None else self.diagonal[rows] - self.band.left
            high = high if self.band.right is None else self.diagonal[rows] + self.band.right
        return range(max(0, low.min()), max(0, min(len(self.keys), high.max() + 1)))

    def allowed(self, xp: Any, rows: Index, keys: range) -> Any:
        """Return what band and segments allow, (row, key), or None where that is everything."""
        parts: list[Array] = []
        if self.segments is not None:
            mine, its = self.segments
            parts.append(xp.asarray(mine[np.asarray(rows)])[:, None] == xp.asarray(its[_slice(keys)]))
        if self.band:
            offset = self.offset(xp, self.diagonal, rows, keys)
            parts += [offset >= -self.band.left] if self.band.left is not None else []
            parts += [offset <= self.band.right] if self.band.right is not None else []
        return reduce(and_, parts) if parts else None

    def distance(self, xp: Any, rows: Index, keys: range) -> Array:
        """Return ALiBi's distance ``abs(i + keys - queries - j)``, (row, key)."""
        return abs(self.offset(xp, self.queries + self.surplus, rows, keys))

    def offset(self, xp: Any, diagonal: Integers, rows: Index, keys: range) -> Array:
        """Return how far keys lie after a diagonal, (row, key)."""
        mine = xp.asarray(diagonal[np.asarray(rows)], xp.int32)  # as large as a block of rows: half of int64
        return xp.asarray(self.keys[_slice(keys)], xp.int32) - mine[:, None]

    def _count_inside(self, queries: Integers, keys: Integers) -> None:
        self.queries, self.keys = _ranks(queries), _ranks(keys)
        names, counts = np.unique(keys, return_counts=True)
        first = np.unique(keys, return_index=True)[1]
        last = len(keys) - 1 - np.unique(keys[::-1], return_index=True)[1]
        of = np.searchsorted(names, queries).clip(max=len(names) - 1)
        known = names[of] == queries
        self.first, self.last = np.where(known, first[of], len(keys)), np.where(known, last[of], -1)
        mine = np.unique(queries, return_inverse=True, return_counts=True)
        self.surplus = np.where(known, counts[of], 0) - mine[2][mine[1]]


def _slice(keys: range) -> slice:
    return slice(keys.start, keys.stop)


def _ranks(names: Integers) -> Integers:
    """Return how many places before each one bear the same name."""
    order = np.argsort(names, kind="stable")
    sorted_names = names[order]
    ranks = np.empty_like(order)
    ranks[order] = np.arange(len(names)) - np.searchsorted(sorted_names, sorted_names)
    return ranks
