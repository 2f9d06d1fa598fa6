"""Which tokens of a map are padding: queries that are none, keys that no query may see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualizer.attention import AttentionMap
from visualizer.attention.arrays import NUMPY

MOST = 2**24
"""Pairs of a query and a key that are asked which of them may be seen; keys of larger maps are not told."""


@dataclass(frozen=True)
class Padded:
    """Queries (batch, query) that are padding and keys (batch, key) that no query may see; None: none is."""

    queries: NDArray[np.bool_] | None
    keys: NDArray[np.bool_] | None


def padding_of(map_: AttentionMap) -> Padded:
    """Return what of a map (batch, head, query, key) is padding, where the map knows.

    Examples
    --------
    >>> from visualizer.attention import Factors
    >>> q, seen = np.ones((1, 1, 3, 2)), np.array([True, True, False])
    >>> map_ = AttentionMap(Factors(q, q, 1.0, mask=seen[None, None, None], query_valid=seen[None]))
    >>> padding_of(map_)
    Padded(queries=array([[False, False,  True]]), keys=array([[False, False,  True]]))
    """
    source, at = map_.opened()
    batches, heads, queries, keys = map_.shape
    valid = _broadcast(source.query_valid(at), (batches, heads, queries))
    seen = None
    if batches * queries * keys <= MOST:
        seen = _broadcast(source.allowed(at), (batches, heads, queries, keys))
    if seen is not None and valid is not None:
        seen = seen & valid[..., None]
    return Padded(
        None if valid is None else _padding(valid.any(1)),
        None if seen is None else _padding(seen.any((1, 2))),
    )


def _broadcast(found: Any, shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
    return None if found is None else np.broadcast_to(NUMPY.as_numpy(found), shape)


def _padding(used: Any) -> NDArray[np.bool_] | None:
    """Return what is not used (booleans), None if all is."""
    return None if used.all() else ~used
