"""`watch`: the values of a function's locals, call by call."""

from __future__ import annotations

import copy as copying
import threading
from collections.abc import Iterator, Sequence
from types import FunctionType, TracebackType
from typing import Any, NamedTuple, overload

from visualizer.errors import NameNotBoundError, VisualizerError
from visualizer.instrument import switch
from visualizer.instrument.codes import check_names
from visualizer.instrument.sites import normalized
from visualizer.instrument.taps import Call, CallTap
from visualizer.instrument.targets import Target, resolve


class Record(NamedTuple):  # made at every recorded value: a frozen dataclass takes four times as long
    """One recorded value.

    Attributes
    ----------
    value
        The value itself, or a copy if that was asked for.
    name
        What was asked for: the local's name, or ``call:…``, ``expr:…``, ``return:``.
    function
        The function's qualified name.
    call
        Number of the call, from 0, in the order in which calls of this watch started.
    thread
        Identifier of the thread that bound the value, as `threading.get_ident` gives it.
    """

    value: Any
    name: str
    function: str
    call: int
    thread: int


class Watch(Sequence[Record]):
    """The records of a `watch`, and the block during which they are made."""

    def __init__(self, target: Target, names: Sequence[str], *, each_binding: bool, copy: bool) -> None:
        self._function = choose(target, names)
        self._names = tuple(dict.fromkeys(names))
        self._each_binding = each_binding
        self._copy = copy
        self._problem: Exception | None = None
        self._records: list[Record] = []
        self._tap = CallTap(self._names, target.accepts, self._bind, self._end)
        self._active = False

    def __enter__(self) -> Watch:
        if self._active:
            raise VisualizerError(
                f"this watch of {self._function.__qualname__} has already begun: make another one"
            )
        try:
            switch.install(self._function, self._tap)
        except BaseException:  # an interrupt may come when all is done but the return
            switch.remove(self._function, self._tap)
            raise
        self._active = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            switch.remove(self._function, self._tap)
        except BaseException:  # an interrupt: nothing may stay patched
            switch.remove(self._function, self._tap)
            raise
        self._active = False
        problem, self._problem = self._problem, None
        if problem is not None and error is None:
            raise VisualizerError(
                f"a value of {self._function.__qualname__} could not be copied"
            ) from problem

    def _bind(self, call: Call, name: str, value: Any) -> None:
        if self._each_binding:
            self._record(call, name, value)
        else:
            call.values[name] = value

    def _end(self, call: Call) -> None:
        for name in self._names:
            if name in call.values:
                self._record(call, name, call.values[name])

    def _record(self, call: Call, name: str, value: Any) -> None:
        if self._copy:
            try:
                value = _copied(value)
            except Exception as error:  # noqa: BLE001  # the function must go on; told when the block ends
                self._problem = error
                return
        record = Record(value, name, self._function.__qualname__, call.number, threading.get_ident())
        self._records.append(record)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> list[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | list[Record]:
        return self._records[index]

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records)

    def __repr__(self) -> str:
        names = ", ".join(self._names)
        head = f"<watch of {names} in {self._function.__qualname__}: {len(self)} records"
        return f"{head}{self._state()}>"

    def _state(self) -> str:
        started, running = self._tap.started, len(self._tap.open)
        if not started:
            return "; the function was not called"
        names = " or ".join(f"`{name}`" for name in self._names)
        empty = "" if self._records else f"; of {_counted(started)} none bound {names} on the way it took"
        return empty + (f"; {_counted(running)} had not ended" if running else "")


def _counted(calls: int) -> str:
    return "1 call" if calls == 1 else f"{calls} calls"


def _copied(value: Any) -> Any:
    """Copy a value; tensors with their values, without their graph."""
    if hasattr(value, "detach") and hasattr(value, "clone"):
        return value.detach().clone()
    return copying.deepcopy(value)


def choose(target: Target, names: Sequence[str]) -> FunctionType:
    """Return the function beneath a target that binds all names.

    Raises
    ------
    NameNotBoundError
        If none does; the message speaks of the innermost.
    """
    errors = []
    for function in target.functions:
        try:
            check_names(function, switch.original_code(function), names)
        except NameNotBoundError as error:
            errors.append(error)
        else:
            return function
    raise errors[0]


def watch(target: object, *names: str, each_binding: bool = False, copy: bool = False) -> Watch:
    """Record locals of a function while a ``with`` block runs, without editing or wrapping the function.

    Parameters
    ----------
    target
        A function, method, class (its ``forward`` or ``__call__``), instance or bound method (only its own
        calls), or ``"package.module:Qualified.name"``. Decorators, partials and properties are seen through.
    names
        Locals; ``"call:softmax#1"`` for the value of the first call of ``softmax``, ``"expr:q @ k"`` for an
        expression, ``"return:"`` for what is returned.
    each_binding
        Record every binding as it happens; by default the last one of each call, when the call ends.
    copy
        Record copies; by default the very objects.

    Returns
    -------
    Watch
        A sequence of `Record`, readable in the block and after it.

    Raises
    ------
    TargetError
        If there is no Python function beneath ``target``.
    NameNotBoundError
        If the function binds no such name; the message lists those it binds.

    Examples
    --------
    >>> def attend(q, k):
    ...     attn = q * k
    ...     return attn + 1
    >>> with watch(attend, "attn") as seen:
    ...     _ = attend(2, 3), attend(4, 5)
    >>> [record.value for record in seen]
    [6, 20]
    """
    if not names or not all(isinstance(name, str) for name in names):
        found = ", ".join(map(repr, names)) or "nothing"
        raise NameNotBoundError(
            f"watch needs names of locals, as in watch(function, 'attn'); it was given {found}"
        )
    return Watch(resolve(target), [*map(normalized, names)], each_binding=each_binding, copy=copy)
