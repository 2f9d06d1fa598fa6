"""``visualizer table``: a read-out of every head, to be sorted."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from visualizer.cli.choices import Json, Layer, RunPath
from visualizer.cli.runs import calls_of, open_run
from visualizer.cli.showing import print_json
from visualizer.errors import OptionError

EXAMPLES = """Examples:

  visualizer table run.zarr --read entropy --sort entropy --top 10

  visualizer table run.zarr --on river --sort river --descending

  visualizer table run.zarr --layer 11 --json
"""


def table(  # noqa: PLR0913  each option is a parameter
    run: RunPath,
    *,
    read: Annotated[str, typer.Option(help="A read-out: entropy, received, rest, … .")] = "entropy",
    on: Annotated[
        list[str] | None, typer.Option(help="In its place, the weight on this text; may be given again.")
    ] = None,
    layer: Layer = None,
    sort: Annotated[str | None, typer.Option(help="The column to sort by.")] = None,
    descending: Annotated[bool, typer.Option("--descending", help="The largest first.")] = False,
    top: Annotated[int | None, typer.Option(min=1, help="Only the first rows.")] = None,
    json: Json = False,
) -> None:
    """Print one row for each layer, head and batch row: a read-out's mean over queries or keys."""
    from visualizer.readout_table import readout_table

    opened = open_run(run)
    calls = calls_of(opened, layer)
    rows = readout_table(calls, "mass", groups=_groups(opened, on)) if on else readout_table(calls, read)
    if descending and sort is None:
        raise OptionError("--descending needs --sort beside it")
    rows = rows if sort is None else rows.sort(sort, descending=descending)
    rows = rows[:top]
    if json:
        print_json([dict(row) for row in rows])
    else:
        typer.echo(repr(rows))


def _groups(run: Any, texts: list[str]) -> dict[str, list[int]]:
    """Return the tokens of all places of each text."""
    return {
        text: [n for place in run.where(text, "all") for n in range(place.start, place.stop)]
        for text in texts
    }
