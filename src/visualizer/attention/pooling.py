"""A map in few cells: means or maxima over bins of queries and keys."""

from __future__ import annotations

from typing import Any

import numpy as np

from visualizer.attention.arrays import Array
from visualizer.attention.blocks import BLOCK, Source
from visualizer.attention.indices import At, blocks
from visualizer.errors import OptionError


def bin_edges(length: int, bins: int, axis: str) -> Any:
    """Return where bins of nearly equal size begin, and the end of the last.

    Raises
    ------
    OptionError
        If there are fewer places than bins, or no bins.

    Examples
    --------
    >>> bin_edges(10, 4, "key")
    array([ 0,  2,  5,  7, 10])
    """
    if not 1 <= bins <= length:
        raise OptionError(f"{bins} bins were asked for on the {axis} axis, which has {length} places")
    return np.arange(bins + 1) * length // bins


def pool(source: Source, at: At, bins: tuple[int, int], how: str) -> Array:
    """Return (..., head, query bin, key bin): means or maxima of the bins' cells, padded queries left out."""
    if how not in ("mean", "max"):
        raise OptionError(f'pool(how={how!r}) was asked for; it is "mean" or "max"')
    rows = bin_edges(len(at[-1]), bins[0], "query")
    columns = bin_edges(source.shape[-1], bins[1], "key")
    return _means(source, at, rows, columns) if how == "mean" else _maxima(source, at, rows, columns)


def _means(source: Source, at: At, rows: Any, columns: Any) -> Array:
    """P A W: ``W`` averages keys, ``P`` averages queries."""
    xp, keys = source.xp, np.arange(source.shape[-1])
    shares = _members(keys, columns).T / np.diff(columns)
    w = xp.asarray(shares.astype(np.float32) if source.work != xp.float64 else shares)
    out, counts = _zeros(source, at, len(rows) - 1, len(columns) - 1), _zeros(source, at, len(rows) - 1, 1)
    for places, part in blocks(at, 24 * (len(columns) + len(rows)), 8 * BLOCK):
        members = xp.asarray(_members(np.arange(len(at[-1]))[places[-1]], rows), source.work)
        valid = source.query_valid(part)
        if valid is not None:
            members = members * valid[..., None, :]
        out[places[:-1]] += members @ xp.cast(source.apply(part, w), source.work)
        counts[places[:-1]] += members.sum(-1)[..., None]
    return out / counts


def _maxima(source: Source, at: At, rows: Any, columns: Any) -> Array:
    xp = source.xp
    out = _zeros(source, at, len(rows) - 1, len(columns) - 1) - np.inf
    cells = _cells(columns)
    for places, part in source.parts(at):
        weights = source.weights(part)
        valid = source.query_valid(part)
        if valid is not None:
            weights = xp.where(valid[..., None], weights, xp.asarray(-np.inf, source.work))
        shape = (*weights.shape[:-1], *cells.shape)
        columns_max = xp.amax(xp.take(weights, cells.ravel(), weights.ndim - 1).reshape(shape), -1)
        _raise_to(xp, out, columns_max, places, rows)
    return xp.where(xp.isfinite(out), out, xp.asarray(np.nan, source.work))


def _raise_to(xp: Any, out: Array, part: Array, places: tuple[slice, ...], rows: Any) -> None:
    """Raise the cells of ``out`` to the maxima of the rows that fall into them."""
    start, stop = places[-1].start, places[-1].stop
    first, last = np.searchsorted(rows, start, "right") - 1, np.searchsorted(rows, stop, "left")
    for row in range(first, last):
        mine = xp.amax(part[..., max(rows[row], start) - start : min(rows[row + 1], stop) - start, :], -2)
        held = out[(*places[:-1], row)]
        out[(*places[:-1], row)] = xp.where(mine > held, mine, held)


def _members(numbers: Any, edges: Any) -> Any:
    """Return (bin, place): 1 where a place falls into a bin."""
    mine = np.searchsorted(edges, numbers, "right") - 1
    return (mine == np.arange(len(edges) - 1)[:, None]).astype(np.float64)


def _cells(edges: Any) -> Any:
    """Return (bin, member): the places of each bin, the last one repeated where a bin is shorter."""
    longest = np.arange(np.diff(edges).max())
    return np.minimum(edges[:-1, None] + longest, edges[1:, None] - 1)


def _zeros(source: Source, at: At, *last: int) -> Array:
    return source.xp.zeros((*(len(index) for index in at[:-1]), *last), source.work)
