"""Calls of a fused attention kernel: with anything in the place of the values, and with the roles exchanged.

Every source here works in the kernel's dtype. Where a mask is needed it is made for some rows at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from visualizer.attention.arrays import Array
from visualizer.attention.blocks import BLOCK, COPIES
from visualizer.attention.factors import Band, Factors
from visualizer.attention.indices import At, blocks, take, whole, with_axes

if TYPE_CHECKING:
    from visualizer.attention.softmax import FactorSource

FEWEST = 256  # rows below which a call of the kernel does not fill its cores


def attend(source: FactorSource, at: At, values: Array | None) -> tuple[Array, Array]:
    """Return the map times ``values`` (..., key, column), d columns at most, and each row's log-sum-exp.

    The values are the keys where there are none. Sinks are left out of both.
    """
    lengths = tuple(len(index) for index in at)
    width = source.factors.q.shape[-1] if values is None else values.shape[-1]
    out = source.xp.zeros((*lengths, width), source.work)
    lse = source.xp.zeros(lengths, source.work)
    for places, part in _heads(source, at):
        mine = values
        if values is not None:
            mine = take(source.xp, values, (*_ranges(places), range(source.shape[-1])))
        out[places], lse[places] = _attend_heads(source, part, mine)
    return out, lse


def _heads(source: FactorSource, at: At) -> Iterator[tuple[tuple[slice, ...], At]]:
    """Cut ``at`` into some heads at a time, so that copies of their factors stay small."""
    size = (len(at[-1]) + 2 * source.shape[-1]) * (source.factors.q.shape[-1] + 1) * 8
    for places, part in blocks(at[:-1], size, COPIES):
        yield (*places, slice(0, len(at[-1]))), (*part, at[-1])


def _ranges(places: tuple[slice, ...]) -> tuple[range, ...]:
    return tuple(range(place.start, place.stop) for place in places[:-1])


def _attend_heads(source: FactorSource, at: At, values: Array | None) -> tuple[Array, Array]:
    xp, factors = source.xp, source.factors
    q = xp.cast(take(xp, factors.q, at, exact=True), source.work) * source.scale_at(at)
    k = xp.cast(take(xp, factors.k, source.key_at(at, range(source.shape[-1])), exact=True), source.work)
    k = xp.broadcast(k, (*q.shape[:-2], *k.shape[-2:]))  # one key head for several query heads
    v = k if values is None else xp.broadcast(xp.widen(values, q.shape[-1]), k.shape)
    match pattern(source, at):
        case "full" | "causal" as name:
            out, lse = xp.kernel(q, k, v, None, causal=name == "causal")
        case "anticausal":
            out, lse = xp.kernel(*(xp.flip(array, -2) for array in (q, k, v)), None, causal=True)
            out, lse = xp.flip(out, -2), xp.flip(lse, -1)
        case _:
            out, lse = _attend_rows(source, at, q, k, v)
    return out if values is None else out[..., : values.shape[-1]], lse


def _attend_rows(source: FactorSource, at: At, q: Array, k: Array, v: Array) -> tuple[Array, Array]:
    """Attend with a mask that is made for some rows at a time, and with no more keys than they see.

    Results are written where memory for all of them was taken first: small ones that are kept between large
    ones that are let go of would leave gaps that nothing larger fits into.
    """
    xp = source.xp
    outs, lses = xp.zeros(tuple(q.shape), source.work), xp.zeros(tuple(q.shape[:-1]), source.work)
    first = mask_of(source, (*at[:-1], at[-1][:1]), range(source.shape[-1]))
    row = source.shape[-1] * prod(first.shape[:-2]) * 8
    limit = max(4 * BLOCK, min(FEWEST * row, COPIES))
    for (rows,), (index,) in blocks(at[-1:], row, limit):
        keys = source.places.keys_seen(index) or range(1)
        mask = mask_of(source, (*at[:-1], index), keys)
        picked = slice(keys.start, keys.stop)
        out, lse = xp.kernel(q[..., rows, :], k[..., picked, :], v[..., picked, :], mask, causal=False)
        dead = xp.amax(mask, -1) == -np.inf  # kernels differ in what they give for a row that sees nothing
        outs[..., rows, :] = xp.where(dead[..., None], xp.asarray(0.0, source.work), out)
        lses[..., rows] = xp.where(dead, xp.asarray(-np.inf, source.work), lse)
    return outs, lses


def mask_of(source: FactorSource, at: At, keys: range) -> Array:
    """Return what is added to the logits of some rows: biases, and minus infinity where masked."""
    xp, allowed = source.xp, source.allowed_hard(at, keys)
    terms = source.added(at, keys)
    total = sum(terms[1:], terms[0]) if terms else xp.zeros((1, 1), source.work)
    return total if allowed is None else xp.where(allowed, total, xp.asarray(-np.inf, source.work))


def pattern(source: FactorSource, at: At) -> str:
    """Say what the kernel can do itself: "full", "causal", "anticausal"; or "mask"."""
    factors, band, rows = source.factors, source.places.band, at[-1]
    others = (factors.mask, factors.bias, factors.slopes, factors.segments, factors.mask_mod)
    if any(other is not None for other in others):
        return "mask"
    if band is None:
        return "full"
    if not isinstance(rows, range) or rows.step != 1 or hasattr(band.diagonal, "shape"):
        return "mask"
    diagonal = band.diagonal + rows.start
    if (band.left, band.right, diagonal) == (None, 0, 0):
        return "causal"
    mirrored = source.shape[-1] - len(rows) - diagonal
    return "anticausal" if (band.left, band.right, mirrored) == (0, None, 0) else "mask"


def exchanged(source: FactorSource, at: At, lse: Array) -> FactorSource:
    """Return the map whose logits are log A transposed: queries [k, 1], keys [scale · q, −lse]."""
    factors, xp, keys = source.factors, source.xp, range(source.shape[-1])
    q = xp.cast(take(xp, factors.q, at, exact=True), source.work) * source.scale_at(at)
    k = xp.cast(take(xp, factors.k, source.key_at(at, keys), exact=True), source.work)
    k = xp.broadcast(k, (*q.shape[:-2], *k.shape[-2:]))
    one = xp.zeros((*k.shape[:-1], 1), source.work) + 1
    made = Factors(
        xp.concat([k, one], -1),
        xp.concat([q, -lse[..., None]], -1),
        scale=1.0,
        mask=_turned(xp, factors.mask, at),
        bias=_turned(xp, factors.bias, at),
        slopes=None
        if factors.slopes is None
        else take(xp, xp.asarray(factors.slopes)[..., None], at[:-1])[..., 0],
        band=_turned_band(factors.band, at[-1]),
        segments=None if factors.segments is None else (factors.segments[1], factors.segments[0]),
    )
    return source.like(made)


def can_exchange(source: FactorSource, at: At) -> bool:
    """Tell whether the roles can be exchanged: rows in one piece, positions not counted from an end."""
    factors, rows = source.factors, at[-1]
    if not isinstance(rows, range) or rows.step != 1 or factors.mask_mod is not None:
        return False
    if factors.band is not None and hasattr(factors.band.diagonal, "shape"):
        return False
    return len(rows) == source.shape[-2] or (factors.slopes is None and factors.segments is None)


def _turned(xp: Any, array: Array | None, at: At) -> Array | None:
    if array is None:
        return None
    return take(xp, with_axes(array, 2), at).swapaxes(-1, -2)


def _turned_band(band: Band | None, rows: range) -> Band | None:
    return None if band is None else Band(-(band.diagonal + rows.start), band.right, band.left)


def attend_back(source: FactorSource, at: At, u: Array, lse: Array) -> Array:
    """Return the transposed map times ``u`` (..., query, column), given the rows' log-sum-exp."""
    xp = source.xp
    lengths = tuple(len(index) for index in at[:-1])
    out = xp.zeros((*lengths, source.shape[-1], u.shape[-1]), source.work)
    for places, part in _heads(source, at):
        turned = exchanged(source, part, lse[places])
        mine = take(xp, u, (*_ranges(places), range(len(at[-1]))))
        found, log_sum = attend(turned, whole(turned.shape[:-1]), mine)
        out[places[:-1]] = xp.exp(log_sum)[..., None] * found
    return out
