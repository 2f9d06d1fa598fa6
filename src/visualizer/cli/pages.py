"""A saved run as one page that shows it offline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from visualizer.cli.runs import calls_of, path_of
from visualizer.demo.folders import whole_file
from visualizer.errors import OptionError


def write(run: Any, target: Path, layer: str | None, heads: str | None, max_mb: float | None) -> None:
    """Write a page of all layers or one, with the rows of all heads or some.

    Raises
    ------
    OptionError
        If the heads are no numbers.
    """
    from visualizer.viewer import to_html

    options: dict[str, Any] = {} if max_mb is None else {"max_mb": max_mb}
    if layer is not None:
        calls_of(run, layer)  # which says what there is
        options["modules"] = path_of(run, layer)
    if heads is not None:
        options["heads"] = _numbers(heads)
    with whole_file(target, "The page") as unfinished:
        to_html(run, unfinished, **options)


def _numbers(text: str) -> list[int]:
    try:
        return [int(number) for number in text.split(",")]
    except ValueError:
        raise OptionError(f"--heads takes numbers, from 0, such as 0,3, not {text!r}") from None
