"""What every measure of a head begins and ends with: a map, and the mean over its queries."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualizer.attention import AttentionMap, Dense
from visualizer.attention.arrays import NUMPY, Array, arrays_of
from visualizer.errors import ShapeError

Floats = NDArray[np.float64]


def as_map(given: Any) -> AttentionMap:
    """Return a map as it is, that of a `Call`, or an array (..., query, key) as one.

    Raises
    ------
    ShapeError
        If an array has fewer than two axes, or of a map queries or keys were taken away by an int.

    Examples
    --------
    >>> as_map([[1.0, 0.0], [0.5, 0.5]]).shape
    (2, 2)
    """
    given = getattr(given, "map", given)
    if isinstance(given, AttentionMap):
        if given.axis_names[-2:] != ("query", "key"):
            raise ShapeError(
                f"a map with queries and keys was wanted, but ints left of it {given.shape}: pick with slices"
            )
        return given
    array = given if hasattr(given, "detach") else np.asarray(given)
    if array.ndim < 2:
        raise ShapeError(
            f"a map was to be made of an array of shape {tuple(array.shape)}; its axes are (..., query, key)"
        )
    return AttentionMap(Dense(array))


def numbers(found: Any) -> Floats:
    """Return what was read out of a map, small beside it, as numpy's float64."""
    return np.asarray(NUMPY.as_numpy(found), np.float64)


def over_queries(a: AttentionMap, values: Any, some: Any = True) -> Floats:
    """Return the mean of values (..., query) over the queries that are no padding, (...); NaN where none is.

    Parameters
    ----------
    a
        The map that they were read from.
    some
        Which queries take part besides, booleans (query,) or (..., query), such as those that have a
        predecessor.
    """
    return mean_of(NUMPY.as_numpy(a.valid) & NUMPY.as_numpy(some), values)


def mean_of(counted: Any, values: Any) -> Floats:
    """Return the mean of values (..., query) that are counted, (...); NaN where none is."""
    with np.errstate(invalid="ignore"):
        mean: Floats = np.where(counted, numbers(values), 0).sum(-1) / counted.sum(-1)
    return mean


def library(a: AttentionMap) -> Any:
    """Return the library of a map's arrays, on the device of its factors."""
    return arrays_of(a.valid)


def exact(found: Any) -> Array:
    """Return an array in float64 where it is, on MPS, which has none, in float32."""
    xp = arrays_of(found)
    return xp.cast(found, xp.exact_dtype())


def plus(x: Array, more: Array) -> Array:
    """Return a sum, in float64 and where ``more`` is: layers may lie on several devices."""
    return arrays_of(more).asarray(x) + exact(more)


def divided(x: Array, sums: Array) -> Array:
    """Return x over its sums, where these are; what has none stays zero."""
    xp, there = arrays_of(sums), sums > 0
    return xp.where(there, xp.asarray(x), 0.0) / xp.where(there, sums, 1.0)
