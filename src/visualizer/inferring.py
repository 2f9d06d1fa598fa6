"""Inferring what tokens are: which known modules are running, and what they say of a map below them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from types import FunctionType
from typing import Any

import torch
from torch.utils.weak import WeakIdKeyDictionary

from visualizer.attention import AttentionMap, reading
from visualizer.errors import VisualizerError
from visualizer.families import Given, Layout, Part, Picked, Reader, Side, Tokens, readers_of
from visualizer.instrument import switch
from visualizer.instrument.targets import resolve
from visualizer.options import Options
from visualizer.recorders.crossing import is_cross_attention
from visualizer.recorders.entries import Entries
from visualizer.recorders.installation import outside_modes
from visualizer.recorders.maps import Made

NOTHING: dict[str, Tokens] = {}


class Inference:
    """Infers the axes of the calls of one model while it is recorded.

    Parameters
    ----------
    modules, paths
        The model's modules and their paths, by identity.
    """

    def __init__(self, modules: Mapping[int, Any], paths: Mapping[int, list[str]]) -> None:
        self._modules, self._paths = modules, paths
        kinds = {type(module) for module in modules.values()}
        known = {kind: found for kind in kinds if (found := readers_of(kind))}
        self._readers = {key: known[type(one)] for key, one in modules.items() if type(one) in known}
        self._known = {path: key for key in self._readers for path in paths[key]}
        self._running: dict[int, list[Layout]] = {}
        self._outputs: Any = WeakIdKeyDictionary()  # what the tokens of tensors are
        self._memory: dict[Any, Any] = {}

    @contextmanager
    def following(self) -> Iterator[None]:
        """Follow the known modules' methods while a block runs."""
        with ExitStack() as stack:
            for function, readers in self._functions().items():
                tap = Entries(readers, partial(self._entered, readers), self._left)
                stack.callback(switch.remove, function, tap)
                switch.install(function, tap)
            stack.callback(self._running.clear)
            stack.callback(self._memory.clear)
            yield

    def sides(self, module: int, made: Made, options: Options) -> dict[str, Tokens]:
        """Return what the queries and keys of a call are, as far as that is known.

        Sampled points, and values that are no maps, have no tokens.
        """
        if not self._running or not isinstance(made.content, AttentionMap) or made.levels:
            return NOTHING
        if len(made.content.shape) != 4:  # (batch, block, …): the tokens of each block are others
            return NOTHING
        batch, _, kept, keys = made.content.shape
        sequence, queries = (module, made.sequence), kept if options.queries is None else None
        parts = Part("queries", queries, batch, sequence), Part("keys", keys, batch, sequence, made.first_key)
        for below, layout in self._around(self._paths[module][0]):
            if (found := self._fitting(module, below, layout, parts)) is not None:
                return found if queries is not None else kept_of(found, kept, options)
        return NOTHING

    def _functions(self) -> dict[FunctionType, dict[int, Reader]]:
        """Return the functions beneath the methods of known modules, and what reads each module there."""
        found: dict[FunctionType, dict[int, Reader]] = {}
        for key, readers in self._readers.items():
            for name, reader in readers.items():
                module = self._modules[key]
                try:
                    target = resolve(module if name == "forward" else getattr(module, name))
                except (AttributeError, VisualizerError):  # a method that this class lacks, or not Python
                    continue
                found.setdefault(target.functions[0], {})[key] = reader
        return found

    def _entered(self, readers: Mapping[int, Reader], module: Any, given: Mapping[str, Any]) -> None:
        with reading(), outside_modes():
            layout = _read(readers[id(module)], module, Given(given, self._tokens_of, self._memory))
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

    def _around(self, path: str) -> Iterator[tuple[str, Layout]]:
        """Yield what the running modules around a path say, the innermost first, and the path below each."""
        names = path.split(".") if path else []
        for count in range(len(names), -1, -1):
            layouts = self._running.get(self._known.get(".".join(names[:count]), 0))
            if layouts:
                yield ".".join(names[count:]), layouts[-1]

    def _fitting(
        self, module: int, path: str, layout: Layout, parts: tuple[Part, Part]
    ) -> dict[str, Tokens] | None:
        """Return what a layout says of a map; None where it does not speak of the module."""
        cross = any(one.cross is not None for one in layout.choices) and is_cross_attention(
            self._modules[module]
        )
        speaking = [choice for choice in layout.choices if choice.holds(path, cross=cross)]
        if not speaking:
            return None
        fitting = [found for one in speaking if (found := one.fit(*parts)) is not None]
        if len(fitting) != 1:  # none, or several: better unknown than wrong
            return {}
        return {part.side: one for part, one in zip(parts, fitting[0], strict=True) if one is not None}


def kept_of(found: dict[str, Tokens], kept: int, options: Options) -> dict[str, Tokens]:
    """Return sides with those queries alone that the options keep; without them if these are not as many."""
    whole = found.pop("queries", None)
    rows = options.rows(whole.length) if whole is not None else None
    if whole is None or rows is None:
        return found
    tokens = tuple(range(whole.length)[rows] if isinstance(rows, slice) else rows)
    return found | ({"queries": Picked(whole, tokens)} if len(tokens) == kept else {})


def first_tensor(value: Any) -> list[Any]:
    """Return the first tensor of what a method gave back, in a list; none where it is another thing."""
    while isinstance(value, Mapping | tuple | list) and value:
        value = next(iter(value.values())) if isinstance(value, Mapping) else value[0]
    return [value] if isinstance(value, torch.Tensor) else []


def _read(reader: Reader, module: Any, given: Given) -> Layout:
    """Return what a module says; nothing where it is not built as its family is."""
    try:
        return reader(module, given) or Layout()
    except Exception:  # noqa: BLE001  # of other versions of a library nothing is known, and the model must go on
        return Layout()
