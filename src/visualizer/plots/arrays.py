"""Attention maps as numpy arrays of known shape, from whatever holds them: numpy, torch, lists."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualizer.errors import ShapeError, TargetError
from visualizer.snapshots import NoCopyError, copy_as_numpy

Floats = NDArray[np.floating[Any]]
NOT_NUMBERS = "OUSMmc"  # dtype kinds: objects, texts, bytes, dates, spans, complex numbers


def as_numbers(value: object, name: str) -> NDArray[Any]:
    """Return ``value`` as an array of real numbers in its own dtype; ``name`` is what messages call it.

    Raises
    ------
    TargetError
        If it is a model, or holds no real numbers.
    ShapeError
        If it is a list whose parts differ in shape.

    Examples
    --------
    >>> as_numbers([[1, 2], [3, 4]], "map").dtype
    dtype('int64')
    """
    if callable(value) and not hasattr(type(value), "__array__"):
        message = (
            f"{name} is a {type(value).__name__}, but a plot takes an array, never a model: "
            "record the attention map first (get_local, watch) and pass that"
        )
        raise TargetError(message)
    array = _as_array(value, name)
    if array.dtype.kind in NOT_NUMBERS:
        raise TargetError(f"{name} holds {array.dtype} values, but a plot takes an array of real numbers")
    return array


def as_floats(value: object, name: str) -> Floats:
    """Return ``value`` as floats of at least 32 bits, its masked cells as NaN.

    Raises
    ------
    TargetError, ShapeError
        As `as_numbers` does.

    Examples
    --------
    >>> as_floats(np.ma.masked_less([0.25, -1.0], 0), "map")
    array([0.25,  nan])
    """
    array = as_numbers(value, name)
    floats = array.astype(np.result_type(array.dtype, np.float32))
    return np.ma.filled(floats, np.nan) if isinstance(floats, np.ma.MaskedArray) else floats


def one_map(value: object) -> Floats:
    """Return one map (query, key) with at least one finite value; those that are not become NaN.

    Raises
    ------
    ShapeError
        If it has other axes, no cells, or nothing finite.

    Examples
    --------
    >>> one_map([[0.5, 0.5], [1.0, 0.0]]).shape
    (2, 2)
    """
    array = as_floats(value, "map")
    if array.ndim != 2:
        index = ", ".join("0" * (array.ndim - 2))
        remedy = f"pick one, such as map[{index}]" if array.ndim > 2 else "pass the whole matrix"
        raise ShapeError(f"map has shape {array.shape}, two axes (query, key) are wanted: {remedy}")
    return _with_values(array, "map")


def map_stack(value: object) -> Floats:
    """Return maps (head, query, key) as `one_map` does; a batch axis of one is dropped.

    Raises
    ------
    ShapeError
        If there are other axes, a larger batch, no cells, or nothing finite.

    Examples
    --------
    >>> map_stack([[[[0.5, 0.5]]]]).shape
    (1, 1, 2)
    """
    array = as_floats(value, "maps")
    if array.ndim == 4 and array.shape[0] == 1:
        array = array[0]
    if array.ndim != 3:
        index = ", ".join("0" * (array.ndim - 3))
        remedy = f"pick one, such as maps[{index}]" if array.ndim > 3 else "for one map there is head()"
        raise ShapeError(f"maps have shape {array.shape}, axes (head, query, key) are wanted: {remedy}")
    return _with_values(array, "maps")


def pooled(value: Any, most: int) -> Any:
    """Return a lazy map with at most ``most`` queries and keys: means of bins where it has more.

    What is no lazy map, or small enough, is returned as it is. Nothing as large as the map is formed.

    Examples
    --------
    >>> from visualizer.attention import AttentionMap, Dense
    >>> pooled(AttentionMap(Dense(np.eye(4))), 2).tolist()
    [[0.5, 0.0], [0.0, 0.5]]
    """
    if not hasattr(value, "pool") or value.ndim < 2 or max(value.shape[-2:]) <= most:
        return value
    return value.pool(*(min(length, most) for length in value.shape[-2:]))


def finite(array: Floats) -> Floats:
    """Return the finite values of ``array``, flat.

    Examples
    --------
    >>> finite(np.array([[1.0, np.nan]]))
    array([1.])
    """
    return array[np.isfinite(array)]


def _as_array(value: object, name: str) -> NDArray[Any]:
    try:
        return np.asanyarray(copy_as_numpy(value))  # asanyarray keeps the mask of a masked array
    except NoCopyError:
        message = (
            f"{name}, a {type(value).__name__}, has no numpy form: a plot takes an array of real numbers"
        )
        raise TargetError(message) from None
    except ValueError as error:
        raise ShapeError(f"{name} is no array, as its parts differ in shape ({error})") from None


def _with_values(array: Floats, name: str) -> Floats:
    if not array.size:
        raise ShapeError(f"no cells in {name} of shape {array.shape}: there is nothing to draw")
    if not np.isfinite(array).any():
        raise ShapeError(f"no finite value in {name} of shape {array.shape}: there is nothing to draw")
    return np.where(np.isfinite(array), array, np.nan)  # sums and means of both infinities warn
