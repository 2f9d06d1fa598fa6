"""The memory that a run may take: on a device a share of what is free there, in all a budget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from visualizer.calls import Call
from visualizer.recorders.writes import copies_made

SHARE = 0.5  # of a device's free memory: the model needs the rest


@dataclass
class _Shelf:
    limit: int
    held: int = 0
    largest: int = 0


class _Piece(NamedTuple):
    """Bytes of memory, a call that holds them, and how many copies had been made by then."""

    size: int
    call: Call
    copies: int


class Room:
    """Counts what calls hold, each piece of memory once.

    Parameters
    ----------
    limit
        How many bytes may be held in all.
    free
        Tells how many bytes are free on a device; asked once, at the first call that is held there. The
        device itself is asked where it is not given.
    """

    def __init__(self, limit: int, free: Callable[[Any], int] | None = None) -> None:
        self.limit, self.held = limit, 0
        self._free = free or _free_on
        self._pieces: dict[int, _Piece] = {}  # by address
        self._shelves: dict[Any, _Shelf] = {}

    @property
    def left(self) -> int:
        """How many bytes may still be held."""
        return self.limit - self.held

    def missing(self, call: Call, device: Any) -> int:
        """Take a call in and return 0, or the bytes that it needs if they exceed the limit."""
        new = {address: size for address, size in call.storages().items() if not self._is_held(address, size)}
        needed = sum(new.values())
        if needed > self.left:
            return needed
        copies = copies_made()
        self._pieces.update({address: _Piece(size, call, copies) for address, size in new.items()})
        self.held += needed
        if device is not None and device.type != "cpu":
            shelf = self._shelf(device)
            shelf.held += needed
            shelf.largest = max(shelf.largest, needed)
        return 0

    def _is_held(self, address: int, size: int) -> bool:
        """Tell whether a piece is counted, and not another that has its address now.

        A call whose map was copied before the model wrote over it holds memory at another address.
        """
        piece = self._pieces.get(address)
        if piece is None or piece.size != size:
            return False
        return piece.copies == copies_made() or address in piece.call.storages()

    def is_full(self, device: Any) -> bool:
        """Tell whether a device has no room for another call as large as the largest so far."""
        if device.type == "cpu":
            return False
        shelf = self._shelf(device)
        return shelf.held + shelf.largest > shelf.limit

    def _shelf(self, device: Any) -> _Shelf:
        if device not in self._shelves:
            self._shelves[device] = _Shelf(int(SHARE * self._free(device)))
        return self._shelves[device]


def _free_on(device: Any) -> int:
    from visualizer.attention.tensors import TorchArrays

    return TorchArrays(device).free_bytes()
