"""A run: what was recorded of a model, call by call, in the order of execution."""

from __future__ import annotations

import copy
import fnmatch
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NoReturn, overload

from visualizer.calls import Call, Checks
from visualizer.errors import CallsError, VisualizerError
from visualizer.tables import calls_table


class Run(Sequence["Call"]):
    """The calls that were recorded, in the order of execution.

    `run["blocks.3.attn"]` is the one map of a module; a pattern (``*``, ``?``, ``[…]``) gives a smaller run;
    an int gives a `Call`. `calls(path)` gives all calls of a module.

    Raises
    ------
    CallsError
        From `run[path]` where nothing, or more than one call, was recorded under the path.
    """

    def __init__(self, calls: Sequence[Call] = (), *, empty: Callable[[], str] | None = None) -> None:
        self._calls = list(calls)
        self._why_empty = empty

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
    def __getitem__(self, index: slice) -> Run: ...
    @overload
    def __getitem__(self, index: str) -> Any: ...
    def __getitem__(self, index: int | slice | str) -> Any:
        if isinstance(index, str):
            return self._named(index)
        if isinstance(index, slice):
            return self._part(self._calls[index])
        return self._calls[index]

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[Call]:
        return iter(self._calls)

    def calls(self, path: str = "*") -> list[Call]:
        """Return the calls of the modules that a path or pattern names, in the order of execution."""
        return [call for call in self._calls if _matches(call, path)]

    @property
    def paths(self) -> list[str]:
        """The modules' paths, in the order of their first calls."""
        return list(dict.fromkeys(call.path for call in self._calls))

    @property
    def nbytes(self) -> int:
        """Bytes held by all maps, what several of them share counted once."""
        held: dict[int, int] = {}
        for call in self._calls:
            held.update(call.map.storages())
        return sum(held.values())

    @property
    def checks(self) -> Checks:
        """How the maps compared with the calls' own outputs."""
        errors = [float(call.error) for call in self._calls if call.error is not None]
        return Checks(len(errors), len(self._calls), max(errors, default=0.0))

    def _named(self, path: str) -> Any:
        if any(mark in path for mark in "*?[") and path not in self.paths:
            return self._part(self.calls(path))
        found = self.calls(path)
        if len(found) == 1:
            return found[0].map
        if found:
            raise CallsError(
                f"{path!r} was asked for as one map, but {len(found)} calls of it were recorded: "
                f"take one of run.calls({path!r})"
            )
        raise CallsError(f"{path!r} was asked for, but {self._what_there_is(path)}")

    def _what_there_is(self, path: str) -> str:
        if not self._calls:
            return f"the run is empty: {self.why_empty()}"
        import difflib

        near = difflib.get_close_matches(path, self.paths, 3, 0.3) or self.paths[:3]
        return f"no call of it was recorded; there are {len(self.paths)} paths such as {', '.join(near)}"

    def why_empty(self) -> str:
        """Say why nothing was recorded, and what to do."""
        return self._why_empty() if self._why_empty is not None else "nothing was recorded"

    def _part(self, calls: Sequence[Call]) -> Run:
        return Run(calls, empty=lambda: "no call matches")

    def __deepcopy__(self, memo: dict[int, Any]) -> Run:
        return Run([replace(call, map=copy.deepcopy(call.map, memo)) for call in self._calls])

    def __reduce__(self) -> NoReturn:
        raise VisualizerError(
            "a run was to be pickled, which runs code on loading: keep its maps as arrays, call.map.numpy()"
        )

    def __repr__(self) -> str:
        if not self._calls:
            return f"<an empty run: {self.why_empty()}>"
        return calls_table(self._calls, self.nbytes, self.checks)


def _matches(call: Call, pattern: str) -> bool:
    return any(path == pattern or fnmatch.fnmatchcase(path, pattern) for path in call.paths or (call.path,))
