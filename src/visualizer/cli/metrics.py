"""``visualizer metrics``: what every head of a run does."""

from __future__ import annotations

from typing import Annotated

import typer

from visualizer.cli.choices import By, Descending, Json, Layer, Rows, RunPath, Sort, Top
from visualizer.cli.giving import Giving
from visualizer.cli.runs import open_run, path_of

EXAMPLES = """Examples:

  visualizer metrics run.zarr -o heads.csv

  visualizer metrics run.zarr --measure previous_token --sort previous_token --descending --top 5

  visualizer metrics run.zarr --by path
"""


def metrics(  # noqa: PLR0913  each option is a parameter
    run: RunPath,
    *,
    measure: Annotated[
        list[str] | None,
        typer.Option(help="Only this measure, such as entropy, first_token, induction; may be given again."),
    ] = None,
    layer: Layer = None,
    by: By = None,
    sort: Sort = None,
    descending: Descending = False,
    top: Top = None,
    out: Rows = None,
    json: Json = False,
) -> None:
    """Say what every head does: one row for each layer, head and batch row, a column for each measure."""
    giving = Giving(by=by, sort=sort, top=top, out=out, descending=descending, json=json)
    opened = open_run(run)
    path = "*" if layer is None else path_of(opened, layer)
    opened.some_calls(path)  # or it is told why there are none
    giving.give(opened.metrics(measure, path=path))
