"""Saved runs as one page that shows them offline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from visualizer.cli.runs import calls_of, path_of
from visualizer.demo.folders import whole_file
from visualizer.errors import OptionError


def write(runs: Sequence[Any], target: Path, layer: str | None, **options: Any) -> None:
    """Write a page of one run or two: ``heads`` and ``queries`` are numbers in text, ``max_mb`` is one.

    Raises
    ------
    OptionError
        If heads or queries are no numbers.
    """
    from visualizer.viewer import to_html

    for name in options.keys() & {"heads", "queries"}:
        options[name] = _numbers(options[name], name)
    if layer is not None:
        options["modules"] = path_of(runs[0], layer)
        for run in runs:
            calls_of(run, options["modules"])  # which says what there is
    with whole_file(target, "The page") as unfinished:
        to_html(runs, unfinished, **options)


def _numbers(text: str, name: str) -> list[int]:
    try:
        return [int(number) for number in text.split(",")]
    except ValueError:
        raise OptionError(f"--{name} takes numbers, from 0, such as 0,3, not {text!r}") from None
