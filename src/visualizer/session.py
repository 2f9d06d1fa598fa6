"""`capture`: record every attention call of a model while a block runs."""

from __future__ import annotations

import difflib
import fnmatch
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from types import TracebackType
from typing import Any

import torch
from torch.nn.parameter import is_lazy

from visualizer.errors import OptionError, TargetError, VisualizerError
from visualizer.explaining import Seen
from visualizer.filling import Filling
from visualizer.instrument import switch
from visualizer.instrument.targets import resolve
from visualizer.options import Modules, Options, Readouts
from visualizer.recorders.candidates import Candidate
from visualizer.recorders.compiling import STANCE
from visualizer.recorders.installation import INSTALLATION, Found
from visualizer.recorders.local_values import local_values
from visualizer.recorders.paths import module_paths
from visualizer.recorders.places import find_place
from visualizer.recorders.steps import Steps
from visualizer.run import Run


class Session:
    """A recording of a model: `start` and `stop` by hand, or a ``with`` block, which gives the `Run`."""

    def __init__(self, model: Any, options: Options) -> None:
        if not isinstance(model, torch.nn.Module):
            raise TargetError(
                f"capture was asked to record a {type(model).__name__}; give it the torch.nn.Module itself"
            )
        self._model, self._options = model, options
        self._modules = {id(module): module for module in model.modules()}
        self._check_parameters()
        self._owner = threading.get_ident()
        self._steps: Steps | None = None
        self._problem: Exception | None = None
        self._open: ExitStack | None = None
        self.run = Run(empty=self._why_empty)
        self._paths = module_paths(model)
        self.seen = Seen(type(model).__name__, begun=False, locals=options.names)
        self.run.remarks = self.seen.remarks
        self._filling = Filling(self.run, self._modules, self._paths, options, self.seen)
        self._check_modules()

    @property
    def modules(self) -> Mapping[int, Any]:
        """The model's modules, by identity."""
        return self._modules

    @property
    def owner(self) -> int:
        """The thread that started the recording."""
        return self._owner

    def start(self) -> Run:
        """Begin, or go on; return the run that is filled.

        Raises
        ------
        VisualizerError
            If the recording is on already.
        NameNotBoundError
            If locals are wanted that no forward of the model binds.
        """
        if self._open is not None:
            raise VisualizerError("this recording is on already: stop it before you start it again")
        self._owner, self.seen.begun = threading.get_ident(), True
        self.run.modules = self._modules
        self.run.explained_by(self._why_empty)
        with ExitStack() as stack:
            stack.enter_context(STANCE.uncompiled())
            stack.enter_context(self._counting_steps())
            stack.enter_context(self._recording())
            self._open = stack.pop_all()
        return self.run

    def stop(self) -> None:
        """End the recording; everything is as it was before.

        Raises
        ------
        MemoryBudgetError
            If recording stopped at its budget.
        VisualizerError
            If a call could not be recorded; the model was not disturbed.
        """
        if self._open is None:
            return
        try:
            self._open.close()
        finally:
            self._open = None
            self._filling.forget()
            self.run.sort()
            self._let_go_of_model()
        problem, self._problem = self._problem, None
        stopped, self._filling.stopped = self._filling.stopped, None
        if problem is not None:
            raise VisualizerError(f"the model ran, but a call could not be recorded: {problem}") from problem
        if stopped is not None:
            raise stopped

    def __enter__(self) -> Run:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.seen.stopped_by = kind.__name__ if kind is not None else ""
        try:
            self.stop()
        except VisualizerError:
            if error is None:  # else the model's own error is the one to tell
                raise

    @property
    def wants_gradients(self) -> bool:
        """Whether the graph should reach every map."""
        return self._options.gradients

    def hear(self, found: Found) -> None:
        """Take one attention call."""
        self.seen.started = self._started()
        self._filling.take(found)

    def left(self, candidate: Candidate) -> None:
        """Take a softmax that was no map."""
        shape = tuple(candidate.value.shape) if candidate.value is not None else ()
        place = candidate.place
        self.seen.no_maps[f"{candidate.how} of shape {shape} in {place.function}, line {place.line}"] += 1

    def failed(self, error: Exception) -> None:
        """Remember the first error of recording, for the end."""
        self._problem = self._problem or error
        self.seen.failed = self.seen.failed or str(error)

    def _recording(self) -> Any:
        if self._options.names:
            return local_values(self._modules, self._options.names, self._hear_local)
        return _listening(self)

    def _hear_local(self, name: str, value: Any, function: str) -> None:
        try:
            place = find_place(self._modules)
            self.seen.started = self._started()
            self._filling.take_local(name, value, function, place, INSTALLATION.next_number())
        except Exception as error:  # noqa: BLE001  # the model must go on
            self.failed(error)

    def _counting_steps(self) -> Any:
        """Count the model's own calls, where its forward is Python."""
        try:
            target = resolve(self._model)
        except VisualizerError:
            return nullcontext()
        self._steps = self._steps or Steps(target.accepts, self._filling.begin_forward, self._traced)
        return _tapped(target.functions[0], self._steps)

    def _traced(self) -> None:
        self.seen.refused["their tensors have no numbers (fake): run the model on real ones"] += 1

    def _started(self) -> int | None:
        return None if self._steps is None else self._steps.started

    def _let_go_of_model(self) -> None:
        """Have the run keep no model alive: gradients through checkpoints alone need one."""
        self.seen.started = self._started()
        self.run.explained_by(self.seen.explain)
        if not self._options.gradients:
            self.run.modules = {}

    def _why_empty(self) -> str:
        self.seen.started = self._started()
        return self.seen.explain()

    def _check_parameters(self) -> None:
        """Refuse lazy modules that have not run: what is a parameter could not be told."""
        lazy = [type(module).__name__ for module in self._modules.values() if _is_lazy(module)]
        if lazy:
            raise TargetError(
                f"capture was asked to record a model whose {lazy[0]} has no parameters yet: run the model "
                "once before, which makes them"
            )

    def _check_modules(self) -> None:
        """Refuse patterns that no module has."""
        patterns = self._options.modules
        if patterns is None or callable(patterns):
            return
        paths = [path for of_module in self._paths.values() for path in of_module]
        for pattern in [patterns] if isinstance(patterns, str) else patterns:
            if not fnmatch.filter(paths, pattern):
                near = difflib.get_close_matches(pattern, paths, 3, 0)
                raise OptionError(
                    f"modules={pattern!r} was asked for, but no module of the {type(self._model).__name__} "
                    f"has such a path; there are {', '.join(map(repr, near))}"
                )


def _is_lazy(module: Any) -> bool:
    held = (*module._parameters.values(), *module._buffers.values())  # noqa: SLF001 - its own, without names
    return any(map(is_lazy, held))


@contextmanager
def _listening(session: Session) -> Iterator[None]:
    try:
        INSTALLATION.join(session)
        yield
    finally:
        INSTALLATION.leave(session)


@contextmanager
def _tapped(function: Any, tap: Steps) -> Iterator[None]:
    try:
        switch.install(function, tap)
        yield
    finally:
        switch.remove(function, tap)


def capture(  # noqa: PLR0913  # the options are the face
    model: Any,
    *,
    modules: Modules | None = None,
    queries: str | slice | Callable[[int], Any] | None = None,
    locals: str | list[str] | tuple[str, ...] | None = None,  # noqa: A002  # the word for what it is
    keep: str = "factors",
    readouts: Readouts | None = None,
    values: bool = False,
    gradients: bool = False,
    device: Any = None,
    dtype: Any = None,
    budget: str | int | None = None,
    every: int = 1,
    first: int | None = None,
    check: bool = True,
    compiled: str = "eager",
) -> Session:
    """Record every attention call of a model, fused or not, while a block runs, without editing the model.

    Parameters
    ----------
    model
        A `torch.nn.Module`; calls of its modules are recorded, on whatever thread.
    modules
        A glob or several over module paths, such as ``"layers.*.attn"``, or a function of path and module.
    queries
        Query rows to keep, all keys of them: ``"last"``, a slice, or a function of a query's index.
    locals
        Names of locals to record in the place of attention maps, of every forward that binds them: without
        ``queries``, ``keep``, ``readouts``, ``values`` and ``gradients``, which are about maps.
    keep
        ``"factors"`` (small, exact, read out lazily), ``"dense"`` (each map is formed at once) or
        ``"readouts"``.
    readouts
        With ``keep="readouts"``: names of read-outs of `AttentionMap` without arguments, one or several, or
        functions of a map by name. They are made at once, and the map is let go of.
    values
        Keep v too.
    gradients
        Keep what `Run.gradients` needs.
    device, dtype
        Where factors are held, and as what floating torch.dtype; as they are where not given.
    budget
        Bytes that the run may hold, such as ``"4GB"``; half of the free memory where not given. At the budget
        recording stops, the model goes on, and leaving the block raises `MemoryBudgetError`.
    every, first
        Record each n-th call of each module, of each local; only the first n calls.
    check
        Compare a few rows of every fused call with the call's own output.
    compiled
        ``"eager"``: a compiled model runs uncompiled while it is recorded.

    Returns
    -------
    Session
        A context manager that gives the `Run`, or to be started and stopped by hand.

    Raises
    ------
    OptionError
        If an option is none of its choices.
    TargetError
        If ``model`` is no module, or has lazy ones that have not run.

    Examples
    --------
    >>> import torch
    >>> layer = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    >>> x = torch.randn(1, 5, 8)
    >>> with capture(layer) as run:
    ...     _ = layer(x, x, x, need_weights=False)
    >>> run[""].shape
    (1, 2, 5, 5)
    """
    options = Options(
        modules=modules,
        queries=queries,
        locals=locals,
        keep=keep,
        readouts=readouts,
        values=values,
        gradients=gradients,
        device=device,
        dtype=dtype,
        budget=budget,
        every=every,
        first=first,
        check=check,
        compiled=compiled,
    )
    return Session(model, options)
