"""``visualizer table``: a read-out of every head, to be sorted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from visualizer.cli.choices import Json, Layer, RunPath
from visualizer.cli.runs import calls_of, open_run
from visualizer.cli.showing import print_json, show
from visualizer.cli.writing import writer_for
from visualizer.demo.folders import whole_file
from visualizer.errors import CallsError, OptionError
from visualizer.escaping import visible

EXAMPLES = """Examples:

  visualizer table run.zarr --read entropy --sort entropy --top 10

  visualizer table run.zarr --on river --sort river --descending

  visualizer table run.zarr --read received --by path --by head -o received.csv

  visualizer table run.zarr --layer 5 --json
"""


def table(  # noqa: PLR0913  each option is a parameter
    run: RunPath,
    *,
    read: Annotated[str, typer.Option(help="A read-out: entropy, received, rest, … .")] = "entropy",
    on: Annotated[
        list[str] | None, typer.Option(help="In its place, the weight on this text; may be given again.")
    ] = None,
    layer: Layer = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN",
            help="The mean over rows alike in this column, such as head; may be given again.",
        ),
    ] = None,
    sort: Annotated[str | None, typer.Option(help="The column to sort by.")] = None,
    descending: Annotated[bool, typer.Option("--descending", help="The largest first.")] = False,
    top: Annotated[int | None, typer.Option(min=1, help="Only the first rows.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write the rows here: .csv, .json or .parquet.")
    ] = None,
    json: Json = False,
) -> None:
    """Give one row for each layer, head and batch row: a read-out's mean over queries or keys."""
    from visualizer.readout_table import readout_table

    if descending and sort is None:
        raise OptionError("--descending needs --sort beside it")
    if out is not None:
        writer_for(out)  # or it says now what is wrong
    opened = open_run(run)
    calls = calls_of(opened, layer)
    rows = _on_texts(opened, calls, on) if on else readout_table(calls, read)
    rows = rows.mean(by) if by else rows
    rows = rows if sort is None else rows.sort(sort, descending=descending)
    plain = [dict(row) for row in rows[:top]]
    if out is not None:
        with whole_file(out, "The table") as unfinished:
            writer_for(out)(unfinished, plain)
    if json:
        print_json(plain)
    elif out is not None:
        show(f"Written: {visible(str(out))}")
    else:
        show(repr(rows[:top]))


def _on_texts(run: Any, calls: list[Any], texts: list[str]) -> Any:
    """Return the weight on texts, of each call on what it has of them: a step has not all that is to come."""
    from visualizer.readout_table import Table, readout_table

    found = [{text: _places(run, call, text) for text in texts} for call in calls]
    for text in texts:
        if not any(groups[text] for groups in found):
            run.where(text, "all")  # which says what there is
    tables = [readout_table([call], "mass", groups=groups) for call, groups in zip(calls, found, strict=True)]
    return Table(row for table in tables for row in table)


def _places(run: Any, call: Any, text: str) -> list[int]:
    """Return the tokens of all places of a text among a call's keys."""
    try:
        return [n for place in run.where(text, "all", path=call) for n in range(place.start, place.stop)]
    except CallsError:
        return []
