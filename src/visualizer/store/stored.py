"""Calls that lie in a store, made of its log when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields
from functools import partial
from typing import Any

import numpy as np

from visualizer.attention import AttentionMap, Stitched
from visualizer.attention.blocks import Source
from visualizer.attention.lazy import View
from visualizer.attention.levels import SampledLevel
from visualizer.calls import Call
from visualizer.errors import StoreError
from visualizer.store.plain import from_plain
from visualizer.store.reader import Reader
from visualizer.store.stored_map import StoredSource

LATER = ("levels", "v", "output", "axes")
"""What is read when it is asked for."""
NUMBERS = ("number", "step", "item", "error", "sequence", "first_key")
"""What a line of the log says of a call, where it is not 0 or None."""

TYPES: dict[str, tuple[type[Any], ...]] = {
    **dict.fromkeys(("path", "how", "note"), (str,)),
    **dict.fromkeys(("number", "step", "sequence", "first_key", "thread", "split"), (int,)),
    "formed": (bool,),
    "error": (float, int),
}


class _Read:
    """A property in whose place an instance may have a value of its own, as what `replace` makes has."""

    def __init__(self, read: Callable[[Any], Any]) -> None:
        self._read, self.__doc__ = read, read.__doc__

    def __get__(self, owner: Any, kind: type[Any] | None = None) -> Any:
        return self if owner is None else self._read(owner)


class StoredLevel(SampledLevel):
    """A level of a feature map in a store, the places of which are read each time that they are asked for."""

    _read: Callable[[], Any]
    _measure: Callable[[], tuple[int, ...]]

    @classmethod
    def of(cls, told: Any, read: Callable[[], Any], measure: Callable[[], tuple[int, ...]]) -> StoredLevel:
        """Return the level that a call's form tells of; ``measure`` tells the shape of what is ``read``."""
        made = object.__new__(cls)
        vars(made).update(_read=read, _measure=measure, shape=tuple(told["shape"]), number=told["number"])
        return made

    @_Read
    def places(self) -> Any:
        """Return where it was read."""
        return self._read()

    @property
    def sizes(self) -> tuple[int, ...]:
        """The shape of the places, which the log says."""
        return self._measure()


class StoredCall(Call):
    """A call in a store: what it holds is read each time that it is asked for, and not kept."""

    _reader: Reader
    _line: Any

    @classmethod
    def of(cls, reader: Reader, line: Any, order: int) -> StoredCall:
        """Return the call of a line of the log."""
        made = object.__new__(cls)
        own = {name: from_plain(line[name], _no_array) for name in NUMBERS if name in line}
        rows = tuple(from_plain(row, _no_array) for row in line.get("rows", ()))
        for name, value in own.items():
            _check(name, value)
        own.update(_reader=reader, _line=line, order=order, rows=rows)
        vars(made).update(_common(reader, line["form"]), **own)
        return made

    @_Read
    def content(self) -> Any:
        """Return the map, the read-outs or the value."""
        with self._reading():
            written = self._form["content"]
            if "map" in written:
                return self._map(written)
            return from_plain(next(iter(written.values())), self._get)

    @_Read
    def v(self) -> Any:
        """Return the values, where they were asked for."""
        return self._beside("v")

    @_Read
    def output(self) -> Any:
        """Return the output, where values were asked for."""
        return self._beside("output")

    @_Read
    def levels(self) -> tuple[Any, ...]:
        """Return where each level of the feature map was read."""
        with self._reading():
            return tuple(self._level(one) for one in self._form["levels"])

    @_Read
    def axes(self) -> Any:
        """Return what its queries and keys are, where that was inferred."""
        with self._reading():
            return {side: self._reader.tokens[number] for side, number in self._line.get("axes", {}).items()}

    @property
    def _form(self) -> Any:
        return self._reader.forms[self._line["form"]]

    def _reading(self) -> Any:
        return self._reader.reading(f"call {self.number} of {self.path or 'the model'}")

    def _level(self, told: Any) -> StoredLevel:
        slot = told["places"]
        return StoredLevel.of(told, partial(self._read, slot), partial(self._shape, slot))

    def _beside(self, name: str) -> Any:
        slot = self._form[name]
        return None if slot is None else self._read(slot)

    def _read(self, slot: int) -> Any:
        with self._reading():
            return self._get(slot)

    def _get(self, slot: int) -> Any:
        return self._reader.array(self._form["arrays"][slot], self._line["values"][slot])

    def _shape(self, slot: int) -> tuple[int, ...]:
        with self._reading():
            return self._reader.shape(self._line["values"][slot], self._form["arrays"][slot]["again"])

    def _map(self, written: Any) -> AttentionMap:
        return AttentionMap(self._source(written, (self.order,)))

    def _source(self, written: Any, name: tuple[int, ...]) -> Source:
        """Return a map; numbers name it among those of the store."""
        if written["map"] == "stitched":
            steps = enumerate(written["steps"])
            return Stitched([(self._step(one, (*name, n)), self._get(one["positions"])) for n, one in steps])
        values = self._line["values"]
        return StoredSource(self._reader, written, self._form["arrays"], values, self.path, name)

    def _step(self, written: Any, name: tuple[int, ...]) -> AttentionMap:
        whole = {key: one for key, one in written.items() if key not in ("at", "positions")}
        source = self._source(whole, name)
        at = tuple(
            range(*one["range"]) if isinstance(one, dict) else np.asarray(one) for one in written["at"]
        )
        return AttentionMap(source, view=View(at, range(source.shape[-1])))


class StoredCalls(Sequence[Call]):
    """The calls of a store in the order of execution, each made when it is asked for."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._lines = sorted(reader.calls, key=lambda line: line["order"])

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, index: Any) -> Any:
        numbers = range(len(self))[index]
        return self._call(numbers) if isinstance(numbers, int) else [self._call(one) for one in numbers]

    def _call(self, number: int) -> Call:
        with self._reader.reading(f"call {number}"):
            return StoredCall.of(self._reader, self._lines[number], number)


def _check(name: str, value: Any) -> Any:
    """Return what a field of a call is, if it is of its type."""
    if name in TYPES and type(value) not in TYPES[name]:
        wanted = " or ".join(kind.__name__ for kind in TYPES[name])
        raise StoreError(f"{name} was found to be {value!r:.80}; wanted is {wanted}")
    return value


def _common(reader: Reader, number: Any) -> dict[str, Any]:
    """Return what all calls of a form have in common."""
    if number not in reader.common:
        form = reader.forms[number]
        split = None if form["split"] is None else tuple(form["split"])
        same = {name: _check(name, form[name]) for name in ("path", "how", "thread", "formed", "note")}
        reader.common[number] = {
            **{one.name: one.default for one in fields(Call) if one.default is not MISSING and one.init},
            **same,
            "number": 0,
            "paths": tuple(_check("path", path) for path in form["paths"]),
            "split": split and tuple(_check("split", axis) for axis in split),
        }
        for name in LATER:
            reader.common[number].pop(name, None)
    return reader.common[number]


def _no_array(_slot: int) -> Any:
    raise StoreError("an id was written as an array")
