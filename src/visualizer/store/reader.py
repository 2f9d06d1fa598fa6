"""Reading a store: its log as calls, and of its arrays what is asked for, as it is asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np

from visualizer.errors import StoreError, VisualizerError
from visualizer.kept import Kept
from visualizer.store.journal import check_whole, read_log, read_root
from visualizer.store.kinds import raw_dtype, restored
from visualizer.store.layouts import Layout, read_layout
from visualizer.store.places import open_place
from visualizer.store.tokens import read_tokens

Lead = tuple[slice, ...] | None
"""Which batch rows and heads; None: all."""


@dataclass
class Strip:
    """An array in pieces: (array, row, where it ends), and what it replaces places of, if it does."""

    pieces: list[tuple[Layout, int, int]] = field(default_factory=list)
    base: tuple[int, int, int] | None = None
    places: Any = None


@dataclass
class Grown:
    """The first pieces of a strip, joined."""

    count: int
    array: Any

    @property
    def nbytes(self) -> int:
        """Bytes of the array."""
        return int(self.array.nbytes)


class Reader:
    """Opens a store and reads it; strips and maps that were read are `kept` for the next who asks.

    Raises
    ------
    StoreError
        If it is no run, of a newer version, or damaged.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.place = open_place(path)
        self.forms: list[Any] = []
        self.calls: list[Any] = []
        self.tokens: dict[int, Any] = {}
        self.forwards: list[Any] = []
        self.common: dict[int, dict[str, Any]] = {}  # of calls, by form
        self.told: dict[str, Any] = {}
        self.kept = Kept()
        self._open()
        with self.reading("its log"):
            for line in self._lines:
                self._take(line)

    def _open(self) -> None:
        """Read the log, or what took its place meanwhile: a run may be finished by whoever writes it."""
        about = None
        while about != (now := read_root(self.place)):
            about, (self._lines, _, end) = now, read_log(self.place, now["log"])
        check_whole(self.place, about, end)
        self.about = about
        with self.reading("its log"):
            arrays = [line for line in self._lines if line["type"] == "array"]
            self.layouts = {line["id"]: read_layout(line, line["id"]) for line in arrays}
        vars(self).pop("strips", None)

    def _take(self, line: Any) -> None:
        kind = line["type"]
        if kind == "call":
            self.calls.append(line)
        elif kind == "form":
            if line["id"] != len(self.forms):
                raise StoreError(f"form {line['id']!r:.40} was found where {len(self.forms)} was wanted")
            self.forms.append(line)
        elif kind == "tokens":
            self.tokens[line["id"]] = read_tokens(line, self.tokens)
        elif kind == "forward":
            self.forwards.append(line)
        elif kind != "array":
            self.told[kind] = line

    @cached_property
    def strips(self) -> dict[int, Strip]:
        """The strips by number: put together when the first array is read."""
        self._strips: dict[int, Strip] = {}
        for line in self._lines:
            for piece in line.get("pieces", ()):
                self._add(*piece)
        return self._strips

    def _add(self, strip: int, array: int, row: int, base: Any = None, places: Any = None) -> None:
        layout = self.layouts[array]
        if type(strip) is not int or type(row) is not int or row < 0:
            raise StoreError(f"a piece was found in row {row!r:.40} of strip {strip!r:.40}")
        if base is not None:
            if base[0] not in self._strips or strip in self._strips:
                raise StoreError(f"strip {strip} was found to change {base!r:.40}, which is not there")
            self._strips[strip] = Strip([(layout, row, base[2] - base[1])], tuple(base), places)
            return
        held = self._strips.setdefault(strip, Strip())
        if held.base is not None:
            raise StoreError(f"strip {strip} was found to grow, though it only changes another")
        if held.pieces and _rest(held.pieces[0][0]) != _rest(layout):
            raise StoreError(f"strip {strip} was found with pieces that do not fit one another")
        length = layout.shape[layout.axis] if len(layout.shape) >= -layout.axis else 0
        held.pieces.append((layout, row, (held.pieces[-1][2] if held.pieces else 0) + length))

    @contextmanager
    def reading(self, what: str) -> Iterator[None]:
        """Say which part of which store was no good."""
        try:
            yield
        except VisualizerError as error:
            if isinstance(error, StoreError) and self.place.name in str(error):
                raise
            raise StoreError(f"{self.place.name}: {what}: {error}") from error
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError, ArithmeticError) as error:
            raise StoreError(
                f"{self.place.name}: {what} is not as docs/format.md wants it: {type(error).__name__}, "
                f"{error!s:.120}"
            ) from error

    def shape(self, span: Any, again: Any = ()) -> tuple[int, ...]:
        """Return the shape of a part of a strip; ``again`` are axes along which it is repeated."""
        number, start, stop = span
        layout, _, _ = self.strips[number].pieces[0]
        shape = list(layout.shape)
        if len(shape) >= -layout.axis:
            if not 0 <= start <= stop <= self.strips[number].pieces[-1][2]:
                raise StoreError(f"places {start!r:.20} to {stop!r:.20} of strip {number} are not there")
            shape[layout.axis] = stop - start
        for axis, length in again:
            if shape[axis] != 1 or not 0 < length < 2**31:
                raise StoreError(f"axis {axis} of shape {shape} was found repeated {length!r:.20} times")
            shape[axis] = length
        return tuple(shape)

    def array(self, about: Any, span: Any, lead: Lead = None) -> Any:
        """Return a part of a strip as it was: torch's or numpy's, broadcast where it was.

        Where files were joined since the log was read, it is looked up where the part is now.
        """
        try:
            return self._array(about, span, lead)
        except StoreError:
            if read_root(self.place) == self.about:
                raise
        self._open()
        return self._array(about, span, lead)

    def _array(self, about: Any, span: Any, lead: Lead) -> Any:
        shape = self.shape(span, about["again"])
        lead = lead and tuple(
            slice(0, 1) if shape[a] == 1 or _is_again(about, a) else one for a, one in enumerate(lead)
        )
        raw = self._part(tuple(span), lead)
        if raw.dtype != raw_dtype(about["dtype"]):
            raise StoreError(f"an array of {raw.dtype} was found; wanted is {about['dtype']}")
        found = restored(raw, about["dtype"], about["library"])
        if not about["again"]:
            return found
        wide = [
            length if lead is None or axis >= len(lead) else found.shape[axis]
            for axis, length in enumerate(shape)
        ]
        return np.broadcast_to(found, wide) if isinstance(found, np.ndarray) else found.expand(wide)

    def _part(self, span: tuple[int, int, int], lead: Lead) -> Any:
        number, start, stop = span
        strip = self.strips[number]
        layout = strip.pieces[0][0]
        if strip.base is not None:
            return self._patched(number, lead)[_at(layout, start, stop)]
        if (len(strip.pieces) == 1 and (start, stop) == (0, strip.pieces[0][2])) or len(
            layout.shape
        ) < -layout.axis:
            return layout.piece(self.place, strip.pieces[0][1], lead)
        return self._grown(number, stop, lead)[_at(layout, start, stop)]

    def _grown(self, number: int, stop: int, lead: Lead) -> Any:
        """Return a strip up to a place at least; twice as much as last time, so that steps cost no more."""
        strip, key = self.strips[number], ("strip", number, _key(lead))
        held = self.kept.peek(key)
        count = 0 if held is None else held.count
        if count and strip.pieces[count - 1][2] >= stop:
            return held.array
        wanted = next(n for n, piece in enumerate(strip.pieces, 1) if piece[2] >= stop)
        wanted = min(max(wanted, 2 * count), len(strip.pieces))
        parts = [] if held is None else [held.array]
        for layout, pieces in groupby(strip.pieces[count:wanted], lambda piece: piece[0]):
            parts += layout.pieces(self.place, [row for _, row, _ in pieces], lead)
        whole = np.concatenate(parts, strip.pieces[0][0].axis)
        self.kept.keep(key, Grown(wanted, whole))
        return whole

    def _patched(self, number: int, lead: Lead) -> Any:
        """Return a strip that changes places of another, which may change another again."""
        chain: list[int] = []
        cached = None
        while self.strips[number].base is not None:
            cached = self.kept.peek(("patched", number, _key(lead)))
            if cached is not None:
                break
            chain.append(number)
            number = self.strips[number].base[0]  # type: ignore[index]
        first = self.strips[chain[-1]].base if chain else (number, 0, 0)
        assert first is not None
        found = self._part(first, lead) if cached is None else cached
        found = found.copy() if chain else found
        for layout, patches in groupby(
            (self.strips[one] for one in reversed(chain)), lambda one: one.pieces[0][0]
        ):
            near = list(patches)
            pieces = layout.pieces(self.place, [one.pieces[0][1] for one in near], lead)
            for one, piece in zip(near, pieces, strict=True):
                index: list[Any] = [slice(None)] * found.ndim
                index[layout.axis] = np.asarray(one.places, dtype=np.int64)
                found[tuple(index)] = piece
        self.kept.keep(("patched", chain[0] if chain else number, _key(lead)), found)
        return found


def _rest(layout: Layout) -> Any:
    """Return what pieces of a strip have in common: not how they are cut, as those of few tokens are not."""
    shape = list(layout.shape)
    if len(shape) >= -layout.axis:
        del shape[layout.axis]
    return shape, layout.dtype, layout.axis


def _is_again(about: Any, axis: int) -> bool:
    return any(axis == one for one, _ in about["again"])


def _at(layout: Layout, start: int, stop: int) -> tuple[Any, ...]:
    index: list[Any] = [slice(None)] * len(layout.shape)
    index[layout.axis] = slice(start, stop)
    return tuple(index)


def _key(lead: Lead) -> Any:
    return None if lead is None else tuple((one.start, one.stop) for one in lead)
