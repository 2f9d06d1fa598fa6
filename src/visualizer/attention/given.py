"""Whether what is given for a map can be used at all: arrays, their dtypes, numbers."""

from __future__ import annotations

from operator import index
from typing import Any

from visualizer.attention.arrays import Array, arrays_of
from visualizer.errors import OptionError, TargetError, VisualizerError


def check_array(name: str, value: Any, *, floats: bool = False) -> None:
    """Raise an error unless a value is an array of real numbers, or of floats.

    Raises
    ------
    TargetError
        If it is no array, or holds something else.

    Examples
    --------
    >>> import numpy as np
    >>> check_array("mask", np.ones(3, dtype=bool))
    """
    try:
        xp = arrays_of(value)
    except TargetError:
        raise TargetError(
            f"{name} was given as a {type(value).__name__}: give a torch tensor or a numpy array (np.asarray)"
        ) from None
    if not xp.is_real(value.dtype) or (floats and xp.is_whole(value.dtype)):
        kind = "floats" if floats else "real numbers or booleans"
        raise TargetError(f"{name} was given as an array of {value.dtype}: make it one of {kind}")


def as_numbers(xp: Any, name: str, value: Any) -> Array:
    """Return what a map is combined with as an array of a library.

    Raises
    ------
    TargetError
        If it is no array of real numbers.

    Examples
    --------
    >>> from visualizer.attention.arrays import NUMPY
    >>> as_numbers(NUMPY, "a @ w", [1, 2])
    array([1, 2])
    """
    found = type(value).__name__
    try:
        array = xp.asarray(value)
        if xp.is_real(array.dtype):
            return array
        found = f"{found} of {array.dtype}" if hasattr(value, "dtype") else found
    except VisualizerError:
        raise
    except (TypeError, ValueError):  # ragged lists, and what torch has no dtype for
        pass
    raise TargetError(f"{name} was asked for with a {found}: give an array of real numbers")


def as_count(value: Any, name: str, example: str) -> int:
    """Return a whole number.

    Raises
    ------
    OptionError
        If it is none.

    Examples
    --------
    >>> as_count(3, "topk", "a.topk(8)")
    3
    """
    try:
        return index(value)
    except TypeError:
        raise OptionError(f"{name}({value!r}) was asked for; give a whole number: {example}") from None


def is_whole(value: Any) -> bool:
    """Tell whether a value is an int, or an array of integers.

    Examples
    --------
    >>> is_whole(3), is_whole(0.5), is_whole([3])
    (True, False, False)
    """
    if hasattr(value, "dtype"):
        return "int" in str(value.dtype)
    return hasattr(value, "__index__")


def is_number(value: Any) -> bool:
    """Tell whether a value is a real number, or an array of them.

    Examples
    --------
    >>> is_number(0.5), is_number(1j), is_number("1")
    (True, False, False)
    """
    return arrays_of(value).is_real(value.dtype) if hasattr(value, "dtype") else hasattr(value, "__float__")
