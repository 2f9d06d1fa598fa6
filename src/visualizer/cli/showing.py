"""What commands say: steps on the way to standard error, results to standard output."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, track

from visualizer.errors import VisualizerError

Say = Callable[[str], None]
NOT_ASCII = re.compile(r"[^\n -~]")


@contextmanager
def progress() -> Iterator[Say]:
    """Show the step at work: as a line that changes on a terminal, as a line for each step elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda step: typer.echo(step, err=True)
        return
    columns = SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None)
        yield lambda step: progress.update(task, description=step)


def each(items: Collection[Any], doing: str) -> Iterator[Any]:
    """Yield items; on a terminal a bar shows how many are done."""
    console = Console(stderr=True)
    yield from track(items, doing, console=console, transient=True, disable=not console.is_terminal)


def show(text: str) -> None:
    """Write a result to standard output.

    Raises
    ------
    VisualizerError
        If it cannot be written, as where the disk is full.
    """
    try:
        typer.echo(text)
    except BrokenPipeError:
        raise  # who read it has had enough, which typer knows
    except OSError as error:
        raise VisualizerError(f"The result cannot be written: {error.strerror or error}") from None


def print_json(value: Any) -> None:
    """Write a result for programs to read."""
    show(as_json(value))


def as_json(value: Any) -> str:
    """Return a result as JSON, without characters that command a terminal.

    Numbers that JSON lacks are null, what is of other kinds is its text.
    """
    text = json.dumps(_plain(value), ensure_ascii=False, indent=2, allow_nan=False, default=str)
    return NOT_ASCII.sub(lambda one: one[0] if one[0].isprintable() else json.dumps(one[0])[1:-1], text)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
