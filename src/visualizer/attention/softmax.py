"""Rows of a map from its factors: the model's own logits and softmax, a block at a time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, reduce
from operator import and_
from typing import Any

import numpy as np

from visualizer.attention.arrays import Array, arrays_of
from visualizer.attention.blocks import Source
from visualizer.attention.factors import Factors
from visualizer.attention.indices import At, Box, Index, take, valid_queries, with_axes
from visualizer.attention.places import Places
from visualizer.errors import ShapeError


class FactorSource(Source):
    """A map held as its factors; ``exact=False`` forms rows in the model's own dtype."""

    kind = "factors"

    def __init__(self, factors: Factors, *, exact: bool = True, work: Any = None) -> None:
        self.factors = factors
        self.exact = exact
        self.shape = factors.shape
        self.xp = xp = arrays_of(factors.q)
        own = factors.q.dtype
        self.work = work or (xp.exact_dtype() if exact else own)
        self.dtype = own if not exact or own == xp.float64 else xp.float32

    def like(self, factors: Factors) -> FactorSource:
        """Return another map that works in the same dtype."""
        return FactorSource(factors, exact=self.exact, work=self.work)

    def check_unchanged(self) -> None:
        """Compare the factors' version counters with those at the call."""
        self.factors.check_unchanged()

    def tensors(self) -> list[Array]:
        """Return every array that is held."""
        return self.factors.tensors()

    @property
    def sizes(self) -> Mapping[str, tuple[int, ...]]:
        """Shapes of queries and keys."""
        return {"q": tuple(self.factors.q.shape), "k": tuple(self.factors.k.shape)}

    @cached_property
    def places(self) -> Places:
        """Where queries and keys lie."""
        return Places(self.factors)

    def weights(self, at: At) -> Array:
        """Return the softmax of rows."""
        keys = self.places.keys_seen(at[-1])
        _, _, powers, total = self._powers(at, keys)
        total = self.xp.where(total == 0, total + 1, total)  # rows that are masked as a whole are zeros
        return self._widen(powers / total[..., None], keys, 0.0)

    def logits(self, at: At) -> Array:
        """Return logits of rows."""
        keys = self.places.keys_seen(at[-1])
        return self._widen(self.scores(at, keys), keys, -np.inf)

    def lse(self, at: At) -> Array:
        """Return the logarithm of denominators, the sinks included."""

        def of_rows(part: At, _places: Box) -> Array:
            top, _, _, total = self._powers(part, self.places.keys_seen(part[-1]))
            return self.xp.log(total) + top  # minus infinity for a row that is masked as a whole

        return self.join(at, of_rows)

    def rest(self, at: At) -> Array:
        """Return the sinks' share; all of a row that is masked as a whole."""
        lse, sink = self.lse(at), self.sink(at)
        if sink is None:
            return self.xp.cast(lse == -np.inf, self.work)
        return self.xp.exp(sink - lse)

    def entropy(self, at: At) -> Array:
        """Return log Z ΣA − ΣA (s − max): relative to the maximum, nothing large cancels."""
        return self.join(at, lambda part, _places: self._entropy(part))

    def _entropy(self, at: At) -> Array:
        _, below, powers, total = self._powers(at, self.places.keys_seen(at[-1]))
        none = self.xp.asarray(0.0, self.work)
        mean = (powers * self.xp.where(powers > 0, below, none)).sum(-1)
        return self.xp.where(total > 0, (self.xp.log(total) * powers.sum(-1) - mean) / total, none)

    def _powers(self, at: At, keys: range) -> tuple[Array, Array, Array, Array]:
        """Return rows' maxima, logits relative to them, their powers of e, and the sum with the sinks'."""
        xp, scores, sink = self.xp, self.scores(at, keys), self.sink(at)
        top = xp.amax(scores, -1) if len(keys) else xp.zeros(tuple(scores.shape[:-1]), self.work) - np.inf
        top = top if sink is None else xp.where(top > sink, top, sink)
        top = xp.where(xp.isfinite(top), top, xp.asarray(0.0, self.work))
        below = scores - top[..., None]
        powers = xp.exp(below)
        total = powers.sum(-1)
        return top, below, powers, total if sink is None else total + xp.exp(sink - top)

    def sink(self, at: At) -> Array | None:
        """Return the logit beside the keys', broadcastable to (..., head, row)."""
        if self.factors.sinks is not None:
            sinks = self.xp.asarray(self.factors.sinks, self.work)
            return take(self.xp, sinks[..., None, None], at)[..., 0]
        return self.xp.zeros((1, 1), self.work) if self.factors.softmax_one else None

    def scores(self, at: At, keys: range) -> Array:
        """Return logits for some of the keys."""
        factors, xp = self.factors, self.xp
        q = xp.cast(take(xp, factors.q, at, exact=True), self.work)
        k = xp.cast(take(xp, factors.k, self.key_at(at, keys), exact=True), self.work)
        scores = (q @ k.swapaxes(-1, -2)) * self.scale_at(at)
        if factors.soft_cap:
            scores = factors.soft_cap * xp.tanh(scores / factors.soft_cap)
        if factors.score_mod is not None:
            scores = xp.cast(self._each_cell(factors.score_mod, scores, at, keys), self.work)
        for term in self.added(at, keys):
            scores = self._sum(scores, term)
        allowed = self.allowed_hard(at, keys)
        return scores if allowed is None else xp.where(allowed, scores, xp.asarray(-np.inf, self.work))

    def _sum(self, scores: Array, term: Array) -> Array:
        """Return a sum; where the term hides a key, rounded as the model's kernel does: little is left."""
        total, hidden = scores + term, term < self.xp.hiding(self.dtype)
        if self.dtype == self.work or not hidden.any():
            return total
        return self.xp.where(hidden, self.xp.cast(self.xp.cast(total, self.dtype), self.work), total)

    def key_at(self, at: At, keys: range) -> At:
        """Return which keys of which key heads these queries read."""
        heads, group = at[-2], self.factors.group
        if group > 1 or isinstance(heads, np.ndarray):
            mine = np.asarray(heads) // group
            heads = range(mine[0], mine[0] + 1) if len(set(mine.tolist())) == 1 else mine
        return *at[:-2], heads, keys

    def added(self, at: At, keys: range) -> list[Array]:
        """Return the additive terms, each broadcastable to (..., head, row, key)."""
        factors, xp = self.factors, self.xp
        terms = [xp.cast(self._cells(array, at, keys), self.work) for array in self._numbers_added()]
        if factors.slopes is not None:
            slopes = take(xp, xp.asarray(factors.slopes, self.work)[..., None, None], at)
            terms.append(-slopes * xp.cast(self.places.distance(xp, at[-1], keys), self.work))
        return terms

    def allowed_hard(self, at: At, keys: range) -> Array | None:
        """Return what is not minus infinity by a boolean mask, the band, the segments or `mask_mod`."""
        factors, xp = self.factors, self.xp
        parts = [self.places.allowed(xp, at[-1], keys)]
        if factors.mask is not None and factors.mask.dtype == xp.boolean:
            parts.append(self._cells(factors.mask, at, keys))
        if factors.mask_mod is not None:
            parts.append(self._each_cell(factors.mask_mod, None, at, keys))
        return _all(parts)

    def allowed(self, at: At) -> Array | None:
        """Return which keys these queries can see: what is added hides too, also by finite minima."""
        xp, keys = self.xp, range(self.shape[-1])
        added = [array for array in self._numbers_added() if xp.is_float(array)]
        parts = [self._cells(array, at, keys) > xp.hiding(array.dtype) for array in added]
        parts.append(self.allowed_hard(at, keys))
        if self.factors.score_mod is not None:
            parts.append(self.scores(at, keys) > xp.hiding(xp.float32))
        return _all(parts)

    def query_valid(self, at: At) -> Array | None:
        """Return which queries are no padding."""
        return valid_queries(self.xp, self.factors.query_valid, at)

    def _numbers_added(self) -> list[Array]:
        """Return what is added for each cell, as it was given."""
        bias, mask = self.factors.bias, self.factors.mask
        mask = None if mask is None or mask.dtype == self.xp.boolean else mask
        return [array for array in (bias, mask) if array is not None]

    def _cells(self, array: Array, at: At, keys: range) -> Array:
        array = take(self.xp, with_axes(array, 2), at)
        return array if array.shape[-1] == 1 else array[..., keys.start : keys.stop]

    def scale_at(self, at: At) -> Any:
        """Return the scale, a number or broadcastable to rows."""
        if not hasattr(self.factors.scale, "ndim"):
            return self.factors.scale
        scale = self.xp.asarray(self.factors.scale, self.work)
        return take(self.xp, scale, at) if scale.ndim else scale

    def _widen(self, part: Array, keys: range, empty: float) -> Array:
        """Return rows over all keys of which some were computed."""
        if len(keys) == self.shape[-1]:
            return part
        wide = self.xp.zeros((*part.shape[:-1], self.shape[-1]), part.dtype)
        wide += empty
        wide[..., keys.start : keys.stop] = part
        return wide

    def _each_cell(self, function: Any, scores: Array | None, at: At, keys: range) -> Array:
        """Call a function of flex attention with a block's batch, head, query and key."""
        if len(at) > 3:
            raise ShapeError(
                f"a score or mask function was given for a map of shape {self.shape}: flex attention has one "
                "batch axis, so at most four axes are wanted"
            )
        batch = at[:-2] or (range(1),)
        numbers = [self._numbers(index) for index in (*batch, at[-2], at[-1], keys)]
        shape = tuple(len(index) for index in (*at, keys))
        cells = None if scores is None else scores.reshape(tuple(len(index) for index in numbers))
        return self.xp.each_cell(function, cells, *numbers).reshape(shape)

    def _numbers(self, index: Index) -> Array:
        return self.xp.asarray(np.asarray(index, dtype=np.int64))


def _all(parts: list[Array | None]) -> Array | None:
    """Return where all of several conditions hold; None: everywhere."""
    held = [part for part in parts if part is not None]
    return reduce(and_, held) if held else None
