"""How a page comes by the rows of a map: from factors, from the map itself, or by asking."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from math import prod
from typing import Any

import numpy as np

from visualizer.attention import AttentionMap
from visualizer.attention.arrays import NUMPY
from visualizer.viewer.arrays import Arrays
from visualizer.viewer.factoring import Factors, factors_of, scales_of, shortened
from visualizer.viewer.operands import band_of, of_head, shared_of
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
    size, held = prod(map_.shape) * int(dtype_of(map_)[1]), _held(map_)
    if 0 < held < size and (held <= HELD or not served):
        factors = factors_of(map_)
        if factors is not None and factors.nbytes < size and (factors.nbytes <= HELD or not served):
            return _factored(arrays, name, map_, factors)
    return Served() if served and size > HELD else _formed(arrays, name, map_)


def least(map_: AttentionMap, queries: Sequence[int] | None = None) -> tuple[str, int]:
    """Return what a head's rows most likely come from, "q" or "rows", and the least bytes that it takes."""
    heads, width = prod(map_.shape[:2]), int(dtype_of(map_)[1])
    if queries is not None:
        return "rows", len(queries) * map_.shape[3] * width
    size, held = prod(map_.shape) * width, _held(map_)
    return ("q", held // heads) if 0 < held < size else ("rows", size // heads)


def dtype_of(map_: AttentionMap) -> Dtype:
    """Return what weights are sent as: half a float is exact to 5e-4 up to 1."""
    return "f4" if map_.opened()[0].signed else "f2"


def _held(map_: AttentionMap) -> int:
    """Return the least that the factors take, by their shapes; 0 where there are none."""
    sizes = map_.opened()[0].sizes
    return 2 * (prod(sizes["q"]) + prod(sizes["k"])) if "q" in sizes else 0


def _factored(arrays: Arrays, name: str, map_: AttentionMap, factors: Factors) -> Factored:
    def factor(side: str, batch: int, head: int) -> BlobRef:
        group = factors.group if side == "q" else 1
        array = getattr(factors, side)[batch, head]
        short = bool(factors.short[batch, head // group])
        make = partial(_factor, map_, side, batch, head * (factors.group if side == "k" else 1), short)
        ref = arrays.add(f"{name}.{batch}.{head}.{side}", "i2" if short else "f4", array.shape, make)
        scales = [float(f"{scale:.9g}") for scale in scales_of(array)[0]] if short else None
        return replace(ref, scales=scales)

    keys = {at: factor("k", *at) for at in np.ndindex(*factors.k.shape[:2])}
    return Factored(
        heads=[
            HeadFactors(factor("q", batch, head), keys[batch, head // factors.group])
            for batch, head in np.ndindex(*factors.q.shape[:2])
        ],
        softcap=factors.softcap,
        bias=_shared(arrays, f"{name}.bias", factors.bias, "f4", partial(_of_all, map_, 0)),
        mask=_shared(arrays, f"{name}.mask", factors.mask, "u1", partial(_of_all, map_, 1)),
        band=factors.band,
        sinks=None if factors.sinks is None else factors.sinks.tolist(),
    )


def _factor(map_: AttentionMap, side: str, batch: int, head: int, short: bool) -> Any:
    """Return a factor of a head as it is sent: read again, as all of a run would not fit into memory."""
    array = of_head(map_, side, batch, head)
    return shortened(array)[0] if short else array


def _of_all(map_: AttentionMap, which: int) -> Any:
    return shared_of(map_)[which]


def _shared(arrays: Arrays, name: str, array: Any, dtype: Dtype, make: Callable[[], Any]) -> BlobRef | None:
    return None if array is None else arrays.add(name, dtype, array.shape, make)


def _formed(arrays: Arrays, name: str, map_: AttentionMap, queries: Sequence[int] | None = None) -> Formed:
    dtype = dtype_of(map_)
    shape = map_.shape[2:] if queries is None else (len(queries), map_.shape[3])
    heads = [
        arrays.add(f"{name}.{batch}.{head}.rows", dtype, shape, partial(_weights, map_, batch, head, queries))
        for batch, head in np.ndindex(*map_.shape[:2])
    ]
    return Formed(list(heads), None if queries is None else list(queries), band_of(map_))


def _weights(map_: AttentionMap, batch: int, head: int, queries: Sequence[int] | None) -> Any:
    weights = map_[batch, head]
    return NUMPY.as_numpy((weights if queries is None else weights[list(queries)]).array())
