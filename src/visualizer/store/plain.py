"""Values as JSON: numbers, texts, lists, tuples, dictionaries; arrays as their places in a list."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

import numpy as np

from visualizer.errors import StoreError

Put = Callable[[Any, str], int]
"""Takes an array and its role, and returns its place."""
Get = Callable[[int], Any]


def to_plain(value: Any, put: Put, role: str = "value") -> Any:
    """Return a value as JSON has it.

    Raises
    ------
    StoreError
        If it is of a kind that cannot be stored.

    Examples
    --------
    >>> to_plain({"a": (1, float("inf"))}, put=None)
    {'dict': [['a', {'tuple': [1, {'float': 'inf'}]}]]}
    """
    if value is None or type(value) in (bool, int, str):
        return value
    if isinstance(value, str):  # of another class, such as a version's
        return str.__str__(value)
    if type(value) in (float, complex):
        return _number(value)
    if type(value) in (list, tuple):
        return {type(value).__name__: [to_plain(one, put, role) for one in value]}
    if isinstance(value, dict):
        pairs = [[to_plain(key, put, role), to_plain(one, put, role)] for key, one in value.items()]
        return {"dict": pairs}
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        is_number = isinstance(value, np.generic)
        return to_plain(value.item(), put, role) if is_number else {"array": put(value, role)}
    raise StoreError(
        f"a {type(value).__name__} was to be stored: wanted are arrays, numbers, texts, and lists, tuples "
        "and dictionaries of them"
    )


def _number(value: Any) -> Any:
    if type(value) is complex:
        return {"complex": [_number(value.real), _number(value.imag)]}
    return value if isfinite(value) else {"float": str(value)}


def from_plain(plain: Any, get: Get) -> Any:
    """Return the value that was written.

    Raises
    ------
    StoreError
        If it is of no kind that is known.
    """
    if plain is None or isinstance(plain, bool | int | float | str):
        return plain
    if isinstance(plain, dict) and len(plain) == 1:
        (kind, inside), *_ = plain.items()
        if kind == "float" and inside in ("inf", "-inf", "nan"):
            return float(inside)
        if kind == "complex" and isinstance(inside, list) and len(inside) == 2:
            return complex(*(float(from_plain(one, get)) for one in inside))
        if kind in ("list", "tuple") and isinstance(inside, list):
            found = [from_plain(one, get) for one in inside]
            return found if kind == "list" else tuple(found)
        if kind == "dict" and isinstance(inside, list) and all(_is_pair(pair) for pair in inside):
            return {_key(from_plain(key, get)): from_plain(one, get) for key, one in inside}
        if kind == "array":
            return get(inside)
    raise StoreError(f"a value was written as {plain!r:.80}, which is of no kind that is known")


def _is_pair(pair: Any) -> bool:
    return isinstance(pair, list) and len(pair) == 2


def _key(value: Any) -> Any:
    try:
        hash(value)
    except TypeError:
        raise StoreError(
            f"a dictionary was written with the key {value!r:.80}, which cannot be one"
        ) from None
    return value
