"""torch.compile around a call that should go on compiled while the model runs uncompiled."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import torch

from visualizer.recorders.late import AfterImport

_WRAPPERS = ("compile_wrapper", "_fn")  # of torch._dynamo.eval_frame, in newer and older releases


def compiler_around(frame: FrameType | None) -> Any:
    """Return what would have compiled the calls of a frame, or None where nothing would have."""
    while frame is not None:
        code = frame.f_code
        if code.co_name in _WRAPPERS and code.co_filename.endswith("eval_frame.py"):
            context = frame.f_locals.get("self")
            compiles = type(context).__name__ == "OptimizeContext"  # the others disable compiling
            return context if compiles else None
        frame = frame.f_back
    return None


class Compiled:
    """Functions as compilers made them, for as long as this lives."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, int], tuple[Any, Any, Callable[..., Any]]] = {}

    def of(self, function: Any, compiler: Any) -> Callable[..., Any]:
        """Return a function compiled as the compiler does it; what it compiled before is used again."""
        key = id(compiler), id(function)
        if key not in self._made:
            self._made[key] = compiler, function, compiler(function)
        return self._made[key][2]


class Stance:
    """Whether torch.compile compiles: not in sessions, save for calls that go on compiled.

    Sessions may end in any order, and calls of other threads outlast them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions = self._calls = 0
        self._eager: Any = None
        self._compiler = AfterImport("torch._dynamo", self._be_eager)

    @contextmanager
    def uncompiled(self) -> Iterator[None]:
        """Have compiled functions run as they were written."""
        self._change(sessions=1)
        try:
            yield
        finally:
            self._change(sessions=-1)

    @contextmanager
    def compiled(self) -> Iterator[None]:
        """Go on as if there were no session."""
        self._change(calls=1)
        try:
            yield
        finally:
            self._change(calls=-1)

    def _change(self, sessions: int = 0, calls: int = 0) -> None:
        with self._lock:
            self._sessions += sessions
            self._calls += calls
            self._compiler.close()
            if self._sessions > 0 and not self._calls:
                self._compiler.open()  # without a compiler nothing is compiled
            elif self._eager is not None:
                before, self._eager = self._eager, None
                before.__exit__(None, None, None)

    def _be_eager(self) -> None:
        if self._eager is None:
            self._eager = torch.compiler.set_stance("force_eager")  # from now on


STANCE = Stance()
"""The process's own."""
