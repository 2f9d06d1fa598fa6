"""Inferring what tokens are: which known modules are running, and what they say of a map below them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from types import FunctionType, MappingProxyType
from typing import Any, NamedTuple

import torch
from torch.utils.weak import WeakIdKeyDictionary

from visualizer.attention import AttentionMap, reading
from visualizer.errors import VisualizerError
from visualizer.families import (
    CUTS,
    FRAMES,
    READ,
    Given,
    Layout,
    Part,
    Patched,
    Picked,
    Reader,
    Side,
    Tokens,
    misfit,
    readers_of,
    reads_it,
    unread,
    untold,
)
from visualizer.instrument import switch
from visualizer.instrument.targets import resolve
from visualizer.options import Options
from visualizer.recorders.crossing import is_cross_attention
from visualizer.recorders.entries import Entries
from visualizer.recorders.installation import outside_modes
from visualizer.recorders.maps import Made


class Inferred(NamedTuple):
    """What is known of a call's tokens.

    Attributes
    ----------
    axes
        What its "queries" and "keys" are, as far as that is known.
    why
        Why not both are, though the module's family is known; "" where nothing is to be said.
    family
        The class of the module that was to know it.
    """

    axes: Mapping[str, Tokens] = MappingProxyType({})
    why: str = ""
    family: str = ""


class Inference:
    """Infers the axes of the calls of one model while it is recorded.

    Parameters
    ----------
    modules, paths
        The model's modules and their paths, by identity.
    counted
        Returns how many calls of a module there were, by its identity.
    """

    def __init__(
        self,
        modules: Mapping[int, Any],
        paths: Mapping[int, list[str]],
        counted: Callable[[int], int] = lambda module: 0,  # noqa: ARG005  # none
    ) -> None:
        self._modules, self._paths, self._counted = modules, paths, counted
        self._known: dict[str, int] = {}  # by path
        self._readers: dict[FunctionType, dict[int, Reader]] = {}  # of each method, by module
        self._taps: ExitStack | None = None
        self._running: dict[int, list[Layout]] = {}
        self._outputs: Any = WeakIdKeyDictionary()  # what the tokens of tensors are
        self._memory: dict[Any, Any] = {}
        self._whys: dict[str, str] = {}  # by path, that of the first call alone
        self._patched: Patched | None = None
        self.know(modules)

    @contextmanager
    def following(self) -> Iterator[None]:
        """Follow the known modules' methods while a block runs."""
        with ExitStack() as self._taps:
            for function, readers in self._readers.items():
                self._follow(function, readers)
            self._taps.callback(self._running.clear)
            self._taps.callback(self._memory.clear)
            yield
        self._taps = None

    def know(self, modules: Iterable[int]) -> None:
        """Get to know modules, some of which may bear the identity of others before them."""
        new = list(modules)
        for readers in self._readers.values():
            for key in new:
                readers.pop(key, None)
        kinds: dict[type, Mapping[str, Reader]] = {}
        for key in new:
            kind = type(self._modules[key])
            if kind not in kinds:
                kinds[kind] = readers_of(kind)
            module = self._modules[key]
            wanted = {name: one for name, one in kinds[kind].items() if reads_it(one, module)}
            if wanted:
                self._known.update(dict.fromkeys(self._paths[key], key))
                self._add(key, wanted)
            for facts in (CUTS, READ):
                self._memory.get(facts, {}).pop(key, None)
        self._patched = None

    def begin(self, given: Mapping[str, Any]) -> None:
        """Let go of what an earlier forward of the model read, and look at what this one is given."""
        for facts in (CUTS, READ):
            self._memory.pop(facts, None)
        videos = [one for one in given.values() if isinstance(one, torch.Tensor) and one.dim() == 5]
        self._memory[FRAMES] = {side for one in videos for side in one.shape[1:3]}

    def sides(self, module: int, made: Made, options: Options) -> Inferred:
        """Return what the queries and keys of a call are, or why that is not known.

        Sampled points are no tokens, but what samples them is; values that are no maps have none.
        """
        if not (self._running or CUTS in self._memory):
            return Inferred()
        if not isinstance(made.content, AttentionMap):
            return Inferred()
        if made.levels:
            return self._sampling(module, made)
        if len(made.content.shape) != 4:  # (batch, block, …): the tokens of each block are others
            return Inferred()
        batch, _, kept, keys = made.content.shape
        sequence, queries = (module, made.sequence), kept if options.queries is None else None
        first, number = made.first_key, made.number
        parts = (
            Part("queries", queries, batch, sequence, number=number),
            Part("keys", keys, batch, sequence, first, number),
        )
        unknown = Inferred()
        for key, below, layout in self._around(self._paths[module][0]):
            if (found := self._fitting(module, key, below, layout, parts)) is not None:
                axes = found.axes if queries is not None else kept_of(found.axes, kept, options)
                return found._replace(axes=axes)
            if layout.why and not unknown.why:
                unknown = Inferred(why=layout.why, family=type(self._modules[key]).__name__)
        return self._cells(module, parts) if CUTS in self._memory and not unknown.why else unknown

    def _sampling(self, module: int, made: Made) -> Inferred:
        """Return what the queries (batch, query, head, point) are that read a feature map at points."""
        shape = made.content.shape
        if len(shape) != 4:
            return Inferred()
        part = Part("queries", shape[1], shape[0], (module, made.sequence), number=made.number)
        path = self._paths[module][0]
        found = [
            tokens
            for _, below, layout in self._around(path)
            for choice in layout.choices
            if choice.holds(below, cross=False) and choice.queries is not None
            if (tokens := choice.queries.fit(part)) is not None
        ]
        return Inferred({"queries": found[0]} if len(found) == 1 else {})

    def _cells(self, module: int, parts: tuple[Part, Part]) -> Inferred:
        """Return what a map is of a model that nobody named: cells of an image that a convolution cut."""
        paths = self._paths
        if self._patched is None:
            self._patched = Patched({path: self._modules[key] for key in paths for path in paths[key]})
        cuts, read = (
            {paths[key][0]: one for key, one in self._memory.get(facts, {}).items()} for facts in (CUTS, READ)
        )
        path, frames = paths[module][0], self._memory.get(FRAMES, ())
        axes = self._patched.sides(path, parts, cuts, read, frames)
        if len(axes) < len(parts) and path not in self._whys:
            why = self._patched.mistakable(path, parts, cuts, read, frames)
            self._whys[path] = why or ("" if axes else self._patched.over(path, parts, cuts))
        why = self._whys[path] if len(axes) < len(parts) else ""
        return Inferred(axes, why, type(self._modules[module]).__name__)

    def _add(self, key: int, readers: Mapping[str, Reader]) -> None:
        """Have the methods of a module read, by the functions beneath them."""
        module = self._modules[key]
        for name, reader in readers.items():
            try:
                target = resolve(module if name == "forward" else getattr(module, name))
            except (AttributeError, VisualizerError):  # a method that this class lacks, or not Python
                continue
            function = target.functions[0]
            if function not in self._readers:
                self._readers[function] = {}
                self._follow(function, self._readers[function])
            self._readers[function][key] = reader

    def _follow(self, function: FunctionType, readers: Mapping[int, Reader]) -> None:
        if self._taps is not None:
            tap = Entries(readers, partial(self._entered, readers), self._left)
            self._taps.callback(switch.remove, function, tap)
            switch.install(function, tap)

    def _entered(self, readers: Mapping[int, Reader], module: Any, given: Mapping[str, Any]) -> None:
        with reading(), outside_modes():
            about = Given(given, self._tokens_of, self._memory, self._counted(id(module)))
            layout = _read(readers[id(module)], module, about)
        self._running.setdefault(id(module), []).append(layout)

    def _left(self, module: Any, value: Any) -> None:
        layouts = self._running.get(id(module), [])
        if layouts and (side := layouts.pop().output) is not None:
            self._outputs.update(dict.fromkeys(first_tensor(value), side))
        if not layouts:
            self._running.pop(id(module), None)

    def _tokens_of(self, value: Any) -> Side | None:
        found: Side | None = next((self._outputs.get(one) for one in first_tensor(value)), None)
        return found

    def _around(self, path: str) -> Iterator[tuple[int, str, Layout]]:
        """Yield the running modules around a path, the innermost first, the path below each, what it says."""
        names = path.split(".") if path else []
        for count in range(len(names), -1, -1):
            key = self._known.get(".".join(names[:count]), 0)
            if layouts := self._running.get(key):
                yield key, ".".join(names[count:]), layouts[-1]

    def _fitting(
        self, module: int, reader: int, path: str, layout: Layout, parts: tuple[Part, Part]
    ) -> Inferred | None:
        """Return what a layout says of a map; None where it does not speak of the module."""
        cross = any(one.cross is not None for one in layout.choices) and is_cross_attention(
            self._modules[module]
        )
        speaking = [choice for choice in layout.choices if choice.holds(path, cross=cross)]
        if not speaking:
            return None
        fitting = [found for one in speaking if (found := one.fit(*parts)) is not None]
        axes: dict[str, Tokens] = {}
        if len(fitting) == 1:  # none, or several: better unknown than wrong
            axes = {part.side: one for part, one in zip(parts, fitting[0], strict=True) if one is not None}
        if len(axes) == len(parts):
            return Inferred(axes)
        known, place = self._modules[reader], self._paths[module][0]
        if place not in self._whys:
            self._whys[place] = (
                untold(known, place, [one.side for one in parts if one.side not in axes])
                if axes
                else misfit(known, place, speaking, parts, fit=bool(fitting))
            )
        return Inferred(axes, self._whys[place], type(known).__name__)


def kept_of(found: Mapping[str, Tokens], kept: int, options: Options) -> dict[str, Tokens]:
    """Return sides with those queries alone that the options keep; without them if these are not as many."""
    others, whole = dict(found), found.get("queries")
    rows = options.rows(others.pop("queries").length) if whole is not None else None
    if whole is None or rows is None:
        return others
    tokens = tuple(range(whole.length)[rows] if isinstance(rows, slice) else rows)
    return others | ({"queries": Picked(whole, tokens)} if len(tokens) == kept else {})


def first_tensor(value: Any) -> list[Any]:
    """Return the first tensor of what a method gave back, in a list; none where it is another thing."""
    while isinstance(value, Mapping | tuple | list) and value:
        value = next(iter(value.values())) if isinstance(value, Mapping) else value[0]
    return [value] if isinstance(value, torch.Tensor) else []


def _read(reader: Reader, module: Any, given: Given) -> Layout:
    """Return what a module says; nothing where it is not built as its family is."""
    try:
        return reader(module, given) or Layout()
    except Exception as error:  # noqa: BLE001  # of other versions of a library nothing is known, and the model must go on
        return Layout(why=unread(module, error))
