"""A function that another one stands in for, however it was imported: its code object is swapped in place."""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any


class Substitution:
    """A stand-in for a function, from `open` to `close`.

    Parameters
    ----------
    function
        What is replaced. Every reference to it sees the stand-in.
    stand_in
        A function without free variables, whose code runs in its place among its globals.

    Examples
    --------
    >>> def plus(a, b): return a + b
    >>> def minus(a, b): return a - b
    >>> swap = Substitution(plus, minus)
    >>> swap.open(); inside = plus(2, 1), swap.original(2, 1); swap.close()
    >>> inside, plus(2, 1)
    ((1, 3), 3)
    """

    def __init__(self, function: Callable[..., Any], stand_in: Callable[..., Any]) -> None:
        self._function: Any = function
        self._code: CodeType = stand_in.__code__
        self._before: CodeType | None = None
        self.original: Any = _twin(function)

    def open(self) -> None:
        """Put the stand-in's code into the function."""
        self._before = self._function.__code__
        self.original = _twin(self._function)
        self._function.__code__ = self._code

    def close(self) -> None:
        """Give the function its own code object back, unless it was given another one meanwhile."""
        before, self._before = self._before, None
        if before is not None and self._function.__code__ is self._code:
            self._function.__code__ = before


def _twin(function: Any) -> FunctionType:
    """Return the function as it is now, with the same code object: what was compiled of it stays valid."""
    twin = FunctionType(
        function.__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    twin.__kwdefaults__ = function.__kwdefaults__
    twin.__module__, twin.__qualname__ = function.__module__, function.__qualname__
    return twin
