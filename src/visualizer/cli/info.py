"""``visualizer info``: what a saved run holds."""

from __future__ import annotations

from typing import Any

import typer

from visualizer.cli.choices import Json, RunPath
from visualizer.cli.runs import open_run
from visualizer.cli.showing import print_json

EXAMPLES = """Example:

  visualizer info run.zarr
"""
FIELDS = ("path", "number", "step", "item", "how", "shape", "note")


def info(run: RunPath, *, json: Json = False) -> None:
    """Say which calls a saved run holds, what their tokens are, and what made it."""
    found = open_run(run)
    made = {name: str(value) for name, value in found.provenance.items()}
    if json:
        print_json({"calls": [_fields(call) for call in found], "axes": _axes(found), "made by": made})
        return
    typer.echo(repr(found))
    for name, value in {**_axes(found), **made}.items():
        typer.echo(f"{name}: {value}")


def _fields(call: Any) -> dict[str, Any]:
    error = None if call.error is None else float(call.error)
    return {name: getattr(call, name) for name in FIELDS} | {"error": error}


def _axes(run: Any) -> dict[str, str]:
    """Return what queries and keys are, in words, where all maps have the same."""
    known = {side: {_words(run, call, side) for call in run} for side in ("queries", "keys")}
    return {side: found.pop() for side, found in known.items() if len(found) == 1 and "" not in found}


def _words(run: Any, call: Any, side: str) -> str:
    return str(run.axis(call, side).arithmetic) if run.labels.knows(call, side) else ""
