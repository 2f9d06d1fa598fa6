"""Writing calls into a store, some at a time; a call is in it when its line is in the log."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from visualizer.calls import Call
from visualizer.errors import StoreError
from visualizer.store.finishing import finish, layouts_of, used_rows
from visualizer.store.forms import form_of
from visualizer.store.journal import (
    Journal,
    as_line,
    check_whole,
    joined_part,
    part_key,
    read_log,
    read_root,
    write_groups,
)
from visualizer.store.kinds import name_of
from visualizer.store.locks import Lock, locked
from visualizer.store.losses import lost_pieces
from visualizer.store.pieces import Pieces
from visualizer.store.places import Folder, Place, Zip, open_place
from visualizer.store.plain import to_plain
from visualizer.store.strips import Strips
from visualizer.store.tokens import TokenWriter

MOST, LONGEST = 2**24, 0.1
"""Bytes and seconds of calls that are written together."""


class Writer:
    """Writes a run. Calls are taken one by one, and are in the store from the next `commit` on.

    Raises
    ------
    StoreError
        If the path is taken, or cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str], *, resume: bool = False, inputs: bool = False) -> None:
        self.place = open_place(path)
        self._lock = _begin(self.place, resume=resume)
        try:
            lines, number = _read(self.place)
        except BaseException:
            self._lock.release()
            raise
        self._journal = Journal(self.place, number)
        self._pieces = Pieces(self.place, _next(lines, "array", "id"))
        self._strips = Strips(self._pieces.take, _next_strip(lines))
        self._forms: dict[str, int] = {}
        self._next_form = _next(lines, "form", "id")
        self._tokens = TokenWriter(_next(lines, "tokens", "id"), inputs=inputs)
        self._order = _next(lines, "call", "order")
        self.is_empty = not self._order  # whether no call was taken
        self._lines: list[bytes] = []  # of the log, not yet written
        self._since: float | None = None  # when the first of them was taken
        self._read: list[tuple[Any, int]] = []  # arrays of this call, and where they lay

    def write(self, call: Call) -> None:
        """Take a call, wholly or not at all.

        A model that is about to write into memory that is held has it copied first; what was read of it
        meanwhile is read again.
        """
        while not self._taken(call):
            self._strips.forget()

    def _taken(self, call: Call) -> bool:
        """Take a call, and tell whether its memory stayed where it was."""
        values: list[Any] = []
        self._strips.begin()
        self._read = []
        form = form_of(call, lambda array, role: self._put(array, call.path, role, values))
        axes = {side: self._tokens.number(tokens) for side, tokens in call.axes.items()}
        line = {
            "type": "call",
            "form": self._form({**form, "arrays": [about for about, _ in values]}),
            "values": [list(span) for _, span in values],
            "pieces": self._strips.lines,
            **self._numbers(call),
            **({"axes": axes} if axes else {}),
        }
        if any(_address(array) != before for array, before in self._read):
            return False
        self._add(line)
        self.is_empty = False
        return True

    def label(self, stated: list[Any]) -> None:
        """Take axes."""
        self._add({"type": "labels", "stated": stated, "pieces": []})

    def tell(self, kind: str, about: Mapping[str, Any]) -> None:
        """Take something else that is known of the run, by name."""
        values: list[Any] = []
        plain = {
            name: to_plain(value, lambda a, r: self._put(a, "", r, values)) for name, value in about.items()
        }
        line = {"type": kind, **plain, "arrays": [one for one, _ in values]}
        line |= {"values_of": [list(span) for _, span in values], "pieces": self._strips.lines}
        self._add(line)

    @property
    def is_due(self) -> bool:
        """Whether as much waits as is written together."""
        waited = 0.0 if self._since is None else time.monotonic() - self._since
        return self._pieces.nbytes >= MOST or waited >= LONGEST

    def commit(self) -> None:
        """Write what was taken: the arrays, and then the lines that name them."""
        try:
            self._pieces.write()
            if self._lines:
                self._journal.commit(b"".join(self._lines))
        except OSError as error:
            raise unwritable(self.place, error) from error
        self._lines, self._since = [], None

    def _add(self, line: Any) -> None:
        """Add a line, and before it those that it needs."""
        self._since = self._since or time.monotonic()
        self._lines += [as_line(one) for one in (*self._pieces.lines, *self._tokens.lines, line)]
        self._pieces.lines, self._strips.lines, self._tokens.lines = [], [], []

    def close(self) -> None:
        """Let others write."""
        self._lock.release()

    def _numbers(self, call: Call) -> dict[str, Any]:
        numbers = {name: getattr(call, name) for name in ("number", "step", "sequence", "first_key")}
        beside = {
            "item": to_plain(call.item, _no_array),
            "rows": [to_plain(row, _no_array) for row in call.rows] or None,
            "error": None if call.error is None else to_plain(float(call.error), _no_array),
        }
        return {
            "order": self._order + call.order,
            **{name: number for name, number in numbers.items() if number},
            **{name: value for name, value in beside.items() if value is not None},
        }

    def _put(self, array: Any, path: str, role: str, values: list[Any]) -> int:
        """Place an array; axes along which it is one number over and over are stored once."""
        self._read.append((array, _address(array)))
        again = _repeated(array)
        index = tuple(slice(1) if axis in again else slice(None) for axis in range(array.ndim))
        about = {
            "dtype": name_of(array),
            "library": "numpy" if isinstance(array, np.ndarray) else "torch",
            "again": [[axis, int(array.shape[axis])] for axis in again],
        }
        values.append((about, self._strips.place(array[index] if again else array, path, role)))
        return len(values) - 1

    def _form(self, form: Mapping[str, Any]) -> int:
        key = json.dumps(form, allow_nan=False)
        if key not in self._forms:
            self._forms[key] = self._next_form
            self._lines.append(as_line({"type": "form", "id": self._next_form, **form}))
            self._next_form += 1
        return self._forms[key]


def unwritable(place: Place, error: OSError) -> StoreError:
    """Return the error of a place that takes no more."""
    return StoreError(
        f"{place.name} could not be written: {error.strerror or error}; what was written before is whole, "
        "and goes on with resume=True"
    )


def _begin(place: Place, *, resume: bool) -> Lock:
    if isinstance(place, Zip):
        what = "is a zip file, which is only read" if resume else "is there already: give another"
        raise StoreError(f"path={place.name!r} was asked for, but it {what}")
    taken = next(iter(place.files()), None) is not None if not resume else False
    if taken:
        raise StoreError(
            f"path={place.name!r} was asked for, but there is something: give another, or resume=True "
            "to go on"
        )
    try:
        lock = locked(place.root) if isinstance(place, Folder) else Lock()
        if not place.is_there("zarr.json"):
            write_groups(place)
    except OSError as error:
        raise StoreError(f"path={place.name!r} cannot be written: {error.strerror or error}") from error
    return lock


def _read(place: Place) -> tuple[list[Any], int]:
    """Return the lines of the log, and the number of its next part; what is lost is taken out before."""
    about = read_root(place)
    lines, number, end = read_log(place, about["log"])
    check_whole(place, about, end)
    place.remove(part_key(joined_part(number)))  # of a joining that was cut short
    layouts = layouts_of(lines)
    if any(lost_pieces(place, layouts[array], rows) for array, rows in used_rows(lines).items()):
        finish(place)
        return read_log(place, read_root(place)["log"])[:2]
    return lines, number


def _next(lines: Sequence[Any], kind: str, name: str) -> int:
    return 1 + max((line[name] for line in lines if line.get("type") == kind), default=-1)


def _next_strip(lines: Sequence[Any]) -> int:
    return 1 + max((piece[0] for line in lines for piece in line.get("pieces", ())), default=-1)


def _address(array: Any) -> int:
    return 0 if isinstance(array, np.ndarray) else int(array.data_ptr())


def _repeated(array: Any) -> list[int]:
    strides = array.strides if isinstance(array, np.ndarray) else array.stride()
    return [axis for axis, step in enumerate(strides) if step == 0 and array.shape[axis] > 1]


def _no_array(_array: Any, _role: str) -> int:
    raise StoreError("an id was given as an array: give numbers or texts")
