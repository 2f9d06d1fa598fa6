"""Which pieces have to be written for an array: what calls share, and keys that grow, are stored once.

A strip is an array that grows along one axis, piece by piece; a value is a part of a strip. The keys of a
generation are one strip, of which each step is a longer part.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from visualizer.attention.arrays import arrays_of
from visualizer.store.kinds import raw_bits
from visualizer.store.layouts import Slot

MOST_KNOWN = 2**12  # arrays that are remembered before it is looked which are gone
Span = tuple[int, int, int]
"""A part of a strip: its number, and from where to where along its axis."""


Take = Callable[..., tuple[int, int]]
"""Writes a piece, given an array, its slot and its bits where they are at hand; returns the array and row."""


@dataclass
class _Last:
    tensor: Any
    version: int
    span: Span
    snapshot: Any = None  # what is on disk of it, where its memory is written into


class Strips:
    """Finds out what of an array is new.

    Parameters
    ----------
    take
        What writes a piece.
    first
        The number of the first strip.
    """

    def __init__(self, take: Take, first: int = 0) -> None:
        self._take, self._next = take, first
        self._ends: dict[int, int] = {}  # how long each strip is that may grow
        self._last: dict[Slot, _Last] = {}
        self._known: dict[Any, tuple[weakref.ref[Any], int, Span]] = {}
        self._most = MOST_KNOWN
        self._now: dict[Any, Span] = {}
        self.lines: list[Any] = []  # of the log, not yet taken

    def begin(self) -> None:
        """Begin another call: within one, no array changes."""
        self._now.clear()

    def forget(self) -> None:
        """Take nothing for known, and nothing for continued."""
        self._now.clear()
        self._known.clear()
        self._last.clear()

    def place(self, array: Any, module: str, role: str) -> Span:
        """Return where an array is, or is from now on."""
        slot = Slot(module, role, _axis(role, array))
        key, version = _identity(array), arrays_of(array).version(array)
        if key in self._now:
            return self._now[key]
        self._now[key] = span = self._placed(array, key, version, slot)
        return span

    def _placed(self, array: Any, key: Any, version: int, slot: Slot) -> Span:
        known = self._known.get(key)
        if known is not None and known[0]() is not None and known[1] == version and known[2][0] in self._ends:
            span = known[2]
            if not _may_fill(slot.role, array) or slot not in self._last:
                return span  # what may be filled since is looked at again
        span = self._grown(array, version, slot)
        self._known[key] = (weakref.ref(array), version, span)
        if len(self._known) > self._most:
            self._known = {one: known for one, known in self._known.items() if known[0]() is not None}
            self._most = max(MOST_KNOWN, 2 * len(self._known))
        return span

    def _grown(self, array: Any, version: int, slot: Slot) -> Span:
        last, axis = self._last.get(slot), slot.axis
        if not _may_fill(slot.role, array):
            return self._new(array, slot)
        span = snapshot = None
        if last is not None and _fits(last.tensor, array, axis):
            if _identity(last.tensor) == _identity(array):
                span, snapshot = self._rewritten(array, last, slot)
            else:
                span = self._longer(array, last, version, slot)
        if span is None:
            snapshot = raw_bits(array).copy()
            span = self._new(array, slot, snapshot)
        self._last[slot] = _Last(array, version, span, snapshot)
        return span

    def _new(self, array: Any, slot: Slot, raw: Any = None) -> Span:
        number, axis, self._next = self._next, slot.axis, self._next + 1
        self._append(number, array, slot, raw)
        self._ends[number] = length = int(array.shape[axis]) if array.ndim >= -axis else 0
        return number, 0, length

    def _append(self, strip: int, array: Any, slot: Slot, raw: Any = None) -> None:
        layout, row = self._take(array, slot, raw)
        self.lines.append([strip, layout, row])

    def _longer(self, array: Any, last: _Last, version: int, slot: Slot) -> Span | None:
        """Append what is new at the end; None where the array does not continue the last one."""
        (strip, start, stop), axis = last.span, slot.axis
        if self._ends[strip] != stop:
            return None  # another array goes on from there
        length, before = int(array.shape[axis]), stop - start
        skipped = _skipped(last.tensor, array, axis) if version == last.version else None
        if skipped is None:
            if length <= before or not _equal(_narrow(array, axis, 0, before), last.tensor):
                return None
            skipped = 0
        added = length - (before - skipped)
        if added < 0:
            return None
        if added:
            self._append(strip, _narrow(array, axis, length - added, added), slot)
            self._ends[strip] = stop + added
        return strip, start + skipped, stop + added

    def _rewritten(self, array: Any, last: _Last, slot: Slot) -> tuple[Span | None, Any]:
        """Write the places that were filled since in memory that is the same, as in a static cache.

        Bits are compared, as versions do not count what is written by way of other views. Keys of an encoder,
        which each step of a decoder looks at, are the same each time, and nothing is written.
        """
        if last.snapshot is None:
            return None, None  # what is there may be other than what is on disk
        now, axis, before = raw_bits(array).copy(), slot.axis, last.snapshot  # the model may go on writing
        moved = np.moveaxis(now != before, axis, 0).reshape(now.shape[axis], -1).any(-1)
        places = np.flatnonzero(moved)
        if not len(places):
            return last.span, before
        if 2 * len(places) > len(moved):
            return None, None
        number, self._next = self._next, self._next + 1
        filled = arrays_of(array).take(array, places, axis)
        layout, row = self._take(filled, slot, np.take(now, places, axis))
        self.lines.append([number, layout, row, list(last.span), places.tolist()])
        self._ends[number] = now.shape[axis]
        return (number, 0, now.shape[axis]), now


def _axis(role: str, array: Any) -> int:
    """Return along which axis an array may grow: keys, and the columns of one row of a mask."""
    return -1 if role in ("mask", "bias") and array.ndim > 1 and array.shape[-2] == 1 else -2


def _may_fill(role: str, array: Any) -> bool:
    return array.ndim > 1 and (role in ("k", "v") or (role in ("mask", "bias") and array.shape[-2] == 1))


def _identity(array: Any) -> Any:
    if isinstance(array, np.ndarray):
        where = array.__array_interface__["data"][0], array.strides
    else:
        where = array.data_ptr(), array.stride()
    return where, tuple(array.shape), str(array.dtype)


def _strides(array: Any) -> tuple[int, ...]:
    return tuple(array.strides) if isinstance(array, np.ndarray) else tuple(array.stride())


def _fits(last: Any, array: Any, axis: int) -> bool:
    def rest(one: Any) -> tuple[int, ...]:
        shape = list(one.shape)
        del shape[axis]
        return tuple(shape)

    same = type(last) is type(array) and last.dtype == array.dtype and last.ndim == array.ndim
    return same and rest(last) == rest(array) and arrays_of(last).device == arrays_of(array).device


def _skipped(last: Any, array: Any, axis: int) -> int | None:
    """Return by how many places an array begins later in the last one's memory; None: not in it."""
    if arrays_of(last).storage(last)[0] != arrays_of(array).storage(array)[0] or _strides(last) != _strides(
        array
    ):
        return None
    step = _strides(array)[axis] * (1 if isinstance(array, np.ndarray) else array.element_size())
    moved = _identity(array)[0][0] - _identity(last)[0][0]
    if step <= 0 or moved < 0 or moved % step:
        return None
    places = moved // step
    return (
        int(places) if places <= last.shape[axis] and places + array.shape[axis] >= last.shape[axis] else None
    )


def _narrow(array: Any, axis: int, start: int, length: int) -> Any:
    index = [slice(None)] * array.ndim
    index[axis] = slice(start, start + length)
    return array[tuple(index)]


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return bool(np.array_equal(one, other))
    return bool((one == other).all()) if one.shape == other.shape else False
