"""The last value of each name for every call, by the cheapest way that is exact."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

from visualizer.instrument.codes import bound_at_return
from visualizer.instrument.records import Call, CallTap
from visualizer.instrument.sites import Hook, Site, Tap
from visualizer.instrument.switch import original_code
from visualizer.instrument.targets import Accepts

Sink = Callable[[Any], None]


class ReturnTap:
    """Reads names right before each return: one call of the sink, nothing else, while the function runs.

    Parameters
    ----------
    sinks
        For each name what takes its value; it must not raise. The names must be bound at every return.
    """

    def __init__(self, sinks: Mapping[str, Sink]) -> None:
        self._sinks = dict(sinks)
        self.sites = (*map(_at_return, sinks), Site("raise"))

    def hook(self, site: Site) -> Hook:
        """Return the sink of a name, or what reads the names when an exception ends the call."""
        return self._failed if site.kind == "raise" else self._sinks[site.name]

    def _failed(self) -> None:
        values = sys._getframe(1).f_locals  # noqa: SLF001  # only a frame tells which names were bound so far
        for name, sink in self._sinks.items():
            if name in values:
                sink(values[name])


def _at_return(name: str) -> Site:
    return Site("return", name) if name == "return:" else Site("leave", name, (name,))


def final_tap(function: FunctionType, sinks: Mapping[str, Sink], accepts: Accepts | None = None) -> Tap:
    """Return a tap that hands each name's last value to its sink when a call ends, if it was ever bound.

    A call ends by return, exception or ``close()``. Values are handed over in the order of ``sinks``.
    """
    named = tuple(name for name in sinks if name != "return:")
    plain = not any(":" in name for name in named)
    if accepts is None and plain and bound_at_return(original_code(function), named):
        return ReturnTap(sinks)

    def bound(call: Call, name: str, value: Any) -> None:
        call.values[name] = value

    def ended(call: Call) -> None:
        for name, sink in sinks.items():
            if name in call.values:
                sink(call.values[name])

    return CallTap(tuple(sinks), accepts, bound, ended)
