"""Shows runs where one is: in a notebook, in a browser, or as a file on a machine without a screen."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
import webbrowser
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from visualizer.errors import require
from visualizer.escaping import visible
from visualizer.run import Run
from visualizer.viewer.given import runs_given
from visualizer.viewer.html import to_html
from visualizer.viewer.notebooks import display_below
from visualizer.viewer.screens import has_screen, tunnel_to
from visualizer.viewer.server import Server, serve

PORT = 8787
"""In the lines that say how to come here."""
WAY_OUT = 'To keep the page, or hand it on: run.to_html("run.html")'


def show(
    runs: Run | Sequence[Run], path: str | os.PathLike[str] | None = None, **options: Any
) -> Server | None:
    """Show a run, or compare two: in a notebook as a widget, else from a server in a browser.

    On a machine without a screen a file is written and nothing is opened: what is printed says where it is,
    and how to look at the run from elsewhere. A script waits for Ctrl-C; in a session of Python the server
    goes on, and is returned.

    Parameters
    ----------
    runs
        One run, or two.
    path
        Where the file goes; among temporary files unless given.
    **options
        What `to_html` takes, for the file.

    Raises
    ------
    MissingExtraError
        If anywidget is not installed, in a notebook, or starlette or uvicorn, before a screen.
    TargetError
        If something that is no run was to be shown.
    OptionError
        If the runs hold no map, or an option is not as it is to be.
    """
    display = display_below()
    if display:
        _show_widget(runs, display)
    elif not has_screen():
        _write(runs, path, options)
    else:
        return _show_served(runs)
    return None


def _show_widget(runs: Run | Sequence[Run], display: Callable[[Any], Any]) -> None:
    require("anywidget", "viewer", "The viewer in a notebook")
    from visualizer.viewer.widget import Widget

    display(Widget(runs))
    _say(WAY_OUT)


def _show_served(runs: Run | Sequence[Run]) -> Server | None:
    server = serve(runs)
    webbrowser.open(server.url)
    is_session = bool(sys.flags.interactive) or hasattr(sys, "ps1")
    until = "the server that is returned is stopped" if is_session else "Ctrl-C"
    _say(f"Serving at {server.url} until {until}. {WAY_OUT}")
    if is_session:
        return server
    with server, suppress(KeyboardInterrupt):
        server.wait()
    return None


def _write(runs: Run | Sequence[Run], path: str | os.PathLike[str] | None, options: dict[str, Any]) -> None:
    file = Path(path or Path(tempfile.mkdtemp(prefix="visualizer-"), "run.html")).resolve()
    to_html(runs, file, **options)
    _say(
        f"There is no screen here, so nothing was opened; the page is one file: {file}\n"
        f"All of it: {_serving(runs_given(runs))}, and there\n{tunnel_to(PORT)}\n{WAY_OUT}"
    )


def _serving(runs: Sequence[Run]) -> str:
    """Return how runs are served from where they lie, or from where they are saved first."""
    named = [*zip(("run", "other"), runs, strict=False)]
    saving = [f'{name}.save("{name}.zarr"), ' for name, run in named if not run.stored_at]
    paths = [shlex.quote(run.stored_at or f"{name}.zarr") for name, run in named]
    return f"{''.join(saving)}here `visualizer view {' '.join(map(visible, paths))} --port {PORT}`"


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  # who shows a run is to read where it is
