"""Operators of torch's dispatcher, followed: what comes before and after each call, on every device.

An operator is followed at the dispatch key *BackendSelect*. It lies below autograd, autocast, vmap, modes and
tensor subclasses and above all kernels, no kernel of torch uses it for the operators meant here, and every
dispatch passes it. So the kernel that runs is the one that would have run, on the tensors that it would have
seen, however the call was made: from Python, C++, TorchScript or another thread.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from typing import Any, NamedTuple

import torch
from torch._C import DispatchKey

from visualizer.attention import is_reading
from visualizer.recorders.proceeding import Proceeding
from visualizer.recorders.threads import frames_of_threads

Arguments = tuple[Any, ...]
Named = dict[str, Any]
Hook = Callable[["Operation"], None]
Around = Callable[[Callable[[], Any], Arguments, Named], Any]
Context = Callable[[Arguments], AbstractContextManager[None]]


def overload(name: str) -> Any:
    """Return an operator by a name such as ``mul.Tensor`` or ``xformers::op``; None where there is none."""
    space, _, name = name.rpartition("::")
    packet, _, kind = name.partition(".")
    try:
        return getattr(getattr(getattr(torch.ops, space or "aten"), packet), kind or "default")
    except (AttributeError, RuntimeError):  # RuntimeError: a namespace that is known, an operator that is not
        return None


class Operation(NamedTuple):
    """One call of an operator; before it there is no result."""

    operator: Any
    args: Arguments
    kwargs: Named
    result: Any = None

    def named(self) -> Named:
        """Return the arguments by the names that the operator's schema gives them."""
        return {**dict(zip(names_of(self.operator), self.args, strict=False)), **self.kwargs}


@cache
def names_of(operator: Any) -> tuple[str, ...]:
    """Return the names of an operator's arguments."""
    return tuple(argument.name for argument in operator._schema.arguments)  # noqa: SLF001


MOMENT = 1.0  # seconds

# Kernels that another thread is just about to enter outlive their registration, where torch can keep them.
_RETIRED: deque[Any] = deque(maxlen=2)
_kernel: Any = getattr(torch._C, "_dispatch_get_computed_kernel_for_dispatch_key", lambda *_: None)  # noqa: SLF001


class Following:
    """The operators that are followed now; `close` gives all of them back.

    torch's tables of kernels are not to be changed while another thread looks into them: while other threads
    call operators, those that nobody listens to any more are better made `idle` first. They let each call
    pass, and the first thread that finds itself alone has ``quiet`` called, which is to close.
    """

    def __init__(self, failed: Callable[[Exception], None], quiet: Callable[[], None]) -> None:
        self.idle = False
        self._quiet = quiet
        self._last_calls: dict[int, float] = {}
        self._libraries: dict[str, Any] = {}
        self._registered: list[tuple[str, Any]] = []
        self._lock = threading.Lock()
        self._closed = False
        self._failed = failed  # the model must go on, whatever happens while recording

    def follow(self, name: str, before: Hook | None = None, after: Hook | None = None) -> None:
        """Have ``before`` and ``after`` called around each call of an operator, if torch has it."""
        operator = overload(name)
        if operator is None:
            return
        proceed = Proceeding(operator)

        def kernel(keys: Any, *args: Any, **kwargs: Any) -> Any:
            if self._passes():
                return proceed(keys, args, kwargs)
            if before is not None:
                self._guarded(before, Operation(operator, args, kwargs))
            result = proceed(keys, args, kwargs)
            if after is not None:
                self._guarded(after, Operation(operator, args, kwargs, result))
            return result

        self.override(operator, kernel, "BackendSelect", with_keyset=True)

    def _guarded(self, hook: Hook, operation: Operation) -> None:
        try:
            hook(operation)
        except Exception as error:  # noqa: BLE001
            self._failed(error)

    def enclose(self, name: str, context: Context) -> None:
        """Have a context, made from the arguments, around each call of an operator."""
        operator = overload(name)
        if operator is None:
            return
        proceed = Proceeding(operator)

        def kernel(keys: Any, *args: Any, **kwargs: Any) -> Any:
            if self._passes():
                return proceed(keys, args, kwargs)
            with context(args):
                return proceed(keys, args, kwargs)

        self.override(operator, kernel, "BackendSelect", with_keyset=True)

    def wrap(self, name: str, around: Around, keys: tuple[str, ...]) -> None:
        """Have ``around`` called in the place of a composite operator: with what goes on with the call."""
        operator = overload(name)

        def kernel(*args: Any, **kwargs: Any) -> Any:
            if self._passes():
                return operator.decompose(*args, **kwargs)
            return around(lambda: operator.decompose(*args, **kwargs), args, kwargs)

        for key in keys:
            self.override(operator, kernel, key)

    @property
    def is_busy(self) -> bool:
        """Whether another thread called a followed operator a moment ago."""
        since, mine = time.monotonic() - MOMENT, threading.get_ident()
        others = [
            thread for thread, last in list(self._last_calls.items()) if last > since and thread != mine
        ]
        return bool(others) and any(thread in frames_of_threads() for thread in others)

    def _passes(self) -> bool:
        """Tell whether a call is none to follow."""
        self._last_calls[threading.get_ident()] = time.monotonic()
        if self.idle and not self.is_busy:
            self._quiet()
        return self.idle or is_reading()

    def override(self, operator: Any, kernel: Any, key: str, *, with_keyset: bool = False) -> None:
        """Register a kernel for as long as this is open."""
        space, _, name = operator.name().partition("::")
        with self._lock:
            if self._closed:  # by another thread
                return
            if space not in self._libraries:
                library: Any = torch.library.Library
                self._libraries[space] = library(space, "IMPL")  # dropped by close
            self._libraries[space].impl(name, kernel, key, with_keyset=with_keyset)
            self._registered.append((operator.name(), getattr(DispatchKey, key)))

    def close(self) -> None:
        """Give all operators back."""
        with self._lock:
            self._closed = True
        _RETIRED.append([_kernel(name, key) for name, key in self._registered])
        while self._libraries:
            self._libraries.popitem()[1]._destroy()  # noqa: SLF001
