"""The command line: ``visualizer`` and ``python -m visualizer``.

Errors of this package are one sentence and exit code 1. No framework is loaded before a command needs it.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from visualizer import __version__
from visualizer.errors import VisualizerError

EXAMPLES = """Examples:

  visualizer demo

  visualizer demo --text "He sat on the bank." --text-pair "The bank was closed."

  visualizer demo --layer 3 --head 1

  visualizer demo --model timm:vit_tiny_patch16_224 --image photo.jpg

  visualizer demo --model hf:path/to/folder --out maps
"""
MORE = """See more:
  {command} demo --text "..." --text-pair "..."       sentences of your own
  {command} demo --model hf:NAME --text "..."         another text model, from the hub or a folder
  {command} demo --model timm:NAME --image photo.jpg  a vision model, and a picture of yours
  {command} demo --layer 3 --head 1                   another layer and head
  in Python, the maps of any model, without editing it:
      with visualizer.watch(Attention, "attn") as seen:
          model(x)
      visualizer.plots.heads(seen[0].value).savefig("heads.png")"""

app = typer.Typer(
    help="Any attention map, or any other local value, out of any deep-learning model without editing it.",
    epilog="Example: visualizer demo --out maps",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line."""
    try:
        app()
    except VisualizerError as error:
        typer.echo(f"visualizer: {error}", err=True)
        sys.exit(1)


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


@app.command(epilog=EXAMPLES)
def demo(  # noqa: PLR0913  each option is a parameter
    *,
    out: Annotated[Path, typer.Option(help="Folder for the pictures; made if it is not there.")] = Path(
        "demo"
    ),
    model: Annotated[
        str | None,
        typer.Option(
            metavar="timm:NAME|hf:NAME", help="Another model: a name on the hub, or a local folder."
        ),
    ] = None,
    text: Annotated[str | None, typer.Option(help="What a text model reads.")] = None,
    text_pair: Annotated[str | None, typer.Option(help="A second sentence beside --text.")] = None,
    image: Annotated[Path | None, typer.Option(help="What a vision model sees.")] = None,
    layer: Annotated[int | None, typer.Option(help="Layer to draw, counted from 0.")] = None,
    head: Annotated[int | None, typer.Option(help="Head to draw, counted from 0.")] = None,
) -> None:
    """Draw attention maps of two trained models, or of your own, as PNG pictures."""
    from visualizer.demo.choices import Choice
    from visualizer.demo.folders import open_folder
    from visualizer.demo.gallery import draw_gallery, write_picture
    from visualizer.demo.readings import Given

    notes: list[str] = []
    with open_folder(out), _progress() as say:
        pictures = draw_gallery(model, Given(text, text_pair, image), Choice(layer, head), say, notes.append)
        written = [(write_picture(picture, out), picture.shows) for picture in pictures]
    width = max(len(str(path)) for path, _ in written)
    lines = [f"  {path!s:{width}}  {shows}" for path, shows in written]
    typer.echo("\n".join(["Written:", *lines, *notes, "", MORE.format(command=_command())]))


def _command() -> str:
    """Return what starts this program: a folder of an environment that is not switched on has to be named."""
    if shutil.which("visualizer"):
        return "visualizer"
    return f"{os.path.relpath(sys.executable)} -m visualizer"


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Show the step at work: as a line that changes on a terminal, as a line for each step elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda step: typer.echo(step, err=True)
        return
    columns = SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None)
        yield lambda step: progress.update(task, description=step)
