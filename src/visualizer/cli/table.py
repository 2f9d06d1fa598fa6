"""``visualizer table``: a read-out of every head, to be sorted."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from visualizer.cli.choices import By, Descending, Json, Layer, Rows, RunPath, Sort, Top
from visualizer.cli.giving import Giving
from visualizer.cli.runs import calls_of, open_run
from visualizer.errors import CallsError

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
    by: By = None,
    sort: Sort = None,
    descending: Descending = False,
    top: Top = None,
    out: Rows = None,
    json: Json = False,
) -> None:
    """Give one row for each layer, head and batch row: a read-out's mean over queries or keys."""
    from visualizer.readout_table import readout_table

    giving = Giving(by=by, sort=sort, top=top, out=out, descending=descending, json=json)
    opened = open_run(run)
    calls = calls_of(opened, layer)
    rows = _on_texts(opened, calls, on) if on else readout_table(calls, read)
    giving.give(rows)


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
