"""The map as an operator by a fused kernel: overrides of the blockwise way, tested against it.

The kernel gives ``A @ W`` with W in the place of the values. With the roles exchanged, queries [k, 1] and
keys [scale · q, −lse], its logits are log A transposed: ``A.T @ U`` is a forward too, and so is what keys
receive. Rows for which float32 would not do in these formulas are left to the blocks: those with a large
log-sum-exp, and those whose products of queries and keys may be large although their logits are not.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from visualizer.attention import kernels
from visualizer.attention.arrays import Array
from visualizer.attention.blocks import Source
from visualizer.attention.factors import Factors
from visualizer.attention.indices import At, is_whole, take
from visualizer.attention.softmax import FactorSource
from visualizer.attention.soundness import (
    BACK_SOUND,
    ENTROPY_SOUND,
    PRODUCTS_SOUND,
    SUMS_SOUND,
    are_most,
    chosen,
    large_products,
)

HIDDEN = 1e30  # as a log-sum-exp: finite, and no row that has it is seen


class FusedSource(FactorSource):
    """A map held as its factors, with a kernel that takes them."""

    def __init__(self, factors: Factors, dtype: Any, *, exact: bool = True) -> None:
        super().__init__(factors, exact=exact)
        self._fast = FactorSource(factors, exact=exact, work=dtype)
        self.narrow = factors.q.shape[-1]
        self._kept: Array | None = None

    @property
    def quick(self) -> FactorSource:
        """The same map in the dtype of the kernel, where that is sound for all rows."""
        products = self._products
        return self._fast if products is None or bool((products <= PRODUCTS_SOUND).all()) else self

    @cached_property
    def _products(self) -> Array | None:
        """The largest product of lengths of each row; None where all are small, or it may be inexact."""
        inexact = not self.exact or self._fast.work != self.xp.float32
        return None if inexact else large_products(self._fast)

    def tensors(self) -> list[Array]:
        """Return the factors and what was kept of the kernel."""
        return super().tensors() + ([] if self._kept is None else [self._kept])

    def apply(self, at: At, w: Array) -> Array:
        """Call the kernel with ``w`` in the place of the values."""
        if w.shape[-1] > self.narrow:
            return Source.apply(self.quick, at, w)  # blocks form the map once, the kernel once for d columns
        unsound = self._unsound(at, PRODUCTS_SOUND)
        if are_most(unsound):
            return Source.apply(self, at, w)
        out, lse = kernels.attend(self._fast, at, self.xp.cast(w, self._fast.work))
        out = out * self._share(at, lse)[..., None]
        for corner, rows, part in chosen(self.xp, at, unsound):
            mine = take(self.xp, w, (*_ranges(corner), range(self.shape[-1])))
            out[(*corner, rows)] = self.xp.cast(Source.apply(self, part, mine), out.dtype)
        return out

    def apply_t(self, at: At, u: Array) -> Array:
        """Call the kernel with the roles exchanged."""
        if not kernels.can_exchange(self._fast, at):
            return super().apply_t(at, u)
        if u.shape[-1] > self.narrow:
            return Source.apply_t(self.quick, at, u)
        unsound = self._unsound(at, SUMS_SOUND)
        if are_most(unsound):
            return super().apply_t(at, u)
        lse = self.lse(at)
        unsound = unsound | (abs(lse) > BACK_SOUND)
        if are_most(unsound):
            return super().apply_t(at, u)  # the blocks would do most of it anyway
        hidden = self.xp.where(unsound, self.xp.asarray(HIDDEN, lse.dtype), lse)
        out = kernels.attend_back(self._fast, at, self.xp.cast(u, self._fast.work), hidden)
        for corner, rows, part in chosen(self.xp, at, unsound & (lse > -np.inf)):
            mine = take(self.xp, u, (*_ranges(corner), rows))
            out[corner] += self.xp.cast(Source.apply_t(self, part, mine), out.dtype)
        return out

    def entropy(self, at: At) -> Array:
        """Return lse − scale q · (A k), by one call of the kernel, where no bias takes part."""
        unsound = self._unsound(at, SUMS_SOUND)
        if are_most(unsound):
            return super().entropy(at)
        if self._fast.added(tuple(index[:1] for index in at), range(1)):
            return FactorSource.entropy(self if bool(unsound.any()) else self._fast, at)
        read, lse = kernels.attend(self._fast, at, None)
        q = self.xp.cast(take(self.xp, self.factors.q, at, exact=True), self._fast.work)
        mean = (q * self._fast.scale_at(at) * read).sum(-1)
        out = self._share(at, lse) * (self._total(at, lse) - mean)
        out = self.xp.where(lse == -np.inf, self.xp.asarray(0.0, out.dtype), out)
        unsound = unsound | (abs(lse) > ENTROPY_SOUND)
        for corner, rows, part in chosen(self.xp, at, unsound & (lse > -np.inf)):
            out[(*corner, rows)] = self.xp.cast(super().entropy(part), out.dtype)
        return out

    def lse(self, at: At) -> Array:
        """Take the kernel's, which is kept for a whole map."""
        if self._kept is not None:
            return take(self.xp, self._kept[..., None], at)[..., 0]
        total = self._lse(at)
        if is_whole(at, self.shape):
            self._kept = total
        return total

    def _lse(self, at: At) -> Array:
        unsound = self._unsound(at, SUMS_SOUND)
        if are_most(unsound):
            return super().lse(at)
        none = self.xp.zeros((self.shape[-1], 1), self._fast.work)
        total = self._total(at, kernels.attend(self._fast, at, none)[1])
        for corner, rows, part in chosen(self.xp, at, unsound):
            total[(*corner, rows)] = self.xp.cast(super().lse(part), total.dtype)
        return total

    def _unsound(self, at: At, limit: float) -> Array:
        """Return the rows whose products may be too large, (..., head, row), or one False for all."""
        if self._products is None:
            return self.xp.zeros((1,) * len(at), self.xp.boolean)
        return take(self.xp, self._products[..., None], at, exact=True)[..., 0] > limit

    def _total(self, at: At, lse: Array) -> Array:
        """Return the logarithm of denominators, the sinks' part included."""
        sink = self._fast.sink(at)
        return lse if sink is None else self.xp.logaddexp(lse, sink)

    def _share(self, at: At, lse: Array) -> Array:
        """Return what sinks leave of rows."""
        return (
            self.xp.exp(lse - self._total(at, lse))
            if self._fast.sink(at) is not None
            else self.xp.asarray(1.0, lse.dtype)
        )


def _ranges(corner: tuple[slice, ...]) -> tuple[range, ...]:
    return tuple(range(place.start, place.stop) for place in corner)
