"""What a page computes rows from, read of a map each time that it is asked for, so that nothing stays."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualizer.attention import AttentionMap
from visualizer.attention.arrays import NUMPY
from visualizer.attention.indices import At, take
from visualizer.attention.softmax import FactorSource
from visualizer.viewer.protocol import BandInfo

Floats = NDArray[np.float32]
MOST_OF_MASK = 2**22
"""Places of a mask that are looked at for a band."""
Shared = tuple[Any, Any, BandInfo | None]
"""What all heads have: what is added to logits, which keys may be seen, and a band of keys; or None."""


def queries(source: FactorSource, at: At) -> Floats:
    """Return queries (batch, head, query, d) times the scale."""
    scale = source.factors.scale
    scale = NUMPY.as_numpy(take(source.xp, scale, at)) if hasattr(scale, "ndim") else scale
    with np.errstate(over="ignore", invalid="ignore"):
        found: Floats = (NUMPY.as_numpy(take(source.xp, source.factors.q, at)) * scale).astype(np.float32)
    return found


def keys(source: FactorSource, at: At) -> Floats:
    """Return keys (batch, key head, key, d)."""
    with np.errstate(over="ignore", invalid="ignore"):
        found: Floats = NUMPY.as_numpy(take(source.xp, source.factors.k, at)).astype(np.float32)
    return found


def of_head(map_: AttentionMap, side: str, batch: int, head: int) -> Floats:
    """Return the queries "q" or the keys "k" of one head of a map that is held as factors, (token, d)."""
    source, at = _factors(map_[batch : batch + 1, head : head + 1])
    found = queries(source, at) if side == "q" else keys(source, source.key_at(at, range(source.shape[-1])))
    one: Floats = found[0, 0]
    return one


def shared_of(map_: AttentionMap) -> tuple[Any, Any]:
    """Return what is added, and what is allowed, of all heads of a map that is held as factors."""
    return shared(_factors(map_)[0])[:2]


def shared(source: FactorSource) -> Shared:
    """Return what all heads have: a mask of zeros and the lowest number allows or does not."""
    factors = source.factors
    bias, mask = _added(factors)
    band = None if factors.band is None else _band(factors.band)
    if mask is not None and band is None and (diagonal := _causal(mask)) is not None:
        mask, band = None, BandInfo(None, 0, diagonal)
    return bias, mask, band


def whole_factors(map_: AttentionMap) -> FactorSource | None:
    """Return the factors that a map is held as, if it is all of them; else None."""
    held, every = map_.opened()
    source, _ = held.narrowed(every)
    return source if isinstance(source, FactorSource) and tuple(source.shape) == map_.shape else None


def band_of(map_: AttentionMap) -> BandInfo | None:
    """Return which keys all heads of a map may see, where that is a band that is soon known."""
    source = whole_factors(map_)
    if source is None:
        return None
    factors = source.factors
    if factors.band is not None or factors.mask is None:
        return None if factors.band is None else _band(factors.band)
    return shared(source)[2] if prod(factors.mask.shape) <= MOST_OF_MASK else None


def _factors(map_: AttentionMap) -> tuple[FactorSource, At]:
    source, at = map_.opened()
    source.check_unchanged()
    found, at = source.narrowed(at)
    assert isinstance(found, FactorSource)
    return found, at


def _added(factors: Any) -> tuple[Any, Any]:
    bias = None if factors.bias is None else _four(factors.bias).astype(np.float32)
    if factors.mask is None:
        return bias, None
    mask = _four(factors.mask)
    if mask.dtype == bool:
        return bias, mask
    hidden = mask < NUMPY.hiding(np.float32)
    if not np.where(hidden, 0, mask).any():
        return bias, ~hidden
    mask = mask.astype(np.float32)
    return (mask if bias is None else bias + mask), None


def _band(band: Any) -> BandInfo | None:
    diagonal = band.diagonal
    diagonal = NUMPY.as_numpy(diagonal).astype(int).tolist() if hasattr(diagonal, "ndim") else diagonal
    return None if band.is_endless else BandInfo(band.left, band.right, diagonal)


def _causal(mask: NDArray[np.bool_]) -> int | None:
    """Return the diagonal of a mask that is causal and nothing else."""
    rows, columns = mask.shape[2:]
    if rows < 2:
        return None
    diagonal = int(mask[0, 0, 0].sum()) - 1
    return diagonal if (mask == np.tri(rows, columns, diagonal, dtype=bool)).all() else None


def _four(array: Any) -> Any:
    array = NUMPY.as_numpy(array)
    return array.reshape((1,) * (4 - array.ndim) + array.shape)
