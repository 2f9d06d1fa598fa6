"""``visualizer info``: what a saved run holds."""

from __future__ import annotations

from typing import Any

from visualizer.cli.choices import Json, RunPath
from visualizer.cli.runs import open_run
from visualizer.cli.showing import print_json, show
from visualizer.cli.summaries import axes_lines, summary
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
    made = [f"{name}: {_short(value)}" for name, value in found.provenance.items()]
    for line in [*axes_lines(found), *made]:
        show(visible(line))


def _short(value: Any) -> str:
    """Return a value in words: of a list, which has an entry for each forward, the first."""
    return f"{len(value)}, first {value[0]}" if isinstance(value, list) and len(value) > 1 else str(value)
