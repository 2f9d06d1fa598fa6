"""Which locals of which functions `get_local` was asked for, and the taps that record them while active.

What is asked for is remembered for as long as the function lives, and no longer: a class defined anew in a
notebook leaves nothing of the old one behind.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from types import FunctionType
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from visualizer.errors import NameNotBoundError, TargetError, VisualizerError
from visualizer.instrument.codes import check_names
from visualizer.instrument.records import choose
from visualizer.instrument.switch import install, original_code, remove
from visualizer.instrument.taps import final_tap
from visualizer.instrument.targets import Accepts, Target, resolve

if TYPE_CHECKING:
    from visualizer.cache import Cache
    from visualizer.instrument.sites import Tap

Asked = tuple[FunctionType, str]
"""A function, and a name that was asked for in it."""


@dataclass
class Recording:
    """One local of one function.

    Attributes
    ----------
    key
        Where its values go in the cache.
    filters
        Predicates on a call's first argument; a call is recorded if one accepts it, or if there is none.
    tap
        What is installed in the function, if anything is.
    """

    key: str
    filters: list[Accepts] = field(default_factory=list)
    tap: Tap | None = None

    def accepts(self, first: Any) -> bool:
        """Tell whether a filter accepts the call with this first argument."""
        return any(accepts(first) for accepts in self.filters)


class Recordings:
    """All that was asked for, switched on and off together.

    Methods return what a user has to be told: one sentence for each thing that cannot be recorded.
    """

    def __init__(self, cache: Cache) -> None:
        self.active = False
        self._cache = cache
        self._functions: WeakKeyDictionary[FunctionType, dict[str, Recording]] = WeakKeyDictionary()
        self._untold: dict[str, None] = {}  # sentences about targets without a Python function
        self.renew_lock()

    def renew_lock(self) -> None:
        """Have a new lock: in a forked process another thread's hold on the old one never ends."""
        self._lock = threading.RLock()

    def add(self, target: object, names: Sequence[str]) -> list[str]:
        """Remember names of a target, and record them from now on if active."""
        with self._lock:
            try:
                found = resolve(target)
            except TargetError as error:
                if self.active:
                    return [str(error)]
                self._untold[str(error)] = None
                return []
            return self._install([self._remember(found, name) for name in names])

    def activate(self) -> Iterator[str]:
        """Record everything that was asked for."""
        with self._lock:
            self.active = True
            return chain(self._tell(), self._install(self._all()))

    def deactivate(self) -> None:
        """Put every function back as it was."""
        with self._lock, contextlib.ExitStack() as stack:  # every one is put back, whatever another raises
            self.active = False
            for function, name in self._all():
                stack.callback(_take_out, function, self._functions[function][name])

    def _tell(self) -> Iterator[str]:
        """Yield each sentence once; where the first is raised as an error, the next are still to be told."""
        for sentence in list(self._untold):
            self._untold.pop(sentence, None)
            yield sentence

    def _all(self) -> list[Asked]:
        return [(function, name) for function in list(self._functions) for name in self._functions[function]]

    def _remember(self, found: Target, name: str) -> Asked:
        function = _choose(found, name)
        recordings = self._functions.setdefault(function, {})
        if name not in recordings:
            key = f"{function.__qualname__}.{name}" if recordings else function.__qualname__
            recordings[name] = Recording(key, [found.accepts] if found.accepts else [])
        elif found.accepts is None:
            _widen(function, recordings[name])
        elif recordings[name].filters:
            recordings[name].filters.append(found.accepts)
        return function, name

    def _install(self, asked: Sequence[Asked]) -> list[str]:
        problems = []
        for function, name in asked if self.active else ():
            try:
                self._put_in(function, name)
            except VisualizerError as error:
                sentence = f"get_local({name!r}) records nothing: {error}"
                problems.append(sentence if sentence.endswith("?") else f"{sentence}.")
        return problems

    def _put_in(self, function: FunctionType, name: str) -> None:
        recording = self._functions[function][name]
        if recording.tap is None:
            check_names(function, original_code(function), [name])
            sink = functools.partial(self._cache.record, recording.key)
            tap = final_tap(function, name, sink, recording.accepts if recording.filters else None)
            install(function, tap)
            recording.tap = tap
        self._cache.open(recording.key)


def _take_out(function: FunctionType, recording: Recording) -> None:
    tap, recording.tap = recording.tap, None
    if tap is not None:
        remove(function, tap)


def _widen(function: FunctionType, recording: Recording) -> None:
    """Let a recording of some instances' calls become one of all calls; it has to be put in anew."""
    if recording.filters:
        _take_out(function, recording)
        recording.filters.clear()


def _choose(found: Target, name: str) -> FunctionType:
    """Return the function that binds the name, or the innermost, about which something can be said later."""
    if len(found.functions) == 1:
        return found.functions[0]  # nothing to choose, and looking for names takes milliseconds
    try:
        return choose(found, [name])
    except NameNotBoundError:
        return found.functions[0]
