"""What follows the calls of a function: every one from start to end, or only its returns.

`final_tap` chooses the cheapest way that is exact.
"""

from __future__ import annotations

import inspect
import itertools
import sys
from collections.abc import Callable, Sequence
from types import FrameType, FunctionType
from typing import Any

from visualizer.instrument.codes import bound_at_return
from visualizer.instrument.sites import Hook, Site, Tap, site_of
from visualizer.instrument.switch import original_code
from visualizer.instrument.targets import Accepts

Sink = Callable[[Any], None]

_getframe = sys._getframe  # noqa: SLF001  # the one way to know which call a hook is called from


class Call:
    """A call that has started and not yet ended, with the last value of each name so far."""

    __slots__ = ("number", "values")

    def __init__(self, number: int) -> None:
        self.number = number
        self.values: dict[str, Any] = {}


class CallTap:
    """Follows every call from start to end and keeps the names' last values until then.

    Parameters
    ----------
    names
        Locals, or unnamed values as `watch` takes them.
    accepts
        Predicate on the first argument, or None.
    bound
        Called at each binding with the call, the name and the value.
    ended
        Called with the call when it ends, however it ends.
    """

    def __init__(
        self,
        names: Sequence[str],
        accepts: Accepts | None,
        bound: Callable[[Call, str, Any], None],
        ended: Callable[[Call], None],
    ) -> None:
        self.sites = (Site("enter"), *map(site_of, names), Site("leave"), Site("raise"))
        self.open: dict[int, Call | None] = {}  # by frame; None for a call that is not meant
        self._accepts = accepts
        self._bound = bound
        self._ended = ended
        self.started = 0
        self._numbers = itertools.count()

    def hook(self, site: Site) -> Hook:
        """Return the hook for one of the sites."""
        if site.kind == "enter":
            return self._enter
        if site.kind in {"leave", "raise"}:
            return self._leave
        return self._binding(site.name)

    def _enter(self) -> None:
        frame = _getframe(1)
        if self._accepts is None or self._accepts(_first_argument(frame)):
            self.open[id(frame)] = call = Call(next(self._numbers))
            self.started = call.number + 1
        else:
            self.open[id(frame)] = None

    def _leave(self) -> None:
        call = self.open.pop(id(_getframe(1)), None)
        if call is not None:
            self._ended(call)

    def _binding(self, name: str) -> Hook:
        open_calls, bound = self.open, self._bound

        def hook(value: Any) -> Any:
            frame = _getframe(1)
            call = open_calls.get(id(frame), open_calls)
            if call is open_calls:  # a comprehension or nested function binds for the call around it
                call = _around(frame, open_calls)
            if call is not None:
                bound(call, name, value)  # type: ignore[arg-type]  # the dictionary itself is gone by now
            return value

        return hook


def _around(frame: FrameType | None, open_calls: dict[int, Call | None]) -> Call | None:
    while frame is not None and id(frame) not in open_calls:
        frame = frame.f_back
    return None if frame is None else open_calls[id(frame)]


def _first_argument(frame: FrameType) -> Any:
    code = frame.f_code
    values = frame.f_locals
    if code.co_argcount:
        return values.get(code.co_varnames[0])
    rest = values.get(code.co_varnames[code.co_kwonlyargcount]) if code.co_flags & inspect.CO_VARARGS else ()
    return rest[0] if rest else None


class ReturnTap:
    """Reads a name right before each return: one call of the sink, nothing else, while the function runs.

    Parameters
    ----------
    name
        A local that is bound at every return, or ``return:``.
    sink
        What takes its value; it must not raise.
    """

    def __init__(self, name: str, sink: Sink) -> None:
        at_return = Site("return", name) if name == "return:" else Site("leave", name, (name,))
        self.sites = (at_return, Site("raise"))
        self._name = name
        self._sink = sink

    def hook(self, site: Site) -> Hook:
        """Return the sink, or what reads the name when an exception ends the call."""
        return self._failed if site.kind == "raise" else self._sink

    def _failed(self) -> None:
        values = _getframe(1).f_locals  # only a frame tells whether the name was bound so far
        if self._name in values:
            self._sink(values[self._name])


def final_tap(function: FunctionType, name: str, sink: Sink, accepts: Accepts | None = None) -> Tap:
    """Return a tap that hands a name's last value to ``sink`` when a call ends, if it was ever bound.

    A call ends by return, exception or ``close()``.
    """
    everywhere = name == "return:" or (":" not in name and bound_at_return(original_code(function), (name,)))
    if accepts is None and everywhere:
        return ReturnTap(name, sink)

    def bound(call: Call, name: str, value: Any) -> None:
        call.values[name] = value

    def ended(call: Call) -> None:
        if name in call.values:
            sink(call.values[name])

    return CallTap((name,), accepts, bound, ended)
