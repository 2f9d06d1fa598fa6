"""``visualizer info``: what a saved run holds."""

from __future__ import annotations

from visualizer.cli.choices import Json, RunPath
from visualizer.cli.runs import open_run
from visualizer.cli.showing import print_json, show
from visualizer.cli.summaries import axes, summary
from visualizer.escaping import visible

EXAMPLES = """Examples:

  visualizer info run.zarr

  visualizer info run.zarr --json
"""


def info(run: RunPath, *, json: Json = False) -> None:
    """Say which calls a saved run holds, what their tokens are, and what made it."""
    found = open_run(run)
    if json:
        print_json(summary(found))
        return
    show(repr(found))
    for name, value in {**axes(found), **found.provenance}.items():
        show(f"{visible(name)}: {visible(str(value))}")
