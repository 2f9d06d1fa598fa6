"""A question that is asked before each block of rows: whether anybody waits for the result any more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_IS_WANTED: ContextVar[Callable[[], bool]] = ContextVar("is_wanted", default=lambda: True)


class Unwanted(BaseException):  # no error, and nothing that handles errors may keep it
    """What was computed was given up, because nobody waits for it."""


@contextmanager
def while_wanted(is_wanted: Callable[[], bool]) -> Iterator[None]:
    """Compute, in this thread or task, only until the answer is no: `Unwanted` is then raised.

    Examples
    --------
    >>> import numpy as np
    >>> from visualizer.attention import AttentionMap, Dense
    >>> with while_wanted(lambda: False):
    ...     AttentionMap(Dense(np.eye(2))).pool(1)
    Traceback (most recent call last):
    visualizer.attention._wanted.Unwanted
    """
    token = _IS_WANTED.set(is_wanted)
    try:
        yield
    finally:
        _IS_WANTED.reset(token)


def check_wanted() -> None:
    """Give up what is being computed if nobody waits for it.

    Raises
    ------
    Unwanted
        If so.
    """
    if not _IS_WANTED.get()():
        raise Unwanted
