"""Every head of a map in few cells: means and maxima, of long maps from some of their rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from visualizer.attention import AttentionMap
from visualizer.attention.arrays import NUMPY

CELLS = 64
"""Cells of a side."""
MOST = 2**29
"""Numbers of a map, times those of a key, from which on rows are sampled."""
EACH = 4
"""Rows of a bin that are then read."""


@dataclass(frozen=True)
class Small:
    """A map (batch, head, query, key) in few cells; ``formed`` may form what is read more than once."""

    map: AttentionMap
    formed: Callable[[AttentionMap], AttentionMap] = lambda map_: map_

    @property
    def cells(self) -> tuple[int, int]:
        """Number of cells down and across."""
        queries, keys = self.map.shape[-2:]
        return min(queries, CELLS), min(keys, CELLS)

    @property
    def sampled(self) -> int | None:
        """How many rows of each bin are read; None: all."""
        queries = self.map.shape[-2]
        is_long = prod(self.map.shape) * 64 > MOST and queries > CELLS * EACH
        return EACH if is_long else None

    @property
    def is_whole(self) -> bool:
        """Whether each cell is one of the map's, so that mean and maximum are the same."""
        return self.cells == self.map.shape[-2:]

    def pool(self, how: str) -> Any:
        """Return (batch, head, h, w), NaN where there is padding alone."""
        return NUMPY.as_numpy(self.formed(self._read).pool(*self.cells, how=how))

    @cached_property
    def _read(self) -> AttentionMap:
        if self.sampled is None:
            return self.map
        queries = self.map.shape[-2]
        edges = np.arange(CELLS + 1) * queries // CELLS
        shares = (np.arange(EACH) + 0.5) / EACH
        rows = edges[:-1, None] + (np.diff(edges)[:, None] * shares).astype(np.int64)
        return self.map[..., rows.ravel(), :]
