"""All commands, each of which has a file of its own."""

from __future__ import annotations

from typing import Annotated

import typer

from visualizer import __version__
from visualizer.cli import capture, demo, doctor, export, find, info, metrics, plot, run, table, view

app = typer.Typer(
    help="Any attention map, or any other local value, out of any deep-learning model without editing it.",
    epilog="Example: visualizer demo --out maps",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for home in (demo, doctor, find, capture, run, info, plot, table, metrics, view, export):
    name = home.__name__.rpartition(".")[2]
    own = {"allow_interspersed_args": home is not run}  # what follows a script is the script's
    app.command(epilog=home.EXAMPLES, context_settings=own)(getattr(home, name))


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"visualizer {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Say the version and stop."),
    ] = False,
) -> None:
    pass
