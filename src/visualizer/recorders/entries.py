"""Which modules a method of is running, and what it was called with."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch

from visualizer.instrument.sites import Hook, Site
from visualizer.recorders.steps import first_argument


class Entries:
    """Follows the calls of a method of some modules.

    Parameters
    ----------
    wanted
        The modules' identities.
    entered
        Called with the module and the method's arguments by name as it begins.
    left
        Called with the module and what the method gives back as it ends; with None where it fails.
    """

    sites = (Site("enter"), Site("return"), Site("raise"))

    def __init__(
        self,
        wanted: Collection[int],
        entered: Callable[[Any, Mapping[str, Any]], None],
        left: Callable[[Any, Any], None],
    ) -> None:
        self._wanted, self._entered, self._left = wanted, entered, left
        self._open: dict[int, Any] = {}  # modules by frame

    def hook(self, site: Site) -> Hook:
        """Return the hook for one of the sites."""
        return self._enter if site.kind == "enter" else self._leave

    def _enter(self) -> None:
        if torch.compiler.is_dynamo_compiling():  # a trace is no call, and must not meet a frame
            return
        frame = sys._getframe(1)  # noqa: SLF001
        module = first_argument(frame)
        if id(module) in self._wanted:
            self._open[id(frame)] = module
            self._entered(module, frame.f_locals)

    def _leave(self, value: Any = None) -> None:
        if not torch.compiler.is_dynamo_compiling():
            module = self._open.pop(id(sys._getframe(1)), None)  # noqa: SLF001
            if module is not None:
                self._left(module, value)
