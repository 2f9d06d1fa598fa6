"""What was recorded, call by call: found by number, by path or by a pattern of paths."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from math import isnan
from typing import TYPE_CHECKING, Any, overload

from visualizer.calls import Call, Checks
from visualizer.copying import OnlyCopied
from visualizer.errors import CallsError, OptionError
from visualizer.labels import paths_of

if TYPE_CHECKING:
    from typing import Self


class Recorded(OnlyCopied, Sequence["Call"]):
    """Calls in the order of execution; what can be done with them is said by `Run`."""

    def __init__(self, calls: Sequence[Call] = (), *, empty: Callable[[], str] | None = None) -> None:
        self._calls = list(calls)
        self._why_empty = empty

    def explained_by(self, empty: Callable[[], str]) -> None:
        """Have another function say why nothing was recorded."""
        self._why_empty = empty

    def hold(self, calls: Sequence[Call]) -> None:
        """Take the place of its calls by others, which may make each one when it is asked for."""
        self._calls = calls  # type: ignore[assignment]

    def add(self, call: Call) -> None:
        """Take one more call."""
        self._calls.append(call)

    def sort(self) -> None:
        """Bring the calls into the order of execution: a map is known as one only after later calls."""
        self._calls.sort(key=lambda call: call.order)
        self._calls = [replace(call, order=order) for order, call in enumerate(self._calls)]

    @overload
    def __getitem__(self, index: int) -> Call: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    @overload
    def __getitem__(self, index: str) -> Any: ...
    def __getitem__(self, index: int | slice | str) -> Any:
        if isinstance(index, str):
            return self._named(index)
        if isinstance(index, slice):
            return self._part(self._calls[index])
        if not self._calls:
            raise CallsError(f"call {index} was asked for, but the run is empty: {self.why_empty()}")
        return self._calls[index]

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[Call]:
        return iter(self._calls)

    def calls(self, path: str = "*") -> list[Call]:
        """Return the calls of the modules that a path or pattern names, in the order of execution.

        Raises
        ------
        OptionError
            If it is no text.
        """
        if not isinstance(path, str):
            raise OptionError(
                f"layer {path!r} was asked for; give its path or a pattern, as run.paths has them"
            )
        return [call for call in self._calls if _matches(call, path)]

    @property
    def paths(self) -> list[str]:
        """The modules' paths, in the order of their first calls."""
        return paths_of(self._calls)

    @property
    def nbytes(self) -> int:
        """Bytes held by all maps, what several of them share counted once."""
        held: dict[int, int] = {}
        for call in self._calls:
            held.update(call.storages())
        return sum(held.values())

    @property
    def checks(self) -> Checks:
        """How the maps compared with the calls' own outputs."""
        errors = [float(call.error) for call in self._calls if call.error is not None]
        largest = max(errors, key=lambda error: (isnan(error), error), default=0.0)  # nan above all
        return Checks(len(errors), len(self._calls), largest)

    def _named(self, path: str) -> Any:
        if any(mark in path for mark in "*?[") and path not in self.paths:
            return self._part(self.calls(path))
        found = self.calls(path)
        if len(found) == 1:
            return found[0].content
        if found:
            raise CallsError(
                f"{path!r} was asked for as one map, but {len(found)} calls of it were recorded: "
                f"take one of run.calls({path!r})"
            )
        raise CallsError(f"{path!r} was asked for, but {self._what_there_is(path)}")

    def some_calls(self, path: str = "*", to_what: str = "asked for") -> list[Call]:
        """Return what `calls` does, where there are any; ``to_what`` says in the error what was to be done.

        Raises
        ------
        CallsError
            If there are none: it says why the run is empty, or which paths there are.
        OptionError
            If the path is no text.
        """
        calls = self.calls(path)
        if not calls:
            raise CallsError(f"{path!r} was {to_what}, but {self._what_there_is(path)}")
        return calls

    def _what_there_is(self, path: str) -> str:
        if not self._calls:
            return f"the run is empty: {self.why_empty()}"

        near = difflib.get_close_matches(path, self.paths, 3, 0.3) or self.paths[:3]
        return f"no call of it was recorded; there are {len(self.paths)} paths such as {', '.join(near)}"

    def why_empty(self) -> str:
        """Say why nothing was recorded, and what to do."""
        return self._why_empty() if self._why_empty is not None else "nothing was recorded"

    def _part(self, calls: Sequence[Call]) -> Self:
        """Return what says the same of some of the calls."""
        raise NotImplementedError


def _matches(call: Call, pattern: str) -> bool:
    return any(path == pattern or fnmatch.fnmatchcase(path, pattern) for path in call.paths or (call.path,))
