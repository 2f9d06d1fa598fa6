"""What the tokens of a map are, as the page is told: each kind of segment in the words of the protocol."""

from __future__ import annotations

from typing import Any

from visualizer.axes import Axis
from visualizer.axes.cells import Frames, Patches, Volume
from visualizer.axes.ids import Ids
from visualizer.axes.lines import Lines
from visualizer.axes.scattered import Scattered
from visualizer.axes.segments import Segment, Special, Time, Unknown
from visualizer.axes.text import Text
from visualizer.axes.windows import Windows
from visualizer.viewer.pictures import Under
from visualizer.viewer.protocol import AxisInfo


def axis_info(axis: Axis, batch: int, under: Under) -> AxisInfo:
    """Return what the tokens of a row of the batch are.

    Parameters
    ----------
    axis, batch
        The axis, and which row: of windows each is another one.
    under
        The images that they lie on.

    Examples
    --------
    >>> from visualizer.run import Run
    >>> from visualizer.axes import Grid
    >>> from visualizer.viewer.arrays import Arrays
    >>> from visualizer.viewer.pictures import Pictures
    >>> axis = Axis((Special("CLS"), Grid(2, 3)))
    >>> special, grid = axis_info(axis, 0, Pictures(Run([]), [], Arrays()).under(axis, 0, 1)).segments
    >>> grid["kind"], grid["begin"], grid["h"], grid["w"], grid["cells"]
    ('grid', 1, 2, 3, None)
    """
    segments: list[dict[str, Any]] = []
    begin = 0
    for one in axis.segments:
        kind, more = _told(one, batch, under)
        segments.append({"kind": kind, "begin": begin, "length": one.length} | more)
        begin += one.length
    return AxisInfo(begin, segments)


def _told(  # noqa: PLR0911  # a line for each kind
    one: Segment, batch: int, under: Under
) -> tuple[str, dict[str, Any]]:
    match one:
        case Special():
            return "special", {"text": one.text}
        case Text():
            return "text", {
                "tokens": list(one.tokens),
                "spans": [list(span) for span in one.spans or ()] or None,
                "text": one.text,
            }
        case Ids():
            return "ids", {"ids": list(one.ids)}
        case Windows():
            told = _grid(one.grid, under.image(0), _cells_of_window(one, batch))
            return "grid", told | {"windows": one.count}
        case Patches():
            told = _grid(one.cells, under.image(one.image), _cells(one))
            return "grid", told | {"span": list(getattr(one, "span", (1.0, 1.0)))}
        case Frames() | Volume():
            deep = "t" if isinstance(one, Frames) else "d"
            kind = type(one).__name__.lower()
            sides = dict(zip((deep, "h", "w"), one.cells, strict=True))
            names = [one.layer(step, under.count) for step in range(one.cells[0])]
            return kind, sides | {"cells": None, "names": names, "images": under.film(one.cells[0])}
        case Time():
            return "time", {"seconds": one.seconds}
        case _:
            return "unknown", {"note": one.note if isinstance(one, Unknown) else ""}


def _grid(cells: tuple[int, int], image: int | None, of_tokens: list[int] | None) -> dict[str, Any]:
    where = {"h": cells[0], "w": cells[1], "image": image, "cells": of_tokens}
    return where | {"windows": None, "span": [1.0, 1.0]}


def _cells(patches: Patches) -> list[int] | None:
    """Return which cell each token is, -1 for none; None where they are in order."""
    if isinstance(patches, Scattered):
        return list(patches.at)
    if not isinstance(patches, Lines):
        return None
    places = map(patches.cell, range(patches.length))
    return [row * patches.w + column if column < patches.w else -1 for row, column in places]


def _cells_of_window(windows: Windows, batch: int) -> list[int]:
    found = (windows.cell(token, batch) for token in range(windows.length))
    return [-1 if cell is None else cell[0] * windows.grid[1] + cell[1] for cell in found]
