"""``visualizer run``: a script as Python runs it, with whatever models it runs recorded."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from visualizer.cli.choices import Budget, First, Inputs, Json, Modules, Out, Queries
from visualizer.cli.programs import Program
from visualizer.cli.recording import Recording
from visualizer.cli.runs import check_free
from visualizer.cli.showing import as_json
from visualizer.cli.summaries import WITHOUT_TORCH, summary

EXAMPLES = """Examples:

  visualizer run -o run.zarr main.py --eval --resume best.pth

  visualizer run --modules "*layers.11.*" --first 1 main.py --eval

  visualizer run -m mypackage.evaluate --split test
"""


def run(  # noqa: PLR0913  each option is a parameter
    script: Annotated[str, typer.Argument(metavar="SCRIPT", help="The script; what follows it is its own.")],
    arguments: Annotated[list[str] | None, typer.Argument(metavar="ARGS", help="The script's own.")] = None,
    *,
    module: Annotated[
        bool, typer.Option("-m", help="SCRIPT is a module's name, as python -m takes.")
    ] = False,
    modules: Modules = None,
    first: First = None,
    queries: Queries = None,
    budget: Budget = None,
    out: Out = None,
    inputs: Inputs = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what is there, after a crash.")
    ] = False,
    json: Json = False,
) -> None:
    """Run a script, and record the attention of whatever models it runs; nothing of it is edited."""
    program = Program(script, arguments or [], is_module=module)
    program.prepare()
    check_free(out, resume=resume)
    stored: dict[str, Any] = {} if out is None else {"path": out, "inputs": inputs, "resume": resume}
    options: dict[str, Any] = {
        "modules": modules or None,
        "first": first,
        "queries": queries,
        "budget": budget,
        **stored,
    }
    recording = Recording(_reporter(out) if json else _report, **options)
    with recording:
        code = program.run()
        recording.stopped_by = program.stopped_by
    raise SystemExit(code)


def _report(run: Any) -> None:
    typer.echo(f"visualizer: {WITHOUT_TORCH}" if run is None else repr(run), err=True)


def _reporter(out: str | None) -> Callable[[Any], None]:
    """Have what the program prints go to standard error; return what writes JSON to the output."""
    sys.stdout.flush()
    result = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # for the processes that the program starts too

    def report(run: Any) -> None:
        with result:
            result.write(as_json({"run": out, **summary(run)}) + "\n")

    return report
