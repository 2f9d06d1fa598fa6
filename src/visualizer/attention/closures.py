"""Which arrays a function reads that are not its arguments: those that it closes over, and others by name."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from functools import partial
from inspect import getattr_static
from types import CodeType, FunctionType, MethodType
from typing import Any

import numpy as np

from visualizer.attention.arrays import Array

FOREIGN = {"torch", "numpy"}
"""Packages whose functions may close over arrays of others, but read none of their own."""

DEEPEST = 8
"""How many steps are followed: attributes may lead to ever new objects."""

Names = frozenset[str]


def arrays_read(*functions: Any) -> list[Array]:
    """Return the arrays that functions read from closures, defaults, globals and objects, each one once.

    The functions that they call are followed, and partials, methods and callable objects. Of an object, those
    attributes are looked at that a function names.

    Examples
    --------
    >>> table = np.zeros(3)
    >>> [array is table for array in arrays_read(lambda place: table[place])]
    [True]
    """
    found: dict[int, Array] = {}
    _visit(functions, frozenset(), found, {})
    return list(found.values())


def _visit(
    values: Iterable[Any], names: Names, found: dict[int, Array], seen: dict[Any, Any], deep: int = 0
) -> None:
    for value in values:
        if _is_array(value):
            found[id(value)] = value
        elif deep < DEEPEST and (id(value), names) not in seen:
            seen[id(value), names] = value  # held, so that nothing else takes its number
            called = names | _names_of(value)
            _visit(_inside(value, called), called, found, seen, deep + 1)


def _is_array(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return isinstance(value, np.ndarray) or (torch is not None and isinstance(value, torch.Tensor))


def _inside(value: Any, names: Names) -> Iterator[Any]:
    """Yield what a value leads to."""
    if isinstance(value, FunctionType):
        yield from _surroundings(value, names)
    elif isinstance(value, MethodType):
        yield from (value.__func__, value.__self__)
    elif isinstance(value, partial):
        yield from (value.func, value.args, value.keywords)
    elif isinstance(value, list | tuple | set | frozenset):
        yield from value
    elif isinstance(value, dict):
        yield from value.values()
    elif value is not None:
        yield from (_function_of(value), *(_attribute(value, name) for name in names))


def _surroundings(function: FunctionType, names: Names) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        yield _attribute(cell, "cell_contents")
    yield from (function.__defaults__, function.__kwdefaults__)
    if (function.__module__ or "").partition(".")[0] not in FOREIGN:
        yield from (function.__globals__.get(name) for name in names)


def _names_of(value: Any) -> Names:
    """Return the globals and attributes that a function or a callable object names."""
    function = _function_of(value)
    return _names(function.__code__) if isinstance(function, FunctionType) else frozenset()


def _function_of(value: Any) -> Any:
    if isinstance(value, FunctionType | type):
        return value if isinstance(value, FunctionType) else None
    return getattr(value, "__func__", None) or getattr_static(type(value), "__call__", None)


def _names(code: CodeType) -> Names:
    inner = (_names(constant) for constant in code.co_consts if isinstance(constant, CodeType))
    return frozenset(code.co_names).union(*inner)


def _attribute(value: Any, name: str) -> Any:
    try:
        return getattr(value, name, None)
    except Exception:  # noqa: BLE001 - an empty cell, or foreign code
        return None
