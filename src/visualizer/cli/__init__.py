"""The command line: ``visualizer`` and ``python -m visualizer``.

A user's mistake is one sentence and exit code 2. No framework is loaded before a command needs it.
"""

from __future__ import annotations

import sys

import typer

from visualizer.cli.application import app
from visualizer.errors import VisualizerError
from visualizer.escaping import visible

__all__ = ["main"]


def main() -> None:
    """Run the command line."""
    try:
        app(prog_name="visualizer")  # by `python -m` too: completion is of this name
    except VisualizerError as error:
        typer.echo(f"visualizer: {visible(str(error))}", err=True)
        sys.exit(2)
