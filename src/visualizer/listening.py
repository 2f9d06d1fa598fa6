"""One recording of a model: what it hears from the recorders while it is open, and fills its run with."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any

from visualizer.errors import MemoryBudgetError, VisualizerError
from visualizer.explaining import Seen
from visualizer.filling import Filling
from visualizer.instrument import switch
from visualizer.instrument.sites import Tap
from visualizer.instrument.targets import resolve
from visualizer.options import Options
from visualizer.recorders.candidates import Candidate
from visualizer.recorders.compiling import STANCE
from visualizer.recorders.graph import GRAPH
from visualizer.recorders.installation import INSTALLATION, Found
from visualizer.recorders.local_values import local_values
from visualizer.recorders.places import find_place
from visualizer.recorders.steps import Steps
from visualizer.run import Run


class Listener:
    """Hears the calls of a model's modules while it is open.

    It knows nothing of the session that opens it, which may be let go of meanwhile.
    """

    def __init__(
        self, model: Any, modules: Mapping[int, Any], paths: Mapping[int, list[str]], options: Options
    ) -> None:
        self._model, self._modules, self._options = model, modules, options
        self._owner = threading.get_ident()
        self._steps: Steps | None = None
        self._problem: Exception | None = None
        self._open: ExitStack | None = None
        self.run = Run(empty=self._why_empty)
        of_class = "" if model is None else type(model).__name__
        self.seen = Seen(of_class, begun=False, locals=options.names)
        self.run.told = self.seen.remarks
        self._filling = Filling(self.run, modules, paths, options, self.seen)

    @property
    def modules(self) -> Mapping[int, Any]:
        """The model's modules, by identity."""
        return self._modules

    @property
    def owner(self) -> int:
        """The thread that started the recording."""
        return self._owner

    @property
    def is_open(self) -> bool:
        """Whether it hears."""
        return self._open is not None

    def open(self) -> None:
        """Begin to hear."""
        self._owner, self.seen.begun = threading.get_ident(), True
        if self._options.gradients:  # through checkpoints alone they are needed; else no run keeps a model
            self.run.modules = self._modules
        self.run.explained_by(self._why_empty)
        self._filling.begin(self._model)
        with ExitStack() as stack:
            stack.callback(self._filling.end)
            stack.enter_context(STANCE.uncompiled())
            stack.enter_context(self._counting_steps())
            stack.enter_context(self._filling.inference.following())
            if self._options.gradients:
                stack.enter_context(GRAPH.reaching(self._modules.values()))
            stack.enter_context(self._recording())
            self._open = stack.pop_all()

    def close(self) -> None:
        """Have everything as it was before."""
        if self._open is None:
            return
        try:
            self._open.close()
        finally:
            self._open = None
            self._filling.forget()
            self._let_go_of_model()

    def abandon(self) -> None:
        """Close, as nobody is there any more who could."""
        self.seen.abandoned = True
        self.close()

    def problems(self) -> tuple[Exception | None, MemoryBudgetError | None]:
        """Return what went wrong first, and whether the budget ended the recording; each is told once."""
        problem, self._problem = self._problem or self._filling.problem(), None
        allowance = self._filling.allowance
        stopped, allowance.stopped = allowance.stopped, None
        return problem, stopped

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
        if not self._means(candidate.place.module):
            return
        shape = tuple(candidate.value.shape) if candidate.value is not None else ()
        place = candidate.place
        self.seen.no_maps[f"{candidate.how} of shape {shape} in {place.function}, line {place.line}"] += 1

    def failed(self, error: Exception) -> None:
        """Remember the first error of recording, for the end."""
        self._problem = self._problem or error
        self.seen.failed = self.seen.failed or str(error)

    def _means(self, module: int | None) -> bool:
        return module in self._modules

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
        return tapped(target.functions[0], self._steps)

    def _traced(self) -> None:
        self.seen.refused["their tensors have no numbers (fake): run the model on real ones"] += 1

    def _started(self) -> int | None:
        return None if self._steps is None else self._steps.started

    def _let_go_of_model(self) -> None:
        """Have the run keep no model alive."""
        self.seen.started = self._started()
        self.run.explained_by(self.seen.explain)

    def _why_empty(self) -> str:
        self.seen.started = self._started()
        return self.seen.explain()


@contextmanager
def _listening(listener: Listener) -> Iterator[None]:
    try:
        INSTALLATION.join(listener)
        yield
    finally:
        INSTALLATION.leave(listener)


@contextmanager
def tapped(function: Any, tap: Tap) -> Iterator[None]:
    """Have a tap in a function for as long as a block runs."""
    try:
        switch.install(function, tap)
        yield
    finally:
        switch.remove(function, tap)
