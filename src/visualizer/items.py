"""Items of a data loop: which one is running, on each thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(eq=False)  # compared as the objects that they are
class Item:
    """What the calls of a block belong to: its id, those of the rows of its batch, and the batches met."""

    id: Any = None
    rows: tuple[Any, ...] = ()
    batches: set[int] = field(default_factory=set)


class Items:
    """The items that are open: each thread's own, and for threads that a model begins the latest."""

    def __init__(self) -> None:
        self._open = [Item()]
        self._own = threading.local()

    @property
    def current(self) -> Item:
        """The item that this thread's calls belong to."""
        own: Item | None = getattr(self._own, "item", None)
        return own or self._open[-1]

    @contextmanager
    def within(self, item: Item) -> Iterator[None]:
        """Have this thread's calls belong to an item; blocks nest."""
        before = getattr(self._own, "item", None)
        self._own.item = item
        self._open.append(item)
        try:
            yield
        finally:
            self._own.item = before
            self._open.remove(item)
