"""Half of something that two operators do: each thread's latest one, until the other half is seen."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

from visualizer.recorders.provenance import Mark

What = TypeVar("What")


class Pending(threading.local, Generic[What]):
    """The latest half, which is known again by the mark that its result bears.

    Marks stay as long as they may, so none of them holds what is pending.
    """

    _what: What | None = None
    _mark: Mark | None = None

    def begin(self, what: What) -> Mark:
        """Wait for the other half of this one, and no more of the one before; return a result's mark."""
        self._what, self._mark = what, Mark("pending", object())
        return self._mark

    def of(self, marks: set[Mark]) -> What | None:
        """Return what is pending, if these are the marks of its result."""
        return self._what if self._mark in marks else None

    def end(self) -> None:
        """Wait no more."""
        self._what = self._mark = None
