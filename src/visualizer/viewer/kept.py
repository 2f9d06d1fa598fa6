"""What was computed and may be asked for again, as much of it as a number of bytes holds."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any

BUDGET = 2**28

Once = Callable[[Hashable, Callable[[], Any]], Any]
"""Returns what has a name, made unless it is kept."""


class Kept:
    """Arrays by name; when they are too many bytes, those that were not asked for longest are let go of.

    Examples
    --------
    >>> import numpy as np
    >>> kept = Kept(100)
    >>> [kept.get(name, lambda: np.zeros(6)).nbytes for name in "abac"], sorted(kept.names)
    ([48, 48, 48, 48], ['a', 'c'])
    """

    def __init__(self, budget: int = BUDGET) -> None:
        self._budget, self._bytes = budget, 0
        self._held: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = Lock()

    @property
    def names(self) -> set[Hashable]:
        """What is held."""
        return set(self._held)

    def get(self, name: Hashable, make: Callable[[], Any]) -> Any:
        """Return what has a name, made if it is not held: it has ``nbytes``."""
        with self._lock:
            if name in self._held:
                self._held.move_to_end(name)
                return self._held[name]
        made = make()  # meanwhile others are answered; two who ask for the same at once both make it
        if made.nbytes <= self._budget:
            with self._lock:
                self._take(name, made)
        return made

    def _take(self, name: Hashable, made: Any) -> None:
        if name in self._held:
            self._bytes -= self._held.pop(name).nbytes
        self._held[name] = made
        self._bytes += made.nbytes
        while self._bytes > self._budget:
            self._bytes -= self._held.popitem(last=False)[1].nbytes
