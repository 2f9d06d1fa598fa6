"""Weights on some keys, for no more than their logits: the denominators of rows are computed once before."""

from __future__ import annotations

from typing import Any

import numpy as np

from visualizer.attention import AttentionMap
from visualizer.attention.arrays import NUMPY, Array
from visualizer.attention.blocks import BLOCK, PASSES
from visualizer.attention.indices import At, blocks
from visualizer.attention.softmax import FactorSource
from visualizer.attention.soundness import BACK_SOUND
from visualizer.kept import Once

EXACT_SOUND = 1e8
"""What `BACK_SOUND` is where logits and log-sum-exp are in float64."""


def log_denominators(source: FactorSource, at: At) -> Array:
    """Return the logarithm of rows' denominators, (..., row), in float64 where rows are formed so."""
    return FactorSource.lse(source, at) if _is_exact(source) else source.lse(at)


def weights_on(source: FactorSource, at: At, keys: range, lse: Array) -> Array:
    """Return (..., row, key) for some keys, given the logarithm of the rows' denominators; error 1e-5."""
    xp, quick = source.xp, source.quick
    assert isinstance(quick, FactorSource)
    weights = xp.exp(quick.scores(at, keys) - lse[..., None])
    unsound = ~(abs(lse) <= (EXACT_SOUND if _is_exact(source) else BACK_SOUND))  # as of rows that see nothing
    if bool(unsound.any()):
        rows = NUMPY.as_numpy(unsound).any(tuple(range(unsound.ndim - 1))).nonzero()[0]
        part, some = (*at[:-1], np.asarray(at[-1])[rows]), slice(keys.start, keys.stop)
        weights[..., rows, :] = xp.cast(source.rows(part, lambda whole, _: whole[..., some]), weights.dtype)
    return weights


def column(head: AttentionMap, key: int, once: Once) -> Any:
    """Return the weights of all queries of a head (1, 1, query, key) on one key, (query,)."""
    held, at = head.opened()
    held.check_unchanged()
    source, at = held.narrowed(at)
    if not isinstance(source, FactorSource):
        return NUMPY.as_numpy(head[0, 0, :, key].array())
    out = np.empty(len(at[-1]), np.float32)
    with source.xp.reading():
        lse = once("log-denominators", lambda: log_denominators(source, at))
        for (rows,), (index,) in blocks(at[-1:], source.factors.q.shape[-1] * 8 * PASSES, BLOCK):
            found = weights_on(source, (*at[:-1], index), range(key, key + 1), lse[..., rows])
            out[rows] = NUMPY.as_numpy(found)[0, 0, :, 0]
    return out


def _is_exact(source: FactorSource) -> bool:
    return source.quick is source and source.xp.itemsize(source.work) == 8
