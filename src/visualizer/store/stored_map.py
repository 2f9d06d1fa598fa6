"""Maps that lie in a store: known by their shapes, read when they are read out, head by head."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from importlib.util import find_spec
from typing import Any

import numpy as np

from visualizer.attention import AttentionMap, Band, Dense, Factors, LowRank
from visualizer.attention.arrays import NUMPY, Array
from visualizer.attention.blocks import Source
from visualizer.attention.indices import At
from visualizer.attention.map import open_source
from visualizer.errors import StoreError
from visualizer.store.plain import from_plain
from visualizer.store.reader import Reader

HEADS = {"q": (-4, -3), "k": (-4, -3), "v": (-4, -3), "left": (-4, -3), "right": (-4, -3)} | {
    **dict.fromkeys(("mask", "bias", "scale", "array", "logits", "allowed"), (-4, -3)),
    **dict.fromkeys(("rest", "query_valid"), (-3, -2)),
    **dict.fromkeys(("slopes", "sinks"), (-2, -1)),
}
"""Along which axes of an array, counted from the last, batch and heads lie."""
FIRST = {"factors": ("q", "k"), "dense": ("array",), "lowrank": ("left", "right")}
"""Each way to hold a map, and the arrays whose shape and library are the map's."""
KINDS = {"factors": Factors, "dense": Dense}


class StoredSource(Source):
    """A map in a store. A part of its heads is read and opened as maps are, and read out of as maps are.

    What was read is the reader's to keep, under the ``name`` of the map and its part.
    """

    def __init__(self, reader: Reader, form: Any, arrays: Any, values: Any, path: str, name: Any) -> None:  # noqa: PLR0913, PLR0917  # all that a line of the log says
        self._reader, self._form, self._about, self._values, self._path = reader, form, arrays, values, path
        self._name = name
        self._asked_for: set[Any] = set()
        self.shape = tuple(map(int, form["shape"]))
        first = arrays[self._slot(FIRST[form["map"]][0])]
        self._torch = first["library"] == "torch" and find_spec("torch") is not None
        self.kind = {"factors": "factors", "dense": "an array", "lowrank": LowRank.kind}[
            form["map"]
        ] + " in a store"
        self.signed = form["map"] == "lowrank" or bool(form.get("signed"))
        self._group = self._check_shape()

    @cached_property
    def xp(self) -> Any:
        """The library of its arrays: torch is imported when it is asked for."""
        if not self._torch:
            return NUMPY
        import torch

        from visualizer.attention.tensors import TorchArrays

        return TorchArrays(torch.device("cpu"))

    @property
    def dtype(self) -> Any:
        """The dtype of results."""
        return self.xp.float64 if self._form["dtype"] == "float64" else self.xp.float32

    @property
    def work(self) -> Any:
        """The dtype that rows are formed in."""
        return self.xp.exact_dtype()

    def check_unchanged(self) -> None:
        """Nothing changes what is in a store."""

    def tensors(self) -> list[Array]:
        """Return what is held of it: every array that it asked for and that is still kept."""
        parts = [part for part in map(self._reader.kept.peek, list(self._asked_for)) if part is not None]
        return [array for part in parts for array in part.opened()[0].tensors()]

    @property
    def sizes(self) -> Mapping[str, tuple[int, ...]]:
        """Shapes of the arrays that the map is held as, which the log says."""
        return {name: self._shape_of(name) for name in FIRST[self._form["map"]]}

    def whole(self) -> Source:
        """Return the map with all its heads, as it was held when it was recorded."""
        return self._opened(None)

    @property
    def quick(self) -> Source:
        """The same, faster."""
        return self.whole().quick

    def weights(self, at: At) -> Array:
        """Return rows."""
        return self._asked(at, lambda source, part: source.weights(part))

    def logits(self, at: At) -> Array:
        """Return logits of rows."""
        return self._asked(at, lambda source, part: source.logits(part))

    def allowed(self, at: At) -> Array | None:
        """Return which keys these queries can see."""
        return self._asked(at, lambda source, part: source.allowed(part))

    def query_valid(self, at: At) -> Array | None:
        """Return which queries are no padding."""
        if "query_valid" not in self._form:
            return None
        return self._asked(at, lambda source, part: source.query_valid(part))

    def apply(self, at: At, w: Array) -> Array:
        """Return the map times ``w``."""
        return self._asked(at, lambda source, part: source.apply(part, w))

    def apply_t(self, at: At, u: Array) -> Array:
        """Return the transposed map times ``u``."""
        return self._asked(at, lambda source, part: source.apply_t(part, u))

    def received(self, at: At, share: Array) -> Array:
        """Return the sum over queries."""
        return self._asked(at, lambda source, part: source.received(part, share))

    def entropy(self, at: At) -> Array:
        """Return the entropy of rows."""
        return self._asked(at, lambda source, part: source.entropy(part))

    def lse(self, at: At) -> Array:
        """Return the logarithm of denominators."""
        return self._asked(at, lambda source, part: source.lse(part))

    def rest(self, at: At) -> Array:
        """Return what rows lack to 1."""
        return self._asked(at, lambda source, part: source.rest(part))

    def narrowed(self, at: At) -> tuple[Source, At]:
        """Return the heads that places lie in, read, and where in them these are."""
        lead = self._lead(at)
        if lead is None or self._kept(None) is not None:
            return self._opened(None), at
        moved = tuple(
            range(index.start - begin, index.stop - begin, index.step)
            if isinstance(index, range)
            else np.asarray(index) - begin
            for index, begin in zip(at[:2], (one.start for one in lead), strict=True)
        )
        return self._opened(lead), (*moved, *at[2:])

    def _asked(self, at: At, read: Callable[[Source, At], Any]) -> Any:
        """Read out of the heads that are asked for, and of no others."""
        return read(*self.narrowed(at))

    def _lead(self, at: At) -> tuple[slice, slice] | None:
        """Return the batch rows, and the heads in whole groups, that places lie in; None: all."""
        if len(self.shape) != 4 or not all(len(index) for index in at[:2]):
            return None
        group = self._group
        batch, heads = (slice(int(min(index)), int(max(index)) + 1) for index in at[:2])
        heads = slice(heads.start // group * group, -(-heads.stop // group) * group)
        lead = batch, heads
        return None if (batch, heads) == (slice(0, self.shape[0]), slice(0, self.shape[1])) else lead

    def _check_shape(self) -> int:
        """Return how many query heads share a key head, if arrays are of the shape that the map has."""
        first, *more = (self._shape_of(name) for name in FIRST[self._form["map"]])
        found = (*first[:-1], more[0][-2]) if more else first
        if found != self.shape or (more and self.shape[-3] % more[0][-3]):
            raise StoreError(f"a map of shape {found} was found; wanted is {self.shape}")
        return self.shape[-3] // more[0][-3] if more else 1

    def _shape_of(self, name: str) -> tuple[int, ...]:
        slot = self._slot(name)
        return self._reader.shape(self._values[slot], self._about[slot]["again"])

    def _slot(self, name: str) -> int:
        """Return the place of an array among the call's."""
        written = self._form[name]
        return int(written["array"] if isinstance(written, dict) else written)

    def _opened(self, lead: tuple[slice, slice] | None) -> Source:
        def read() -> AttentionMap:
            with self._reader.reading(f"the map of {self._path or 'the model'}"):
                return AttentionMap(self._read(lead))

        self._asked_for.add(self._part(lead))
        source: Source = self._reader.kept.get(self._part(lead), read).opened()[0]
        return source

    def _kept(self, lead: tuple[slice, slice] | None) -> Any:
        return self._reader.kept.peek(self._part(lead))

    def _part(self, lead: tuple[slice, slice] | None) -> Any:
        return "map", self._name, lead and tuple((one.start, one.stop) for one in lead)

    def _read(self, lead: tuple[slice, slice] | None) -> Source:
        form = self._form
        if form["map"] == "lowrank":
            return LowRank(*(self._get(name, form[name], lead) for name in ("left", "right")))
        about = {"map", "shape", "dtype", "exact"}
        given = {name: self._field(name, form[name], lead) for name in form if name not in about}
        source = open_source(KINDS[form["map"]](**given), "exact" if form.get("exact", True) else "model")
        wanted = self.shape if lead is None else (*(one.stop - one.start for one in lead), *self.shape[2:])
        if tuple(source.shape) != wanted:
            raise StoreError(f"a map of shape {tuple(source.shape)} was found; wanted is {wanted}")
        return source

    def _field(self, name: str, written: Any, lead: Any) -> Any:
        if name == "band":
            diagonal = from_plain(written["diagonal"], lambda slot: self._get(name, slot, None))
            return Band(diagonal, written["left"], written["right"])
        if name == "segments":
            return tuple(self._get(name, slot, None) for slot in written)
        return from_plain(written, lambda slot: self._get(name, slot, lead))

    def _get(self, name: str, slot: int, lead: Any) -> Any:
        about, span = self._about[slot], self._values[slot]
        return self._reader.array(about, span, self._lead_of(name, slot, lead))

    def _lead_of(self, name: str, slot: int, lead: Any) -> Any:
        """Return which part of an array some batch rows and heads are."""
        if lead is None or name not in HEADS:
            return None
        shape = self._reader.shape(self._values[slot], self._about[slot]["again"])
        parts = [slice(0, length) for length in shape]
        grouped = name in ("k", "v", "right")
        for axis, part, group in zip(HEADS[name], lead, (1, self._group if grouped else 1), strict=True):
            if len(shape) >= -axis and shape[axis] > 1:
                parts[axis] = slice(part.start // group, part.stop // group)
        keep = max((axis % len(shape) + 1 for axis in HEADS[name] if len(shape) >= -axis), default=0)
        return tuple(parts[:keep]) or None
