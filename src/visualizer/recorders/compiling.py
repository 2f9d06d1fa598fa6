"""torch.compile around a call that should go on compiled while the model runs uncompiled."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any

import torch

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


class DefaultStance:
    """The stance "default" while any thread needs it; the one before comes back with the last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._open = ExitStack()

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Let what is called inside be compiled."""
        self._enter()
        try:
            yield
        finally:
            self._leave()

    def _enter(self) -> None:
        with self._lock:
            if not self._users:
                self._open.enter_context(torch.compiler.set_stance("default"))
            self._users += 1

    def _leave(self) -> None:
        with self._lock:
            self._users -= 1
            if not self._users:
                self._open.close()
