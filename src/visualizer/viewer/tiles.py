"""Parts of a head in cells of 2^level × 2^level, as a map that is zoomed is drawn from.

A tile needs its own rows alone: the logarithms of their denominators are computed once for all tiles beside
one another, and then no more logits than the tile has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from visualizer.attention import AttentionMap
from visualizer.attention.arrays import NUMPY, Array
from visualizer.attention.blocks import BLOCK, PASSES, Source
from visualizer.attention.indices import At, blocks
from visualizer.attention.readouts import valid
from visualizer.attention.softmax import FactorSource
from visualizer.errors import OptionError
from visualizer.kept import Once
from visualizer.viewer.denominators import log_denominators, weights_on

SIDE = 256
"""The largest number of cells along each side of a tile."""
MOST = 2**31
"""Multiplications that one tile may take: of larger ones some rows of each cell are read."""
WIDTH = 64
"""Multiplications that a weight takes at least: its power of e costs as much."""


@dataclass(frozen=True)
class Tile:
    """A part of a map of so many queries and keys, whose cells are 2^level places high and wide.

    Raises
    ------
    OptionError
        If ``how`` is neither "mean" nor "max".
    """

    of_queries: int
    of_keys: int
    level: int
    row: int
    column: int
    how: str

    def __post_init__(self) -> None:
        if self.how not in ("mean", "max"):
            raise OptionError(f'a tile of how={self.how!r:.20} was asked for; it is "mean" or "max"')

    @property
    def size(self) -> int:
        """Places along each side of a cell."""
        return 1 << self.level

    @property
    def queries(self) -> range:
        """Its queries."""
        return self._extent(self.row, self.of_queries)

    @property
    def keys(self) -> range:
        """Its keys."""
        return self._extent(self.column, self.of_keys)

    def _extent(self, place: int, length: int) -> range:
        return range(length)[place * SIDE * self.size : (place + 1) * SIDE * self.size]


def levels(queries: int, keys: int) -> int:
    """Return the level of which one tile is the whole map.

    Examples
    --------
    >>> levels(256, 256), levels(257, 100), levels(65536, 65536)
    (0, 1, 8)
    """
    return max(0, (tiles_along(max(queries, keys), 0) - 1).bit_length())


def tiles_along(length: int, level: int) -> int:
    """Return how many tiles there are along a side."""
    return -(-length // (SIDE << level))


def pooled(head: AttentionMap, tile: Tile, once: Once) -> tuple[Any, int | None]:
    """Return a tile (cell, cell) and how many rows of each cell were read; None: all.

    Padded queries are left out; a cell of nothing else is NaN. Cells at the lower and right edges pool what
    there is. Error 1e-5, but for rows that were not read.

    Parameters
    ----------
    head
        The map (1, 1, query, key).
    tile
        Which part of it.
    once
        Returns what has a name, made unless it was before: denominators of rows go through it.

    Examples
    --------
    >>> from visualizer.attention import Dense
    >>> head = AttentionMap(Dense(np.eye(6)[None, None]))
    >>> pooled(head, Tile(6, 6, 2, 0, 0, "mean"), lambda name, make: make())
    (array([[0.25, 0.  ],
           [0.  , 0.5 ]]), None)
    """
    held, at = head.opened()
    held.check_unchanged()
    source, at = held.narrowed(at)
    each = _rows_of_each(source, tile)
    rows, begins = _rows(len(tile.queries), tile.size, each)
    part = (*at[:-1], at[-1][tile.queries.start : tile.queries.stop])
    part = part if each is None else (*part[:-1], np.asarray(part[-1])[rows])
    with source.xp.reading():
        strips = _strips(source, part, tile, once)
        seen = NUMPY.as_numpy(valid(source, part))[0, 0]
    return (_means if tile.how == "mean" else _maxima)(strips, begins, seen), each


def _rows_of_each(source: Source, tile: Tile) -> int | None:
    """Return how many rows of each cell are read; None: all."""
    width = max(WIDTH, source.sizes.get("q", (0,))[-1])
    rows = MOST // (source.shape[-1] * width)
    if rows >= len(tile.queries):
        return None
    each = max(1, rows * tile.size // len(tile.queries))
    return each if each < tile.size else None


def _rows(count: int, size: int, each: int | None) -> tuple[Any, Any]:
    """Return rows, evenly spread in each cell, and where among them each cell begins."""
    cells = np.arange(0, count, size)
    sizes = np.minimum(size, count - cells)
    taken = sizes if each is None else np.minimum(sizes, each)
    begins = np.cumsum(taken) - taken
    place = np.arange(taken.sum()) - np.repeat(begins, taken)
    return np.repeat(cells, taken) + ((place + 0.5) * np.repeat(sizes / taken, taken)).astype(int), begins


def _strips(source: Source, at: At, tile: Tile, once: Once) -> Any:
    """Return (row, cell): each row's means or maxima over the keys of cells."""
    keys = tile.keys
    begins = np.arange(0, len(keys), tile.size)
    read, width = _reader(source, at, tile, once)
    reduce = np.add if tile.how == "mean" else np.maximum
    out = np.empty((len(at[-1]), len(begins)))
    for (rows,), (index,) in blocks(at[-1:], width * 8 * PASSES, BLOCK):
        weights = NUMPY.as_numpy(read(rows, (*at[:-1], index)))
        reduce.reduceat(weights, begins, axis=-1, out=out[rows], dtype=out.dtype)
    return out / np.minimum(tile.size, len(keys) - begins) if tile.how == "mean" else out


def _reader(source: Source, at: At, tile: Tile, once: Once) -> tuple[Callable[[slice, At], Array], int]:
    """Return what gives (row, key) for some of these rows and a tile's keys, and how many it forms a row."""
    if isinstance(source, FactorSource) and 2 * len(tile.keys) <= source.shape[-1]:
        lse = once(f"lse {tile.level} {tile.row}", lambda: log_denominators(source, at))
        return lambda rows, part: weights_on(source, part, tile.keys, lse[..., rows])[0, 0], len(tile.keys)
    quick, some = source.quick, slice(tile.keys.start, tile.keys.stop)
    return lambda _rows, part: quick.weights(part)[0, 0, :, some], source.shape[-1]


def _means(strips: Any, begins: Any, seen: Any) -> Any:
    """Return (cell, cell) of (row, cell)."""
    counts = np.add.reduceat(seen.astype(int), begins)[:, None]
    with np.errstate(invalid="ignore"):
        return np.add.reduceat(np.where(seen[:, None], strips, 0), begins) / counts


def _maxima(strips: Any, begins: Any, seen: Any) -> Any:
    found = np.maximum.reduceat(np.where(seen[:, None], strips, -np.inf), begins)
    return np.where(np.isfinite(found), found, np.nan)
