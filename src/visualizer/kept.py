"""What was computed or read and may be asked for again, as much of it as a number of bytes holds."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any

BUDGET = 2**28

Once = Callable[[Hashable, Callable[[], Any]], Any]
"""Returns what has a name, made unless it is kept."""


class Kept:
    """What has ``nbytes``, by name; when it is too many bytes, what was not asked for longest is let go of.

    The newest stays even if it is larger than the budget: what reads a large map reads it block by block.

    Examples
    --------
    >>> import numpy as np
    >>> kept = Kept(100)
    >>> [kept.get(name, lambda: np.zeros(6)).nbytes for name in "abac"], sorted(kept.names)
    ([48, 48, 48, 48], ['a', 'c'])
    """

    def __init__(self, budget: int = BUDGET) -> None:
        self._budget, self._bytes = budget, 0
        self._held: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._lock = Lock()

    def __reduce__(self) -> Any:
        """Make a copy begin empty."""
        return Kept, (self._budget,)

    @property
    def names(self) -> set[Hashable]:
        """What is held."""
        with self._lock:
            return set(self._held)

    def peek(self, name: Hashable) -> Any:
        """Return what has a name; None if it is not held."""
        with self._lock:
            if name not in self._held:
                return None
            self._held.move_to_end(name)
            return self._held[name][0]

    def get(self, name: Hashable, make: Callable[[], Any]) -> Any:
        """Return what has a name, made if it is not held."""
        found = self.peek(name)
        if found is None:
            found = make()  # meanwhile others are answered; two who ask for the same at once both make it
            self.keep(name, found)
        return found

    def keep(self, name: Hashable, made: Any) -> None:
        """Hold one thing more, in the place of what had its name."""
        size = int(made.nbytes)  # now: what keeps results of its own grows
        with self._lock:
            self._bytes -= self._held.pop(name, (None, 0))[1]
            self._held[name] = made, size
            self._bytes += size
            while self._bytes > self._budget and len(self._held) > 1:
                self._bytes -= self._held.popitem(last=False)[1][1]
