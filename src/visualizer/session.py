"""`capture`: record every attention call of a model while a block runs."""

from __future__ import annotations

import fnmatch
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any

import torch

from visualizer.calls import Call
from visualizer.errors import OptionError, VisualizerError
from visualizer.instrument import switch
from visualizer.instrument.taps import CallTap
from visualizer.instrument.targets import resolve
from visualizer.recorders.checks import compare_rows
from visualizer.recorders.fused import FusedCall
from visualizer.recorders.installation import INSTALLATION, Found
from visualizer.recorders.maps import formed_map, fused_map
from visualizer.recorders.paths import module_paths
from visualizer.run import Run

Modules = str | Sequence[str] | Callable[[str, Any], bool]


class Session:
    """A recording of a model: `start` and `stop` by hand, or a ``with`` block, which gives the `Run`."""

    def __init__(
        self,
        model: Any,
        *,
        modules: Modules | None,
        queries: Any,
        values: bool,
        every: int,
        first: int | None,
        check: bool,
    ) -> None:
        self.modules = {id(module): module for module in model.modules()}
        self.owner = threading.get_ident()
        self.run = Run(empty=self._why_empty)
        self._model = model
        self._paths = module_paths(model)
        self._wanted = _predicate(modules)
        self._queries = _rows(queries)
        self._values = values
        self._every, self._first, self._check = every, first, check
        self._counts: Counter[int] = Counter()
        self._left_out: Counter[str] = Counter()
        self._problem: Exception | None = None
        self._steps: CallTap | None = None
        self._open: ExitStack | None = None

    def start(self) -> Run:
        """Begin, or go on; return the run that is filled."""
        if self._open is not None:
            raise VisualizerError("this recording has already begun: stop it first")
        self.owner = threading.get_ident()
        with ExitStack() as stack:
            stack.callback(INSTALLATION.leave, self)
            INSTALLATION.join(self)
            stack.enter_context(_uncompiled())
            stack.enter_context(self._counting_steps())
            self._open = stack.pop_all()
        return self.run

    def stop(self) -> None:
        """End the recording; everything is as it was before."""
        if self._open is None:
            return
        try:
            self._open.close()
        finally:
            self._open = None
            self.run.sort()
        problem, self._problem = self._problem, None
        if problem is not None:
            raise VisualizerError(f"the model ran, but a call could not be recorded: {problem}") from problem

    def __enter__(self) -> Run:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.stop()
            return
        try:
            self.stop()
        except VisualizerError as problem:
            error.add_note(str(problem)) if hasattr(error, "add_note") else None

    def failed(self, error: Exception) -> None:
        """Remember the first error of recording, for the end."""
        self._problem = self._problem or error

    def hear(self, found: Found) -> None:
        """Take one attention call."""
        if torch._C._current_graph_task_id() != -1:  # noqa: SLF001 - a checkpoint's recompute in backward
            return
        module = found.place.module
        assert module is not None
        module = self._attention_of(module, found)
        paths = self._paths[module]
        if not any(self._wanted(path, self.modules[module]) for path in paths):
            self._left_out["modules="] += 1
            return
        number = self._counts[module]
        self._counts[module] += 1
        if number % self._every or (self._first is not None and number >= self._first):
            self._left_out["every= or first="] += 1
            return
        self.run.add(self._call(found, module, number))

    def _attention_of(self, module: int, found: Found) -> int:
        """Name the attention module of an encoder layer that did all its work in one operator."""
        inner = getattr(self.modules[module], "self_attn", None)
        native = not isinstance(found.what, FusedCall) and "native" in found.what.how
        return id(inner) if native and id(inner) in self._paths else module

    def _call(self, found: Found, module: int, number: int) -> Call:
        what, owner = found.what, self.modules[module]
        error = None
        if isinstance(what, FusedCall):
            how = what.kernel
            map_ = fused_map(what, owner, values=self._values, queries=self._queries)
            error = compare_rows(what) if self._check else None
        else:
            how = f"{what.how} in {found.place.function}, line {found.place.line}"
            map_ = formed_map(what, owner, queries=self._queries)
        paths = tuple(self._paths[module])
        step = max(self._steps.started - 1, 0) if self._steps is not None else 0
        return Call(
            path=paths[0],
            map=map_,
            number=number,
            order=found.number,
            how=how,
            step=step,
            thread=found.place.thread,
            paths=paths,
            error=error,
        )

    @contextmanager
    def _counting_steps(self) -> Iterator[None]:
        """Count the model's own calls, where its forward is Python."""
        try:
            target = resolve(self._model)
        except VisualizerError:
            yield
            return
        self._steps = tap = CallTap((), target.accepts, lambda *_: None, lambda _: None)
        function = target.functions[0]
        switch.install(function, tap)
        try:
            yield
        finally:
            switch.remove(function, tap)

    def _why_empty(self) -> str:
        name = type(self._model).__name__
        if self._steps is not None and not self._steps.started:
            return f"the {name} was not called while recording"
        if self._left_out:
            reasons = ", ".join(f"{count} calls by {why}" for why, count in self._left_out.items())
            return f"everything was left out: {reasons}"
        return f"the {name} made no attention call that could be seen"


@contextmanager
def _uncompiled() -> Iterator[None]:
    """Run compiled models uncompiled: a compiled graph does not pass through torch's dispatcher."""
    before = torch._dynamo.eval_frame._stance if "torch._dynamo" in __import__("sys").modules else None  # noqa: SLF001
    del before
    with torch.compiler.set_stance("force_eager"):
        yield


def _predicate(modules: Modules | None) -> Callable[[str, Any], bool]:
    if modules is None:
        return lambda *_: True
    if callable(modules):
        return modules
    patterns = [modules] if isinstance(modules, str) else list(modules)
    return lambda path, _: any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def _rows(queries: Any) -> slice | None:
    if queries is None or isinstance(queries, slice):
        return queries
    if queries == "last":
        return slice(-1, None)
    raise OptionError(f"queries={queries!r} was asked for; give 'last' or a slice")


def capture(
    model: Any,
    *,
    modules: Modules | None = None,
    queries: Any = None,
    values: bool = False,
    every: int = 1,
    first: int | None = None,
    check: bool = True,
) -> Session:
    """Record every attention call of a model while a block runs; nothing in the model is edited."""
    return Session(
        model, modules=modules, queries=queries, values=values, every=every, first=first, check=check
    )
