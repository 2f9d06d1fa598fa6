"""A map in few cells: means or maxima over bins of queries and keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from visualizer.attention.arrays import Array
from visualizer.attention.blocks import COPIES, Source
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


def pool(source: Source, at: At, bins: Sequence[int], how: str) -> Array:
    """Return (..., head, query bin, key bin): means or maxima of the bins' cells, padded queries left out."""
    if how not in ("mean", "max"):
        raise OptionError(f'pool(how={how!r}) was asked for; it is "mean" or "max"')
    rows = bin_edges(len(at[-1]), bins[0], "query")
    columns = bin_edges(source.shape[-1], bins[1], "key")
    if how == "max":
        return _maxima(source.quick, at, rows, columns)
    if bins[1] <= source.narrow:
        return _means(source, at, rows, _columns_first(source, at, columns))
    return _means(source, at, rows, _rows_first(source.quick, at, columns))


Strip = tuple[tuple[slice, ...], At, Callable[[Array], Array]]
"""Some rows: where they lie, what picks them, and what makes P A W of P, the members of query bins."""


def _means(source: Source, at: At, rows: Any, strips: Iterator[Strip]) -> Array:
    """Return P A W, where W averages keys and P averages queries."""
    xp, out, counts = source.xp, None, _zeros(source, at, len(rows) - 1, 1)
    for places, part, read in strips:
        bins = _touched(places[-1], rows)
        members = _members(np.arange(places[-1].start, places[-1].stop), rows)[bins]
        valid = source.query_valid(part)
        members = xp.asarray(members, source.work) * (1 if valid is None else valid[..., None, :])
        found = read(members)
        out = _zeros(source, at, len(rows) - 1, found.shape[-1]) if out is None else out
        out[(*places[:-1], bins)] += found
        counts[(*places[:-1], bins)] += members.sum(-1)[..., None]
    return out / counts


def _columns_first(source: Source, at: At, columns: Any) -> Iterator[Strip]:
    """P (A W): as many columns as one pass of a kernel reads."""
    xp = source.xp
    w = xp.asarray(_members(np.arange(source.shape[-1]), columns).T / np.diff(columns), source.work)
    for places, part in blocks(at, 32 * w.shape[-1], COPIES):
        yield places, part, partial(_times, xp.cast(source.apply(part, w), source.work))


def _rows_first(source: Source, at: At, columns: Any) -> Iterator[Strip]:
    """(P A) W: then the columns of few rows are left to be averaged."""
    xp, cells = source.xp, _cells(columns)
    first = np.diff(cells, prepend=-1) > 0  # a shorter bin repeats its last place
    share = xp.asarray(first / np.diff(columns)[:, None], source.work)

    def read(weights: Array, members: Array) -> Array:
        return (_at_cells(xp, xp.cast(members, source.work) @ weights, cells) * share).sum(-1)

    for places, part in _strips(source, at):
        yield places, part, partial(read, source.weights(part))


def _times(right: Array, left: Array) -> Array:
    return left @ right


def _maxima(source: Source, at: At, rows: Any, columns: Any) -> Array:
    xp = source.xp
    none = xp.asarray(-np.inf, source.work)
    out = _zeros(source, at, len(rows) - 1, len(columns) - 1) - np.inf
    for places, part in _strips(source, at):
        weights, valid, bins = source.weights(part), source.query_valid(part), _touched(places[-1], rows)
        weights = weights if valid is None else xp.where(valid[..., None], weights, none)
        edges = rows[bins.start : bins.stop + 1].clip(places[-1].start, places[-1].stop) - places[-1].start
        strips = xp.amax(_at_cells(xp, weights.swapaxes(-1, -2), _cells(edges)), -1).swapaxes(-1, -2)
        found = xp.amax(_at_cells(xp, strips, _cells(columns)), -1)
        held = out[(*places[:-1], bins)]
        out[(*places[:-1], bins)] = xp.where(found > held, found, held)
    return xp.where(xp.isfinite(out), out, xp.asarray(np.nan, source.work))


def _strips(source: Source, at: At) -> Iterator[tuple[tuple[slice, ...], At]]:
    """Cut into blocks of at most 64 rows, so that few bins are touched by each."""
    for (rows,), (index,) in blocks(at[-1:], 1, 64):
        for places, part in source.parts((*at[:-1], index)):
            start, stop = rows.start + places[-1].start, rows.start + places[-1].stop
            yield (*places[:-1], slice(start, stop)), part


def _touched(places: slice, edges: Any) -> slice:
    """Return the bins that have some of these places."""
    first = np.searchsorted(edges, places.start, "right") - 1
    return slice(int(first), int(np.searchsorted(edges, places.stop, "left")))


def _members(numbers: Any, edges: Any) -> Any:
    """Return (bin, place): 1 where a place falls into a bin."""
    mine = np.searchsorted(edges, numbers, "right") - 1
    return (mine == np.arange(len(edges) - 1)[:, None]).astype(np.float64)


def _cells(edges: Any) -> Any:
    """Return (bin, member): the places of each bin, the last one repeated where a bin is shorter."""
    longest = np.arange(np.diff(edges).max())
    return np.minimum(edges[:-1, None] + longest, edges[1:, None] - 1)


def _at_cells(xp: Any, array: Array, cells: Any) -> Array:
    """Return (..., bin, member) for (..., place)."""
    if cells.size != array.shape[-1]:
        array = xp.take(array, cells.ravel(), array.ndim - 1)
    return array.reshape((*array.shape[:-1], *cells.shape))


def _zeros(source: Source, at: At, *last: int) -> Array:
    return source.xp.zeros((*(len(index) for index in at[:-1]), *last), source.work)
