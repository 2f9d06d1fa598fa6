"""Where recorded values wait: lists by key, under a memory budget.

Nothing here raises into the function that is recorded. What went wrong there is said when the cache is
next read: an error when the budget was used up, and warnings that could not be given on the spot.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from visualizer.errors import MemoryBudgetError, OptionError
from visualizer.memory import Budget, format_bytes, free_bytes, measure_bytes, parse_bytes
from visualizer.notices import RecordingWarning, warn_user

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Cache:
    """Recorded values by key, and what is still to be said about them.

    Nothing is kept before `configure`.

    Attributes
    ----------
    values
        One dict for the life of the process: key → list of kept values, in the order of their arrival.
    """

    def __init__(self) -> None:
        self.values: dict[str, list[Any]] = {}
        self._copy: Callable[[object], Any] = lambda value: value
        self._refused: set[str] = set()
        self._unsaid: list[str] = []
        self._overflow: str | None = None
        self._start(limit=0)
        self.renew_lock()

    def renew_lock(self) -> None:
        """Have a new lock: in a forked process another thread's hold on the old one never ends."""
        self._lock = threading.RLock()  # re-entrant: copying a value may run a recorded function

    def configure(self, keep: str, budget: str | int | None) -> None:
        """Choose what is kept from now on, and in how many bytes; None is half of the free memory.

        Raises
        ------
        OptionError
            If either is not one of its options; nothing has changed then.
        """
        limit = free_bytes() // 2 if budget is None else parse_bytes(budget)
        copy = _copy_for(keep)
        with self._lock:
            self._copy = copy
            self._refused.clear()
            self._start(limit)

    def open(self, key: str) -> None:
        """See to it that there is a list under ``key``."""
        self.values.setdefault(key, [])

    def record(self, key: str, value: object) -> None:
        """Keep a value under ``key``, if it can be copied and there is room."""
        with self._lock:  # values arrive in the order in which calls end, and none is counted twice
            try:
                self._keep(key, value)
            except Exception as error:  # noqa: BLE001 - foreign code copies; the recorded function must go on
                self._refuse(key, error)

    def clear(self) -> None:
        """Put a new empty list under every key; lists that a user holds stay as they are."""
        with self._lock:
            for key in list(self.values):
                self.values[key] = []
            self._start(self._budget.limit)

    def replace(self, values: Mapping[str, list[Any]]) -> None:
        """Let the one dict hold ``values`` and nothing else."""
        with self._lock:
            new = dict(values)
            self.values.clear()
            self.values.update(new)
            self._start(self._budget.limit)

    def speak(self) -> None:
        """Say what could not be said while recording.

        Raises
        ------
        MemoryBudgetError
            Once, if recording stopped at its budget.
        """
        while self._unsaid:
            warn_user(self._unsaid.pop(0))
        message, self._overflow = self._overflow, None
        if message:
            raise MemoryBudgetError(message)

    def _start(self, limit: int) -> None:
        self._budget = Budget(limit, held=lambda: measure_bytes(self.values))
        self._length_when_full: int | None = None

    def _keep(self, key: str, value: object) -> None:
        if self._length_when_full is not None:
            if self._length() >= self._length_when_full:
                return
            self._length_when_full = None  # a user who removed values by hand has made room
        size = measure_bytes(value)
        if not self._budget.admits(size):  # asked before copying, as a copy might not fit into memory
            self._stop(key, size)
            return
        kept = self._copy(value)
        if kept is not value:
            size = measure_bytes(kept)  # a copy may be larger: bfloat16 becomes float32
            if not self._budget.admits(size):
                self._stop(key, size)
                return
        self.values.setdefault(key, []).append(kept)
        self._budget.take(size)

    def _length(self) -> int:
        return sum(map(len, self.values.values()))

    def _stop(self, key: str, size: int) -> None:
        self._length_when_full = self._length()
        limit, wanted = format_bytes(self._budget.limit), format_bytes(size)
        self._overflow = (
            f"Recording stopped at its memory budget of {limit}: {wanted} for {key!r} did not fit"
            f"{self._describe_biggest()}; give get_local.activate(budget=...) more, "
            "call get_local.clear() between batches, or record fewer names."
        )

    def _describe_biggest(self) -> str:
        sizes = {key: measure_bytes(values) for key, values in self.values.items() if values}
        biggest = sorted(sizes, key=sizes.__getitem__, reverse=True)[:3]
        shown = (f"{key!r} ({format_bytes(sizes[key])} in {len(self.values[key])} values)" for key in biggest)
        return f" beside {', '.join(shown)}" if biggest else ""

    def _refuse(self, key: str, error: Exception) -> None:
        if key in self._refused:
            return
        self._refused.add(key)
        message = f"A value for cache[{key!r}] was not recorded: {error}."
        try:
            warn_user(message)
        except RecordingWarning:  # warnings are errors here, and the recorded function must go on
            self._unsaid.append(message)


def _copy_for(keep: str) -> Callable[[object], Any]:
    from visualizer.snapshots import COPIES  # loads numpy

    if not isinstance(keep, str) or keep not in COPIES:
        raise OptionError(f"keep={keep!r} was asked for; choose {', '.join(map(repr, COPIES))}.")
    return COPIES[keep]
