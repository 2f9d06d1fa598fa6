"""What one wants to know of a map, each from blocks of rows or from the map as an operator.

Each function takes a source and what is picked of its axes but the key's, and returns an array with those
axes in front: `AttentionMap` has the same names and says what they mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from visualizer.attention.arrays import NUMPY, Array
from visualizer.attention.blocks import BLOCK, Source
from visualizer.attention.indices import At, Box, blocks, pick
from visualizer.errors import OptionError, ShapeError

Groups = Mapping[str, Any] | Sequence[Any]


def parts_of(groups: Groups) -> list[Any]:
    """Return groups of keys in their order."""
    try:
        parts = list(groups.values() if isinstance(groups, Mapping) else groups)
    except TypeError:
        raise OptionError(
            f"mass({groups!r}) was asked for; give groups in a list or a dict, a.mass([0, slice(1, 4)])"
        ) from None
    if not parts:
        raise ShapeError("the mass on groups of keys was asked for, but there are no groups")
    return parts


def mass(source: Source, at: At, parts: Sequence[Any]) -> Array:
    """Sum each row over groups of keys: A @ W with a column of zeros and ones for each group."""
    members = np.zeros((source.shape[-1], len(parts)), np.float32)
    for number, part in enumerate(parts):
        members[np.asarray(pick(range(source.shape[-1]), part, "key"), np.intp), number] = 1
    return source.apply(at, source.xp.asarray(members))


def expected_position(source: Source, at: At) -> Array:
    """Return the mean key of each row: A @ [j, 1], the first over the second."""
    keys = source.shape[-1]
    position = np.stack([np.arange(keys) / keys, np.ones(keys)], -1)
    sums = source.apply(at, source.xp.asarray(position))
    return sums[..., 0] / sums[..., 1] * keys


def topk(source: Source, at: At, count: int) -> tuple[Array, Array]:
    """Return the largest weights of each row and their keys."""
    if not 1 <= count <= source.shape[-1]:
        raise OptionError(f"topk({count}) was asked for of rows with {source.shape[-1]} keys")
    values, keys = source.rows(at, lambda weights, _part: source.xp.largest(weights, count))
    return values, keys


def argmax(source: Source, at: At) -> Array:
    """Return the key with the largest weight of each row."""
    _need_keys(source, "argmax")
    return source.rows(at, lambda weights, _part: weights.argmax(-1))


def levels_of(p: Any) -> Any:
    """Return what quantiles are asked for: a number or some, as numpy's."""
    try:
        levels = NUMPY.as_numpy(p).astype(np.float64, casting="same_kind")
    except (TypeError, ValueError):
        levels = np.array(np.nan)
    if levels.ndim > 1 or not ((levels >= 0) & (levels <= 1)).all():
        raise OptionError(f"quantile({p!r}) was asked for; give a number from 0 to 1, or a list of them")
    return levels


def quantile(source: Source, at: At, levels: Any) -> Array:
    """Return quantiles of the weights in each row, by linear interpolation."""
    _need_keys(source, "quantile")
    place = np.atleast_1d(levels) * (source.shape[-1] - 1)
    low, high = np.floor(place).astype(np.int64), np.ceil(place).astype(np.int64)
    share = source.xp.asarray(place - low, source.work)

    def of_rows(weights: Array, _places: Box) -> Array:
        ordered = source.xp.sort(weights)
        below, above = (source.xp.take(ordered, numbers, ordered.ndim - 1) for numbers in (low, high))
        return below + (above - below) * share

    found = source.rows(at, of_rows)
    return found if levels.ndim else found[..., 0]


def _need_keys(source: Source, name: str) -> None:
    if not source.shape[-1]:
        raise ShapeError(f"{name} was asked for of rows without keys: the map has the shape {source.shape}")


def received(source: Source, at: At, how: str) -> Array:
    """Sum each column over queries that are no padding; or average over those that see it; or count these."""
    if how not in ("sum", "mean", "count"):
        raise OptionError(f'received(how={how!r}) was asked for; it is "sum", "mean" or "count"')
    xp = source.xp
    valid = source.query_valid(at)
    share = xp.zeros((1,), source.work) + 1 if valid is None else xp.cast(valid, source.work)
    share = xp.broadcast(share, (*share.shape[:-1], len(at[-1])))
    if how == "sum":
        return source.received(at, share)
    count = onlookers(source, at, share)
    if how == "count":
        return xp.broadcast(count, (*map(len, at[:-1]), source.shape[-1]))
    total = source.received(at, share)
    return xp.where(count > 0, total / count, xp.asarray(0.0, total.dtype))


def onlookers(source: Source, at: At, share: Array) -> Array:
    """Count, for each key, the queries that can see it, each times its share."""
    if source.allowed(tuple(index[:1] for index in at)) is None:
        return share.sum(-1)[..., None]
    count: Any = 0
    for (rows,), (index,) in blocks(at[-1:], source.shape[-1] * prod(map(len, at[:-1])) * 8, BLOCK):
        seen = source.xp.cast(source.allowed((*at[:-1], index)), source.work)
        count = count + (seen * share[..., rows, None]).sum(-2)
    return count


def seen(source: Source, at: At) -> Array | None:
    """Return which keys queries can see as one array that broadcasts to the map's shape; None: all."""
    first = source.allowed((*at[:-1], at[-1][:1]))
    if first is None:
        return None
    *leading, _, keys = first.shape
    out = source.xp.zeros((*leading, len(at[-1]), keys), source.xp.boolean)
    for (rows,), (index,) in blocks(at[-1:], prod(leading) * keys * 8, BLOCK):
        out[..., rows, :] = source.allowed((*at[:-1], index))
    return None if bool(out.all()) else out


def masked_rows(source: Source, at: At) -> Array:
    """Tell which rows have no key that they can see."""
    lengths = tuple(len(index) for index in at)
    out = source.xp.zeros(lengths, source.xp.boolean)
    for (rows,), (index,) in blocks(at[-1:], source.shape[-1] * prod(lengths[:-1]) * 4, BLOCK):
        allowed = source.allowed((*at[:-1], index))
        out[..., rows] = source.shape[-1] == 0 if allowed is None else ~allowed.any(-1)
    return out


def valid(source: Source, at: At) -> Array:
    """Tell which queries are no padding."""
    found, lengths = source.query_valid(at), tuple(len(index) for index in at)
    every = source.xp.zeros(lengths, source.xp.boolean)
    return ~every if found is None else every | found


def keys_seen(source: Source, at: At) -> Array:
    """Count the keys that each query can see."""
    lengths = tuple(len(index) for index in at)
    out = source.xp.zeros(lengths, source.work)
    for places, part in blocks(at, source.shape[-1] * 4, BLOCK):
        allowed = source.allowed(part)
        out[places] = source.shape[-1] if allowed is None else allowed.sum(-1)
    return out
