"""How a page comes by the rows of a map: from factors, from the map itself, or by asking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from math import prod
from typing import Any

import numpy as np

from visualizer.attention import AttentionMap
from visualizer.attention.arrays import NUMPY
from visualizer.viewer.arrays import Arrays
from visualizer.viewer.factoring import Factors, factors_of, shortened
from visualizer.viewer.protocol import Absent, BlobRef, Dtype, Factored, Formed, HeadFactors, Rows, Served

HELD = 2**26
"""Bytes of one map that a page is given; of a larger one it asks for rows where it can."""


def rows_of(
    arrays: Arrays, name: str, map_: AttentionMap, *, served: bool, queries: Sequence[int] | None = None
) -> Rows:
    """Return how a page comes by the rows of a map, the smaller of its factors and the map itself.

    Of some ``queries`` alone it is always given the rows themselves.
    """
    if queries is not None:
        return _formed(arrays, name, map_, queries) if queries else Absent("it has none of these queries")
    size = prod(map_.shape) * int(dtype_of(map_)[1])
    if served and size > HELD and _held(map_) > HELD:
        return Served()
    factors = factors_of(map_)
    if factors is not None and factors.nbytes < size and (factors.nbytes <= HELD or not served):
        return _factored(arrays, name, factors)
    if served and size > HELD:
        return Served()
    return _formed(arrays, name, map_)


def dtype_of(map_: AttentionMap) -> Dtype:
    """Return what weights are sent as: half a float is exact to 5e-4 up to 1."""
    return "f4" if map_.opened()[0].signed else "f2"


def _held(map_: AttentionMap) -> int:
    """Return the least that the factors take."""
    source = map_.opened()[0]
    factors = getattr(source, "factors", None)
    return 0 if factors is None else 2 * (prod(factors.q.shape) + prod(factors.k.shape))


def _factored(arrays: Arrays, name: str, factors: Factors) -> Factored:
    keys = {
        (batch, head): _factor(
            arrays, f"{name}.{batch}.{head}.k", factors.k[batch, head], bool(factors.short[batch, head])
        )
        for batch, head in np.ndindex(*factors.k.shape[:2])
    }
    return Factored(
        heads=[
            _head(arrays, name, factors, (batch, head), keys[batch, head // factors.group])
            for batch, head in np.ndindex(*factors.q.shape[:2])
        ],
        softcap=factors.softcap,
        bias=_shared(arrays, f"{name}.bias", factors.bias, "f4"),
        mask=_shared(arrays, f"{name}.mask", factors.mask, "u1"),
        band=factors.band,
        sinks=None if factors.sinks is None else factors.sinks.tolist(),
    )


def _head(arrays: Arrays, name: str, factors: Factors, at: tuple[int, int], k: BlobRef) -> HeadFactors:
    batch, head = at
    short = bool(factors.short[batch, head // factors.group])
    return HeadFactors(_factor(arrays, f"{name}.{batch}.{head}.q", factors.q[batch, head], short), k)


def _factor(arrays: Arrays, name: str, array: Any, short: bool) -> BlobRef:
    if not short:
        return arrays.add(name, "f4", array.shape, lambda: array)
    whole, scales = shortened(array)  # held in the place of the floats, which are twice as large
    ref = arrays.add(name, "i2", array.shape, lambda: whole)
    return replace(ref, scales=[float(f"{scale:.9g}") for scale in scales[0]])


def _shared(arrays: Arrays, name: str, array: Any, dtype: Dtype) -> BlobRef | None:
    return None if array is None else arrays.add(name, dtype, array.shape, lambda: array)


def _formed(arrays: Arrays, name: str, map_: AttentionMap, queries: Sequence[int] | None = None) -> Formed:
    dtype = dtype_of(map_)
    shape = map_.shape[2:] if queries is None else (len(queries), map_.shape[3])
    heads = [
        arrays.add(f"{name}.{batch}.{head}.rows", dtype, shape, partial(_weights, map_, batch, head, queries))
        for batch, head in np.ndindex(*map_.shape[:2])
    ]
    return Formed(list(heads), None if queries is None else list(queries))


def _weights(map_: AttentionMap, batch: int, head: int, queries: Sequence[int] | None) -> Any:
    weights = map_[batch, head]
    return NUMPY.as_numpy((weights if queries is None else weights[list(queries)]).array())
