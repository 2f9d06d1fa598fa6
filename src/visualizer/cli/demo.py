"""``visualizer demo``: attention maps of two trained models, or of one's own, as pictures."""

from __future__ import annotations

import os
import shutil
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from visualizer.cli.showing import progress
from visualizer.viewer.screens import has_screen

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
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Open no browser.")] = False,
) -> None:
    """Draw attention maps of two trained models, or of yours: PNG pictures, and pages to look around in."""
    from visualizer.demo.choices import Choice
    from visualizer.demo.folders import open_folder
    from visualizer.demo.gallery import draw_gallery, write
    from visualizer.demo.readings import Given

    notes: list[str] = []
    with open_folder(out), progress() as say:
        pictures = draw_gallery(model, Given(text, text_pair, image), Choice(layer, head), say, notes.append)
        written = [(write(picture, out), picture.shows) for picture in pictures]
    width = max(len(str(path)) for path, _ in written)
    lines = [f"  {path!s:{width}}  {shows}" for path, shows in written]
    typer.echo("\n".join(["Written:", *lines, *notes, "", MORE.format(command=_command())]))
    _look_at(next(path for path, _ in written if path.suffix == ".html"), no_browser=no_browser)


def _look_at(page: Path, *, no_browser: bool) -> None:
    """Open a page where there is a screen, and say where it is."""
    address = page.resolve().as_uri()
    typer.echo(f"\nLook around: {address}")
    if has_screen() and not no_browser:
        webbrowser.open(address)


def _command() -> str:
    """Return what starts this program: a folder of an environment that is not switched on has to be named."""
    if shutil.which("visualizer"):
        return "visualizer"
    return f"{os.path.relpath(sys.executable)} -m visualizer"
