"""Keeping a recording within its memory: where each call is held, and when recording stops."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from visualizer.calls import Call
from visualizer.errors import MemoryBudgetError
from visualizer.explaining import Seen
from visualizer.memory import format_bytes
from visualizer.notices import warn_user
from visualizer.recorders.holding import Holder
from visualizer.room import Room


class Allowance:
    """What a recording may hold. At the limit it stops, and the model goes on.

    Parameters
    ----------
    limit
        How many bytes may be held in all.
    holder
        What holds the calls' tensors.
    seen
        Where it is counted what was left out.
    """

    def __init__(self, limit: int, holder: Holder, seen: Seen) -> None:
        self.stopped: MemoryBudgetError | None = None
        self.limit = limit
        self._room, self._holder, self._seen = Room(limit), holder, seen

    def device_of(self, tensor: Any) -> Any:
        """Return where a call is held: on its own device while there is room, then on the host."""
        device = self._holder.device_of(tensor)
        if not self._room.is_full(device):
            return device
        self._holder.move_to_host()
        warn_user(
            f"{format_bytes(self._room.held)} are held on {device}, as much as may be taken there: further "
            "calls are held in the host's memory, and the model waits for each copy; record less "
            "(modules=, queries='last', every=, keep='readouts'), or give device='cpu' from the start"
        )
        return self._holder.device_of(tensor)

    def has(self, needed: int, path: str, number: int) -> bool:
        """Tell whether so many bytes more may be held for a call; if not, stop."""
        if needed > self._room.left:
            self._stop(path, number, needed)
        return self.stopped is None

    def take(self, call: Call, device: Any) -> bool:
        """Count what a call holds that no other does; False where that is too much, and recording stops."""
        if needed := self._room.missing(call, device):
            self._stop(call.path, call.number, needed)
        return not needed

    def foresee(self, first: Any, modules: Iterable[Any]) -> None:
        """Say at the first call, of the module ``first``, when all modules of its kind will not fit."""
        alike = sum(type(other) is type(first) for other in modules)
        needed = alike * self._room.held
        if needed > self.limit:
            warn_user(
                f"the first call holds {format_bytes(self._room.held)}, and the {alike} modules like it will "
                f"need about {format_bytes(needed)}, above the budget of {format_bytes(self.limit)}: "
                "give budget=, or record less"
            )

    def _stop(self, path: str, number: int, needed: int) -> None:
        self.stopped = MemoryBudgetError(
            f"recording stopped at its budget of {format_bytes(self.limit)}: "
            f"{format_bytes(self._room.held)} were held, and call {number} of "
            f"{path or 'the model'} needs {format_bytes(needed)} more; give budget=, or record less: "
            "modules=, queries='last', every=, keep='readouts', dtype=, device='cpu'"
        )
        self._seen.left_out["budget="] += 1
