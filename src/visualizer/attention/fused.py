"""The map as an operator by a fused kernel: overrides of the blockwise way, tested against it.

The kernel gives ``A @ W`` with W in the place of the values. With the roles exchanged, queries [k, 1] and
keys [scale · q, −lse], its logits are log A transposed: ``A.T @ U`` is a forward too, and so is what keys
receive. Rows whose log-sum-exp is too large for float32 in these formulas are left to the blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from visualizer.attention import kernels
from visualizer.attention.arrays import Array
from visualizer.attention.blocks import Source
from visualizer.attention.factors import Factors
from visualizer.attention.indices import At, is_whole, take
from visualizer.attention.softmax import FactorSource

ENTROPY_SOUND = 20.0
"""The largest absolute log-sum-exp with which the kernel's entropy, a difference, stays within 1e-5."""

BACK_SOUND = 40.0
"""The same for the exchanged roles, whose logits have the log-sum-exp subtracted."""

HIDDEN = 1e30  # as a log-sum-exp: finite, and no row that has it is seen


class FusedSource(FactorSource):
    """A map held as its factors, with a kernel that takes them."""

    def __init__(self, factors: Factors, dtype: Any, *, exact: bool = True) -> None:
        super().__init__(factors, exact=exact)
        self._quick = FactorSource(factors, exact=exact, work=dtype)
        self.narrow = factors.q.shape[-1]
        self._kept: Array | None = None

    @property
    def quick(self) -> FactorSource:
        """The same map in the dtype of the kernel."""
        return self._quick

    def tensors(self) -> list[Array]:
        """Return the factors and what was kept of the kernel."""
        return super().tensors() + ([] if self._kept is None else [self._kept])

    def apply(self, at: At, w: Array) -> Array:
        """Call the kernel with ``w`` in the place of the values."""
        if w.shape[-1] > self.narrow:
            return self.quick.apply(at, w)  # blocks form the map once, the kernel once for each d columns
        out, lse = kernels.attend(self.quick, at, self.xp.cast(w, self.quick.work))
        return out * self._share(at, lse)[..., None]

    def apply_t(self, at: At, u: Array) -> Array:
        """Call the kernel with the roles exchanged."""
        if not kernels.can_exchange(self.quick, at):
            return super().apply_t(at, u)
        if u.shape[-1] > self.narrow:
            return self.quick.apply_t(at, u)
        lse = self.lse(at)
        sound = abs(lse) <= BACK_SOUND
        if 2 * int(sound.sum()) < sound.numel():
            return super().apply_t(at, u)  # the blocks would do most of it anyway
        hidden = self.xp.where(sound, lse, self.xp.asarray(HIDDEN, lse.dtype))
        out = kernels.attend_back(self.quick, at, self.xp.cast(u, self.quick.work), hidden)
        for corner, rows, part in _chosen(self.xp, at, ~sound & (lse > -np.inf)):
            mine = take(self.xp, u, (*_ranges(corner), rows))
            out[corner] += self.xp.cast(Source.apply_t(self, part, mine), out.dtype)
        return out

    def entropy(self, at: At) -> Array:
        """Return lse − scale q · (A k), by one call of the kernel, where no bias takes part."""
        if self.quick.added(tuple(index[:1] for index in at), range(1)):
            return self.quick.entropy(at)
        read, lse = kernels.attend(self.quick, at, None)
        q = self.xp.cast(take(self.xp, self.factors.q, at, exact=True), self.quick.work)
        mean = (q * self.quick.scale_at(at) * read).sum(-1)
        out = self._share(at, lse) * (self._total(at, lse) - mean)
        out = self.xp.where(lse == -np.inf, self.xp.asarray(0.0, out.dtype), out)
        for corner, rows, part in _chosen(self.xp, at, (abs(lse) > ENTROPY_SOUND) & (lse > -np.inf)):
            out[(*corner, rows)] = self.xp.cast(super().entropy(part), out.dtype)
        return out

    def lse(self, at: At) -> Array:
        """Take the kernel's, which is kept for a whole map."""
        if self._kept is not None:
            return take(self.xp, self._kept[..., None], at)[..., 0]
        none = self.xp.zeros((self.shape[-1], 1), self.quick.work)
        total = self._total(at, kernels.attend(self.quick, at, none)[1])
        if is_whole(at, self.shape):
            self._kept = total
        return total

    def _total(self, at: At, lse: Array) -> Array:
        """Return the logarithm of denominators, the sinks' part included."""
        sink = self.quick.sink(at)
        return lse if sink is None else self.xp.logaddexp(lse, sink)

    def _share(self, at: At, lse: Array) -> Array:
        """Return what sinks leave of rows."""
        return (
            self.xp.exp(lse - self._total(at, lse))
            if self.quick.sink(at) is not None
            else self.xp.asarray(1.0, lse.dtype)
        )


def _chosen(xp: Any, at: At, rows: Array) -> Iterator[tuple[tuple[slice, ...], Any, At]]:
    """Yield each head that has chosen rows: where it lies, its rows, and what to pick for them."""
    for number in zip(*xp.as_numpy(rows.any(-1)).nonzero(), strict=True):
        mine = np.flatnonzero(xp.as_numpy(rows[number]))
        corner = tuple(slice(place, place + 1) for place in number)
        head = tuple(index[place] for index, place in zip(at, corner, strict=False))
        yield corner, mine, (*head, np.asarray(at[-1])[mine])


def _ranges(corner: tuple[slice, ...]) -> tuple[range, ...]:
    return tuple(range(place.start, place.stop) for place in corner)
