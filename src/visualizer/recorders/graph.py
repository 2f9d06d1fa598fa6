"""Autograd's graph, made to reach what is recorded: it begins there where nothing before needs a gradient."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch._C import _functorch
from torch.autograd.grad_mode import _unsafe_preserve_version_counter

from visualizer.recorders.guard import Guard
from visualizer.recorders.stacks import insert_mode, remove_mode


class Graph:
    """The graphs of the recordings that want one, of each thread its own."""

    def __init__(self) -> None:
        self._guards: dict[int, Guard] = {}

    @contextmanager
    def reaching(self, modules: Iterable[Any]) -> Iterator[None]:
        """Have the graph reach what this thread records of a model, and leave none to its own tensors."""
        owned = [one for module in modules for one in _owned(module) if not one.requires_grad]
        thread = threading.get_ident()
        guard = self._guards.setdefault(thread, Guard())
        guard.sessions += 1
        try:
            yield
        finally:
            guard.sessions -= 1
            if not guard.sessions:
                del self._guards[thread]
                guard.stand_down()
            for tensor in owned:
                if tensor.requires_grad:  # the model has written into it
                    tensor.detach_()

    def reach(self, result: torch.Tensor, *operands: torch.Tensor) -> None:
        """Have the graph begin at a result before which nothing needs a gradient, as with frozen weights."""
        guard = self._guards.get(threading.get_ident())
        if guard is None or result.requires_grad or any(operand.requires_grad for operand in operands):
            return
        if torch.is_grad_enabled() and _can_begin(result):
            guard.stand()
            with _unsafe_preserve_version_counter(result):  # no number changes
                _Begin.apply(result, guard.root)  # type: ignore[no-untyped-call]

    def lend(self, output: torch.Tensor) -> torch.Tensor:
        """Return a fused output that the model may write into; its kernel may have saved it for the graph."""
        guard = self._guards.get(threading.get_ident())
        if guard is None or not torch.is_grad_enabled():
            return output
        if guard.stands if output.requires_grad else output._is_view():  # noqa: SLF001
            output = output.clone()
        self.reach(output)
        return output

    def call(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Call what the guard does not see by itself, as it would."""
        guard = self._guards.get(threading.get_ident())
        return function(*args, **kwargs) if guard is None else guard.call(function, args, kwargs)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Run a block without the guard: compilers take what stands around a call for a part of it."""
        guard = self._guards.get(threading.get_ident())
        was_on = guard is not None and remove_mode(guard)
        try:
            yield
        finally:
            if guard is not None and was_on:
                insert_mode(guard)

    @property
    def cuts(self) -> list[str]:
        """What has cut this thread's graph so far, in order; the list grows."""
        guard = self._guards.get(threading.get_ident())
        return [] if guard is None else guard.cuts


class _Begin(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, result: torch.Tensor, root: torch.Tensor) -> torch.Tensor:  # noqa: ARG004
        ctx.mark_dirty(result)
        return result

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:  # noqa: ARG004
        return None, None


def _owned(module: Any) -> Iterator[torch.Tensor]:
    """Yield the tensors that a module keeps: parameters, buffers and others that are no views."""
    for held in (module._parameters, module._buffers, vars(module)):  # noqa: SLF001  # each module's own
        for value in held.values():
            if isinstance(value, torch.Tensor) and not value._is_view():  # noqa: SLF001
                yield value


def _can_begin(result: torch.Tensor) -> bool:
    return (
        result.is_floating_point()
        and not result.is_inference()
        and not result._is_view()  # noqa: SLF001  # what is written into later has its base's graph
        and not _is_checkpointed()
        and _functorch.peek_interpreter_stack() is None
        and not torch._C._dispatch_tls_is_dispatch_key_excluded(_WITHIN)  # noqa: SLF001
    )


_WITHIN = torch._C.DispatchKey.PythonTLSSnapshot  # noqa: SLF001
"""Left out within tensor subclasses and modes: their own tensors are not those that autograd knows."""


def _is_checkpointed() -> bool:
    """Tell whether this runs again in the backward pass, where the graph would not begin a second time."""
    hooks = torch._C._autograd._top_saved_tensors_default_hooks(True)  # noqa: SLF001
    return hooks is not None and hooks[0].__module__ == "torch.utils.checkpoint"


GRAPH = Graph()
"""The process's own."""
