"""All that a tracer, a monitoring tool or a reader of warnings can see of a program while it runs.

Each observer leaves out what CPython itself reports differently from one run to the next, or must report
while a call is followed to its end; the reason stands beside each.
"""

from __future__ import annotations

import contextlib
import gc
import opcode
import sys
import warnings

from .worlds import shown


@contextlib.contextmanager
def looking(world):
    """Put warnings and unraisable exceptions into the journal; garbage is collected when the world says so."""
    before = sys.unraisablehook
    sys.unraisablehook = lambda args: world.journal.append(("unraisable", shown(args.exc_value)))
    gc.disable()
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
        world.journal += [("warned", str(each.message), each.lineno) for each in caught]
    finally:
        gc.enable()
        sys.unraisablehook = before


@contextlib.contextmanager
def nobody(path, events):
    """Gather nothing."""
    yield


@contextlib.contextmanager
def tracing(path, events):
    """Gather what `sys.settrace` tells of a file's frames."""

    def tracer(frame, event, value):
        code = frame.f_code
        if code.co_filename != path:
            return None
        if event == "line" and _is_cleanup(code, frame.f_lasti):
            return tracer
        detail = shown(value) if event == "return" else value and value[0].__name__
        events.append((event, code.co_name, frame.f_lineno, detail))
        return tracer

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        yield
    finally:
        sys.settrace(before)
    events[:] = _comparable(events, "line")


def _is_cleanup(code, lasti):
    """Recognise what runs while an exception leaves a handler.

    Python 3.11's compiler gives it the line of any neighbour, and another one where the neighbour is a hook.
    """
    if sys.version_info[:2] != (3, 11):
        return False
    following = code.co_code[lasti : lasti + 4 : 2]
    return following == bytes([opcode.opmap["COPY"], opcode.opmap["POP_EXCEPT"]])


def _comparable(events, line):
    """Leave out what tells nothing of the program.

    From Python 3.12 on, a suspended generator without handlers is closed without running; one whose calls
    are followed to their end runs GeneratorExit. Python 3.12 tells a line again after a call of a function
    written in Python, right before a place that is jumped to.
    """
    kept = []
    last_line = None
    for event in events:
        if event[0] == line:
            if event == last_line and sys.version_info[:2] == (3, 12):
                continue
            last_line = event
        kept.append(event)
        start = _closing(kept)
        if start is not None and sys.version_info >= (3, 12):
            del kept[start:]
    return kept


def _closing(events):
    """Return where the events of a `close` that runs nothing begin, if they end here."""
    names = [event[0] for event in events[-3:]]
    if names == ["call", "exception", "return"]:
        return -3 if events[-2][3] == "GeneratorExit" and events[-3][1:3] == events[-1][1:3] else None
    if names[1:] == ["PY_THROW", "PY_UNWIND"]:
        return -2 if events[-1][2][0] == "GeneratorExit" and events[-2][1] == events[-1][1] else None
    return None


_MONITORED = ("LINE", "PY_START", "PY_RESUME", "PY_RETURN", "PY_YIELD", "PY_THROW", "PY_UNWIND", "BRANCH")


@contextlib.contextmanager
def monitoring(path, events):
    """Gather what `sys.monitoring` (Python 3.12 and later) tells of a file's code."""
    monitor = sys.monitoring
    tool = 4

    def watcher(name):
        def seen(code, *values):
            if code.co_filename == path:
                events.append((name, code.co_name, *_readable(name, code, values)))

        return seen

    kinds = [getattr(monitor.events, name) for name in _MONITORED]
    monitor.use_tool_id(tool, "programs")
    try:
        for name, kind in zip(_MONITORED, kinds, strict=True):
            monitor.register_callback(tool, kind, watcher(name))
        monitor.set_events(tool, sum(kinds))
        yield
    finally:
        monitor.set_events(tool, 0)
        for kind in kinds:
            monitor.register_callback(tool, kind, None)
        monitor.free_tool_id(tool)
    events[:] = _comparable(events, "LINE")


def _readable(name, code, values):
    if name == "LINE":
        return values
    if name == "BRANCH":
        return tuple(_line(code, offset) for offset in values)
    return (shown(values[1]),) if len(values) > 1 else ()


def _line(code, offset):
    return next((line for start, stop, line in code.co_lines() if start <= offset < stop), None)
