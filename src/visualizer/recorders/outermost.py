"""Calls of modules that no other module's call is around, of whatever model."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import torch

from visualizer.instrument.sites import Hook, Site
from visualizer.recorders.steps import first_argument

ANY_CALL: Any = torch.nn.Module._wrapped_call_impl  # noqa: SLF001  # what `__call__` of every module is


class _Inside(threading.local):
    frame: int | None = None  # of the outermost call


class Outermost:
    """Tells of each outermost call on a thread as it begins; goes into `ANY_CALL`.

    Parameters
    ----------
    began
        Called with the module and its call's frame; it must not raise.
    """

    sites = (Site("enter"), Site("leave"), Site("raise"))

    def __init__(self, began: Callable[[Any, FrameType], None]) -> None:
        self._began = began
        self._inside = _Inside()

    def hook(self, site: Site) -> Hook:
        """Return the hook for one of the sites."""
        return self._enter if site.kind == "enter" else self._leave

    def _enter(self) -> None:
        if self._inside.frame is None and not torch.compiler.is_dynamo_compiling():
            frame = sys._getframe(1)  # noqa: SLF001
            self._inside.frame = id(frame)
            self._began(first_argument(frame), frame)

    def _leave(self) -> None:
        if self._inside.frame == id(sys._getframe(1)):  # noqa: SLF001
            self._inside.frame = None
