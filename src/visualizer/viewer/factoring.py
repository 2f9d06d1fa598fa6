"""The smallest way for a page to compute a map's rows itself, checked against the map's own rows.

Factors are rounded to 16-bit whole numbers, with a scale for each channel, in those heads alone whose rows
they give to `TOLERANCE`, and are float32 otherwise. float16 takes as much, and its errors were 7 to 10 times
larger: 2e-3 on the sharpest head of a trained MiniLM at 512 tokens, against 2e-4.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualizer.attention import AttentionMap
from visualizer.attention.arrays import NUMPY
from visualizer.attention.indices import whole
from visualizer.attention.softmax import FactorSource
from visualizer.viewer.operands import keys, queries, shared, whole_factors
from visualizer.viewer.protocol import BandInfo

TOLERANCE = 1e-3
"""The largest error of a weight in the page."""
CHECKED = 16
"""Rows of each head that are compared with the map's own, to see that the page means the same."""
EVERY = 2**33
"""Multiplications up to which every row of rounded factors is compared with the exact one; `SOME` beyond."""
SOME = 256
STRICTER = 4
"""By how much some rows have to be better than all."""
BLOCK = 2**22
"""Weights that are formed at once."""

Floats = NDArray[np.float64]


@dataclass
class Factors:
    """A map's factors as a page has them: q (batch, head, query, d) times the scale, k with its own heads.

    ``short`` (batch, key head) says which of them are rounded.
    """

    q: NDArray[np.float32]
    k: NDArray[np.float32]
    softcap: float | None = None
    bias: NDArray[np.float32] | None = None
    mask: NDArray[np.bool_] | None = None
    band: BandInfo | None = None
    sinks: NDArray[np.float64] | None = None
    short: NDArray[np.bool_] = field(default_factory=lambda: np.zeros((0, 0), bool))

    @property
    def group(self) -> int:
        """How many heads read one head of keys."""
        return int(self.q.shape[1] // self.k.shape[1])

    @property
    def nbytes(self) -> int:
        """Bytes that a page would have to hold."""
        shared = sum(one.nbytes for one in (self.bias, self.mask) if one is not None)
        each = np.where(self.short, 2, 4).sum()
        rows = self.q.shape[2] * self.group + self.k.shape[2]
        return int(each * rows * self.q.shape[3] + shared)

    def rows(self, at: NDArray[np.int64], dtype: Any = np.float64, *, short: bool = False) -> Any:
        """Return rows (batch, head, row, key) as the page computes them, in a dtype of floats."""
        q, k = self.q[:, :, at], self.k
        if short:
            q, k = self._rounded[0][:, :, at], self._rounded[1]
        scores = q.astype(dtype) @ np.repeat(k, self.group, 1).astype(dtype).swapaxes(-1, -2)
        if self.softcap:
            scores = self.softcap * np.tanh(scores / self.softcap)
        if self.bias is not None:
            scores = scores + _rows_of(self.bias, at)
        return softmax(np.where(self._allowed(at), scores, -np.inf), self.sinks)

    @cached_property
    def _rounded(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The factors as they are where they are rounded."""
        q, k = (np.multiply(*shortened(one), dtype=np.float32) for one in (self.q, self.k))
        return q, k

    def _allowed(self, at: NDArray[np.int64]) -> Any:
        allowed: Any = True if self.mask is None else _rows_of(self.mask, at)
        if self.band is None:
            return allowed
        offset = (
            np.arange(self.k.shape[2])
            - (at + np.broadcast_to(self.band.diagonal, self.q.shape[2])[at])[:, None]
        )
        if self.band.left is not None:
            allowed = allowed & (offset >= -self.band.left)
        if self.band.right is not None:
            allowed = allowed & (offset <= self.band.right)
        return allowed


def softmax(scores: Any, sinks: Floats | None) -> Any:
    """Return the softmax over keys of scores (batch, head, row, key); rows without a key are zeros."""
    top = scores.max(-1, keepdims=True)
    if sinks is not None:
        top = np.maximum(top, sinks[:, None, None])
    top = np.where(np.isfinite(top), top, 0)
    powers = np.exp(scores - top)
    total = powers.sum(-1, keepdims=True)
    total = total if sinks is None else total + np.exp(sinks[:, None, None] - top)
    return powers / np.where(total == 0, 1, total)


def factors_of(map_: AttentionMap) -> Factors | None:
    """Return a map's factors if the page can compute rows from them to `TOLERANCE`; else None."""
    source = whole_factors(map_)
    if source is None or len(map_.shape) != 4:
        return None
    found = _written(source)
    if found is None or not all(np.isfinite(one).all() for one in (found.q, found.k)):
        return None
    at = _evenly(map_.shape[2], CHECKED)
    wanted = NUMPY.as_numpy(map_[:, :, at].numpy())
    if not _errors(found.rows(at), wanted, found).max() <= TOLERANCE:
        return None
    found.short = _short_is_enough(found)
    return found


def shortened(array: NDArray[np.float32]) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """Return (..., token, channel) as whole numbers, and the scale (..., 1, channel) that they are times."""
    scales = scales_of(array)
    return np.rint(array / scales).astype(np.int16), scales


def scales_of(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what the largest whole number of each channel is times, (..., 1, channel)."""
    largest = np.abs(array).max(-2, keepdims=True, initial=np.finfo(np.float32).tiny)
    scales: NDArray[np.float32] = (largest / np.iinfo(np.int16).max).astype(np.float32)
    return scales


def _short_is_enough(factors: Factors) -> NDArray[np.bool_]:
    """Return of which (batch, key head) rounded factors give rows to `TOLERANCE`."""
    each = prod(factors.q.shape[:2]) * factors.k.shape[2]
    queries = factors.q.shape[2]
    every = each * queries * factors.q.shape[3] <= EVERY
    at = np.arange(queries) if every else _evenly(queries, SOME)
    errors: Any = 0.0
    for begin in range(0, len(at), step := max(1, BLOCK // each)):
        block = at[begin : begin + step]
        exact, rounded = (factors.rows(block, np.float32, short=short) for short in (False, True))
        errors = np.maximum(errors, _errors(rounded, exact, factors))
    return np.asarray(errors <= (TOLERANCE if every else TOLERANCE / STRICTER))


def _evenly(length: int, count: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, length - 1, count).astype(np.int64))


def _errors(rows: Any, wanted: Any, factors: Factors) -> Floats:
    """Return the largest error of each (batch, key head); NaN is none that is small."""
    errors = np.abs(rows - wanted).max((-1, -2))
    by_group: Floats = errors.reshape(*factors.k.shape[:2], factors.group).max(-1)
    return np.where(np.isfinite(by_group), by_group, np.inf)


def _written(source: FactorSource) -> Factors | None:
    factors = source.factors
    if any(getattr(factors, name) is not None for name in ("score_mod", "mask_mod", "segments", "slopes")):
        return None
    q, k = queries(source, whole(factors.q.shape[:-1])), keys(source, whole(factors.k.shape[:-1]))
    sinks = None
    if factors.sinks is not None:
        sinks = np.broadcast_to(NUMPY.as_numpy(factors.sinks), q.shape[1:2]).astype(np.float64)
    sinks = np.zeros(q.shape[1]) if factors.softmax_one else sinks
    bias, mask, band = shared(source)
    return Factors(q, k, factors.soft_cap or None, bias, mask, band, sinks)


def _rows_of(array: Any, at: NDArray[np.int64]) -> Any:
    return array if array.shape[2] == 1 else array[:, :, at]
