"""All commands, each of which has a file of its own."""

from __future__ import annotations

from typing import Annotated

import typer

from visualizer import __version__
from visualizer.cli import capture, demo, doctor, find, run

app = typer.Typer(
    help="Any attention map, or any other local value, out of any deep-learning model without editing it.",
    epilog="Example: visualizer demo --out maps",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for command in (demo.demo, doctor.doctor, find.find, capture.capture):
    app.command(epilog=command.__globals__["EXAMPLES"])(command)
app.command(epilog=run.EXAMPLES, context_settings={"allow_interspersed_args": False})(run.run)


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
