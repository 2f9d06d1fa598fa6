"""How many forwards of a model have begun."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import torch
from torch._guards import detect_fake_mode

from visualizer.instrument.sites import Hook, Site
from visualizer.instrument.targets import Accepts


class Steps:
    """Counts the calls of a function, where a compiler traces it without being seen.

    Parameters
    ----------
    accepts
        Predicate on the first argument, or None.
    began
        Called for each call, with its frame.
    traced
        Called for a call that runs on fake tensors.
    """

    sites = (Site("enter"),)

    def __init__(
        self, accepts: Accepts | None, began: Callable[[FrameType], None], traced: Callable[[], None]
    ) -> None:
        self._accepts, self._began, self._traced = accepts, began, traced
        self.started = 0

    def hook(self, site: Site) -> Hook:  # noqa: ARG002  # there is one
        """Return what counts."""
        return self._enter

    def _enter(self) -> None:
        if torch.compiler.is_dynamo_compiling():  # a trace is no call, and must not meet a frame
            return
        frame = sys._getframe(1)  # noqa: SLF001
        if self._accepts is None or self._accepts(first_argument(frame)):
            self.started += 1
            self._began(frame)
            if detect_fake_mode() is not None:
                self._traced()


def first_argument(frame: FrameType) -> Any:
    """Return the first argument of a call that begins."""
    code, values = frame.f_code, frame.f_locals
    if code.co_argcount:
        return values.get(code.co_varnames[0])
    rest = values.get(code.co_varnames[code.co_kwonlyargcount]) if code.co_flags & inspect.CO_VARARGS else ()
    return rest[0] if rest else None
