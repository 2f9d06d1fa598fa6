"""A local of every forward that binds it, through `instrument`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from types import FunctionType
from typing import Any

from visualizer.errors import NameNotBoundError, VisualizerError
from visualizer.instrument import switch
from visualizer.instrument.records import choose
from visualizer.instrument.taps import Call, CallTap
from visualizer.instrument.targets import resolve

Sink = Callable[[str, Any, str], None]


@contextmanager
def local_values(modules: Mapping[int, Any], names: Sequence[str], sink: Sink) -> Iterator[None]:
    """Hand locals' last values, and the function's name, to ``sink`` as each forward that binds them ends.

    Raises
    ------
    NameNotBoundError
        If no forward of the modules binds any of the names.
    """
    taps = [
        (function, _tap(function, name, modules, sink))
        for name in names
        for function in _binding(modules, name)
    ]
    with ExitStack() as stack:
        for function, tap in taps:
            stack.callback(switch.remove, function, tap)
            switch.install(function, tap)
        yield


def _tap(function: FunctionType, name: str, modules: Mapping[int, Any], sink: Sink) -> CallTap:
    def bound(call: Call, name: str, value: Any) -> None:
        call.values[name] = value

    def ended(call: Call) -> None:
        if name in call.values:
            sink(name, call.values[name], function.__qualname__)

    return CallTap((name,), lambda first: id(first) in modules, bound, ended)


def _binding(modules: Mapping[int, Any], name: str) -> set[FunctionType]:
    """Return the forwards that bind a name."""
    found: set[FunctionType] = set()
    refused: list[NameNotBoundError] = []
    for kind in {type(module) for module in modules.values()}:
        try:
            found.add(choose(resolve(kind), [name]))
        except NameNotBoundError as error:
            refused.append(error)
        except VisualizerError:  # a forward that is not Python
            continue
    if not found:
        seen = "; ".join(sorted({str(error) for error in refused})[:3])
        raise NameNotBoundError(f"no forward of the model binds `{name}`: {seen}")
    return found
