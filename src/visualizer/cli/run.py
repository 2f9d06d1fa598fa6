"""``visualizer run``: a script as Python runs it, with whatever models it runs recorded."""

from __future__ import annotations

from typing import Annotated

import typer

from visualizer.cli.choices import Budget, First, Modules, Out, Queries
from visualizer.cli.programs import Program
from visualizer.cli.recording import Recording
from visualizer.cli.runs import check_free

EXAMPLES = """Examples:

  visualizer run -o run.zarr main.py --eval --resume best.pth

  visualizer run --modules "*.layers.11.*" --first 1 main.py --eval

  visualizer run -m mypackage.evaluate --split test
"""


def run(  # noqa: PLR0913  each option is a parameter
    script: Annotated[str, typer.Argument(metavar="SCRIPT", help="The script; what follows it is its own.")],
    arguments: Annotated[list[str] | None, typer.Argument(metavar="[ARGS]...")] = None,
    *,
    module: Annotated[
        bool, typer.Option("-m", help="SCRIPT is a module's name, as python -m takes.")
    ] = False,
    modules: Modules = None,
    first: First = None,
    queries: Queries = None,
    budget: Budget = None,
    out: Out = None,
) -> None:
    """Run a script, and record the attention of whatever models it runs; nothing of it is edited."""
    program = Program(script, arguments or [], is_module=module)
    program.prepare()
    check_free(out)
    recording = Recording(out, modules=modules or None, first=first, queries=queries, budget=budget)
    with recording:
        code = program.run()
        recording.stopped_by = program.stopped_by
    raise SystemExit(code)
