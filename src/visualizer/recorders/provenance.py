"""What tensors were made from: marks on their storages, which end when the storages do.

A mark sits on a storage, so views carry it for nothing. Storages are held weakly: nothing is kept alive,
and no address is mistaken for a later one.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

import torch

_PRUNE_AT = 256


class Mark(NamedTuple):
    """What is known of a storage: a kind, what it was made from, and how many features a layer made."""

    kind: str
    source: Any = None
    width: int = 0


FEATURES = "features"  # made by a layer of so many features
MAP = "map"  # made from a softmax output
SAMPLED = "sampled"  # read from a feature map at sampling places
LOGITS = Mark("logits")  # made from a product of two activations
EXPONENTIAL = Mark("exponential")  # made with exp from such a product
NOISE = Mark("noise")  # drawn at random, for dropout
OUTER = Mark("outer")  # each number of an activation times each of another, not yet summed
PAIRED = Mark("paired")  # the same along the last axis alone: one query times the features of each key
FIXED = Mark("fixed")  # made from parameters alone, as weights are that a layer casts or normalises
NOT_HANDED_ON = {FIXED, PAIRED}
"""What is true of a tensor and not of what is made from it."""


class _Entry(NamedTuple):
    weak: int  # torch's weak reference: the address is not used again before it is freed
    marks: set[Mark]


class Marks:
    """The marks of all storages that are alive."""

    def __init__(self) -> None:
        self._entries: dict[int, _Entry] = {}
        self._prune_at = _PRUNE_AT
        self._lock = threading.RLock()  # one thread must not ask for what another has freed

    def __len__(self) -> int:
        return len(self._entries)

    def of(self, tensor: Any) -> set[Mark]:
        """Return the marks of a tensor's storage; the set must not be changed."""
        address = storage_address(tensor)
        entry = self._entries.get(address) if address is not None else None
        return entry.marks if entry is not None else _NONE

    def put(self, tensor: Any, marks: Collection[Mark]) -> None:
        """Add marks to a tensor's storage."""
        address = storage_address(tensor) if marks else None  # most layers' results bear none
        if address is None:
            return
        with self._lock:
            entry = self._entries.get(address)
            if entry is None:
                if len(self._entries) >= self._prune_at:
                    self._prune()
                entry = self._entries[address] = _Entry(tensor.untyped_storage()._weak_ref(), set())  # noqa: SLF001
            entry.marks.update(marks)

    def drop(self, tensor: Any, mark: Mark) -> None:
        """Take a mark off a tensor's storage."""
        address = storage_address(tensor)
        with self._lock:
            entry = self._entries.get(address) if address is not None else None
            if entry is not None:
                entry.marks.discard(mark)

    def alive(self) -> Iterator[set[Mark]]:
        """Yield the marks of each storage that still exists."""
        with self._lock:
            living = [entry.marks for entry in self._entries.values() if not _expired(entry.weak)]
        yield from living

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            while self._entries:
                _free(self._entries.popitem()[1].weak)

    def _prune(self) -> None:
        for address, entry in list(self._entries.items()):
            if _expired(entry.weak):
                _free(self._entries.pop(address).weak)
        self._prune_at = max(_PRUNE_AT, 2 * len(self._entries))


_NONE: set[Mark] = set()


def _expired(weak: int) -> bool:
    return bool(torch.UntypedStorage._expired(weak))  # noqa: SLF001


def _free(weak: int) -> None:
    free: Any = torch.UntypedStorage._free_weak_ref  # noqa: SLF001
    free(weak)


def storage_address(tensor: Any) -> int | None:
    """Return what identifies a tensor's storage while it lives, or None where it has none."""
    try:
        return int(tensor.untyped_storage()._cdata)  # noqa: SLF001
    except (RuntimeError, NotImplementedError):  # sparse and functional tensors
        return None
