"""A flag that is up while maps are read, so that what records attention does not record the reading."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ACTIVE: ContextVar[bool] = ContextVar("reading", default=False)


@contextmanager
def reading() -> Iterator[None]:
    """Mark all that runs inside, in this thread or task, as the reading of a map.

    Examples
    --------
    >>> with reading():
    ...     is_reading()
    True
    """
    token = _ACTIVE.set(True)
    try:
        yield
    finally:
        _ACTIVE.reset(token)


def is_reading() -> bool:
    """Tell whether a map is being read: a recorder lets such calls pass.

    Examples
    --------
    >>> is_reading()
    False
    """
    return _ACTIVE.get()
