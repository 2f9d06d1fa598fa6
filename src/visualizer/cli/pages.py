"""A saved run as one page that shows it offline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from visualizer.cli.runs import calls_of, path_of
from visualizer.demo.folders import whole_file
from visualizer.errors import OptionError


def write(run: Any, target: Path, layer: str | None, **options: Any) -> None:
    """Write a page of all layers or one: ``heads`` and ``queries`` are numbers in text, ``max_mb`` one.

    Raises
    ------
    OptionError
        If heads or queries are no numbers.
    """
    from visualizer.viewer import to_html

    for name in options.keys() & {"heads", "queries"}:
        options[name] = _numbers(options[name], name)
    if layer is not None:
        calls_of(run, layer)  # which says what there is
        options["modules"] = path_of(run, layer)
    with whole_file(target, "The page") as unfinished:
        to_html(run, unfinished, **options)


def _numbers(text: str, name: str) -> list[int]:
    try:
        return [int(number) for number in text.split(",")]
    except ValueError:
        raise OptionError(f"--{name} takes numbers, from 0, such as 0,3, not {text!r}") from None
