"""Saved runs: opened, their layers named as a user names them, written."""

from __future__ import annotations

import os
from typing import Any

from visualizer.errors import CallsError, StoreError


def open_run(path: str) -> Any:
    """Load a saved run.

    Raises
    ------
    StoreError
        If it is not there, or is none.
    """
    import visualizer

    return visualizer.load(path)


def path_of(run: Any, layer: str) -> str:
    """Return the path that a layer's number, or a path itself, names.

    Raises
    ------
    CallsError
        If the run has no such layer.
    """
    paths = run.paths
    if not paths or not layer.removeprefix("-").isdecimal():  # of an empty run it is told why it is
        return layer
    if not -len(paths) <= int(layer) < len(paths):
        raise CallsError(f"--layer {layer} was asked for, but the run has layers 0 to {len(paths) - 1}")
    found: str = paths[int(layer)]
    return found


def calls_of(run: Any, layer: str | None) -> list[Any]:
    """Return the calls of a layer, or all.

    Raises
    ------
    CallsError
        If there are none.
    """
    calls: list[Any] = run.some_calls("*" if layer is None else path_of(run, layer))
    return calls


def call_of(run: Any, layer: str, number: int | None) -> dict[str, Any]:
    """Return one of a layer's calls, as pictures name it; of several it has to be told which.

    Calls are counted as they lie in the run: their own numbers begin anew where a run was resumed.

    Raises
    ------
    CallsError
        If the layer has no such call, or several.
    """
    calls = calls_of(run, layer)
    if number is None and len(calls) > 1:
        raise CallsError(f"--layer {layer} has {len(calls)} calls: give --call, from 0 to {len(calls) - 1}")
    if not 0 <= (number or 0) < len(calls):
        raise CallsError(f"--call {number} was asked for, but there are calls 0 to {len(calls) - 1}")
    path = calls[number or 0].path
    return {"layer": path, "call": sum(one.path == path for one in calls[: number or 0])}


def check_free(out: str | None, *, resume: bool = False) -> None:
    """Refuse a place that is taken, before a model runs for hours.

    Raises
    ------
    StoreError
        If there is something.
    """
    if out is not None and not resume and os.path.lexists(out):
        raise StoreError(f"-o {out} was asked for, but there is something already: give another place")
