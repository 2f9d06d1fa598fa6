"""`capture`: record every attention call of a model while a block runs."""

from __future__ import annotations

import difflib
import fnmatch
import os
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Any

import torch

from visualizer.errors import OptionError, StoreError, TargetError, VisualizerError
from visualizer.explaining import Seen
from visualizer.listening import Listener
from visualizer.listening_to_all import ListenerToAll
from visualizer.options import Modules, Options, Readouts
from visualizer.recorders.adopting import has_lazy_parameters
from visualizer.recorders.paths import module_paths
from visualizer.run import Run


class Session:
    """A recording of a model: `start` and `stop` by hand, or a ``with`` block, which gives the `Run`.

    A session that is let go of while it records ends its recording.
    """

    def __init__(self, model: Any, options: Options) -> None:
        self._listener = ListenerToAll(options) if model is None else _listener_to(model, options)
        self._abandon: weakref.finalize[..., Any] | None = None

    @property
    def run(self) -> Run:
        """The run that is filled."""
        return self._listener.run

    @property
    def seen(self) -> Seen:
        """What was seen and not recorded."""
        return self._listener.seen

    def start(self) -> Run:
        """Begin, or go on; return the run that is filled.

        Raises
        ------
        VisualizerError
            If the recording is on already.
        NameNotBoundError
            If locals are wanted that no forward of the model binds.
        StoreError
            If the path is taken, or cannot be written.
        """
        if self._listener.is_open:
            raise VisualizerError("this recording is on already: stop it before you start it again")
        self._listener.open()
        self._abandon = weakref.finalize(self, self._listener.abandon)
        self._abandon.atexit = False
        return self.run

    def stop(self) -> None:
        """End the recording; everything is as it was before.

        Raises
        ------
        MemoryBudgetError
            If recording stopped at its budget.
        VisualizerError
            If a call could not be recorded; the model was not disturbed.
        StoreError
            If the path could be written no more, or something recorded cannot be stored.
        """
        if self._abandon is not None:
            self._abandon.detach()
        self._listener.close()
        problem, stopped = self._listener.problems()
        if isinstance(problem, StoreError):
            raise problem
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


def _listener_to(model: Any, options: Options) -> Listener:
    if not isinstance(model, torch.nn.Module):
        raise TargetError(
            f"capture was asked to record a {type(model).__name__}; give it the torch.nn.Module itself"
        )
    modules = {id(module): module for module in model.modules()}
    paths = module_paths(model)
    _check_parameters(modules)
    _check_patterns(options, model, paths)
    return Listener(model, modules, paths, options)


def _check_parameters(modules: dict[int, Any]) -> None:
    """Refuse lazy modules that have not run: what is a parameter could not be told."""
    lazy = [type(module).__name__ for module in modules.values() if has_lazy_parameters(module)]
    if lazy:
        raise TargetError(
            f"capture was asked to record a model whose {lazy[0]} has no parameters yet: run the model "
            "once before, which makes them"
        )


def _check_patterns(options: Options, model: Any, paths_of: dict[int, list[str]]) -> None:
    """Refuse patterns that no module has."""
    patterns = options.modules
    if patterns is None or callable(patterns):
        return
    paths = [path for of_module in paths_of.values() for path in of_module]
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        if not fnmatch.filter(paths, pattern):
            near = difflib.get_close_matches(pattern, paths, 3, 0)
            raise OptionError(
                f"modules={pattern!r} was asked for, but no module of the {type(model).__name__} "
                f"has such a path; there are {', '.join(map(repr, near))}"
            )


def capture(  # noqa: PLR0913  # the options are the face
    model: Any = None,
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
    path: str | os.PathLike[str] | None = None,
    resume: bool = False,
    inputs: bool = False,
) -> Session:
    """Record every attention call of a model, fused or not, while a block runs, without editing the model.

    Parameters
    ----------
    model
        A `torch.nn.Module`; calls of its modules are recorded, on whatever thread. Without one, whatever
        models run meanwhile are recorded.
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

    path
        Write calls there while the model runs, as `Run.save` does, and hold none: a folder that is to be
        made, or a URL of fsspec. ``budget`` is of what waits to be written then.
    resume
        Go on with what is at the path, after a crash too.
    inputs
        With ``path``, store what the model's forward was given, not its hash alone.

    Returns
    -------
    Session
        A context manager that gives the `Run`, or to be started and stopped by hand.

    Raises
    ------
    OptionError
        If an option is none of its choices, or needs a model.
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
        path=path,
        resume=resume,
        inputs=inputs,
    )
    return Session(model, options)
