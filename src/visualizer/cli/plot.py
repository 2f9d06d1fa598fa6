"""``visualizer plot``: a figure of a saved run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from visualizer.cli.choices import File, Json, Layer, RunPath
from visualizer.cli.runs import call_of, open_run
from visualizer.cli.showing import print_json, show
from visualizer.demo.folders import whole_file
from visualizer.errors import OptionError
from visualizer.escaping import visible

EXAMPLES = """Examples:

  visualizer plot run.zarr -o atlas.pdf

  visualizer plot run.zarr --layer 2 --head 9 -o head.pdf

  visualizer plot run.zarr --layer 2 --head 9 --text bridge --nth 1 -o row.pdf

  visualizer plot run.zarr --layer 2 --head 9 --column --text bridge --nth 1 -o column.pdf

  visualizer plot vit.zarr --layer 11 --head 3 --cell 4,7 --image photo.jpg -o cell.pdf

  visualizer plot vit.zarr --layer 11 --pixel 320,96 --image photo.jpg --crop 80,0,480,480 -o pixel.pdf

  visualizer plot run.zarr --layer 2 --head all --text bridge --nth 1 --no-sinks --mass 0.9 -o heads.pdf

  visualizer plot batch.zarr --layer 11 --batch 2 -o heads.pdf
"""


def plot(  # noqa: PLR0913  each option is a parameter
    run: RunPath,
    *,
    out: File,
    layer: Layer = None,
    head: Annotated[str | None, typer.Option(help="A head, from 0, mean, or of a query all.")] = None,
    query: Annotated[
        int | None, typer.Option(help="The query, or with --column the key: a token's number, from 0.")
    ] = None,
    cell: Annotated[str | None, typer.Option(metavar="ROW,COLUMN", help="Or a cell of the image.")] = None,
    pixel: Annotated[str | None, typer.Option(metavar="X,Y", help="Or a pixel of the image.")] = None,
    text: Annotated[str | None, typer.Option(help="Or a piece of the text.")] = None,
    special: Annotated[str | None, typer.Option(help="Or a special token, such as CLS.")] = None,
    nth: Annotated[int | None, typer.Option(help="Which of several places of the text, from 0.")] = None,
    column: Annotated[
        bool, typer.Option("--column", help="Who looks at what is named, its column, not where it looks.")
    ] = False,
    call: Annotated[int | None, typer.Option(help="Which of several calls of the layer, from 0.")] = None,
    batch: Annotated[int, typer.Option(min=0, help="Which row of the batch, from 0.")] = 0,
    image: Annotated[Path | None, typer.Option(help="The picture that the patches are of.")] = None,
    crop: Annotated[
        str | None,
        typer.Option(
            metavar="LEFT,TOP,WIDTH,HEIGHT", help="The part of it that the model was given, in pixels."
        ),
    ] = None,
    mass: Annotated[
        float, typer.Option(help="Of a query: draw the largest weights that make this share.")
    ] = 1.0,
    sinks: Annotated[
        bool, typer.Option(help="Of a query: draw special tokens and the first, or renormalise without.")
    ] = True,
    title: Annotated[str | None, typer.Option(help="A title.")] = None,
    json: Json = False,
) -> None:
    """Draw all heads of all layers, a layer's heads, one head, where one query looks, or who looks at it."""
    opened = open_run(run)
    asked: dict[str, Any] = {"query": query, "text": text, "special": special, "nth": nth}
    asked |= {"cell": _numbers(cell, "--cell", "ROW,COLUMN, such as 4,7", int)}
    asked |= {"pixel": _numbers(pixel, "--pixel", "X,Y, such as 320,96")}
    asked = {name: value for name, value in asked.items() if value is not None}
    if layer is None and (head is not None or asked):
        raise OptionError("a head, or a query of it, was asked for: give --layer beside it")
    if layer is None and call is not None:
        raise OptionError("--call was asked for: give --layer beside it")
    if image is not None and not asked:
        raise OptionError(
            "--image was given, but maps are not drawn on it: give --query, --cell, --pixel, --text or "
            "--special too"
        )
    if not asked and (head == "all" or mass != 1 or not sinks or column):
        raise OptionError(
            "--head all, --mass, --no-sinks or --column were given, which are of a query: give --query, "
            "--cell, --pixel, --text or --special too"
        )
    from visualizer import plots

    options = {"batch": batch, **_options(title, image, crop)}
    if layer is None:
        figure = plots.atlas(opened, **options)
    elif asked:
        asked |= {"head": _head(head or "mean"), "mass": mass, **call_of(opened, layer, call)}
        figure = _line(opened, asked | options, column=column, sinks=sinks)
    elif head is None:
        figure = plots.heads(opened, **call_of(opened, layer, call), **options)
    else:
        figure = plots.head(opened, head=_head(head), **call_of(opened, layer, call), **options)
    _write(figure, out)
    if json:
        print_json({"written": str(out)})
    else:
        show(f"Written: {visible(str(out))}")


def _line(run: Any, asked: dict[str, Any], *, column: bool, sinks: bool) -> Any:
    """Draw the row of what is named, or its column."""
    from visualizer import plots

    if not column:
        return plots.row(run, sinks=sinks, **asked)
    if not sinks:
        raise OptionError(
            "--no-sinks was given with --column, whose weights are of different rows: leave it out"
        )
    named = {"key" if name == "query" else name: value for name, value in asked.items()}
    return plots.column(run, **named)


def _head(head: str) -> int | str:
    if head in ("mean", "all") or head.isdecimal():
        return int(head) if head.isdecimal() else head
    raise OptionError(f"--head takes a number, from 0, or mean, or of a query all, not {head!r}")


def _numbers(text: str | None, option: str, form: str, kind: type[float] = float) -> tuple[float, ...] | None:
    """Return the numbers of an option; how many they have to be, what takes them says."""
    try:
        return None if text is None else tuple(map(kind, text.split(",")))
    except ValueError:
        raise OptionError(f"{option} takes {form}, not {text!r}") from None


def _options(title: str | None, image: Path | None, crop: str | None) -> dict[str, Any]:
    from visualizer.images import seen_image

    part = _numbers(crop, "--crop", "LEFT,TOP,WIDTH,HEIGHT, such as 80,0,480,480")
    if part is not None and image is None:
        raise OptionError("--crop was given without --image: give the whole picture beside it")
    given = {"title": title, "image": None if image is None else seen_image(image, crop=part)}
    return {name: value for name, value in given.items() if value is not None}


def _write(figure: Any, path: Path) -> None:
    kinds = figure.canvas.get_supported_filetypes()
    kind = path.suffix.removeprefix(".").lower()
    if kind not in kinds:
        raise OptionError(
            f"-o {path} was asked for; give a file that ends with one of {', '.join(sorted(kinds))}"
        )
    with whole_file(path, "The figure") as unfinished:
        figure.savefig(unfinished, format=kind)
