"""Many small pictures in rows and columns with names: inputs × layers, inputs × methods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from visualizer.errors import OptionError, ShapeError
from visualizer.images import opened
from visualizer.plots.arrays import Floats, as_floats, finite
from visualizer.plots.asking import COLOURS, OVERLAY, PAGE, Options, takes
from visualizer.plots.colours import ON_IMAGE, colour_scale
from visualizer.plots.figures import SMALL
from visualizer.plots.keeping import told_left
from visualizer.plots.measuring import lines_within
from visualizer.plots.options import check_interpolation, opacity
from visualizer.plots.pictures import is_picture, rgb_picture, told_of
from visualizer.plots.places import Paint
from visualizer.plots.rows import row_of, scale_of
from visualizer.plots.sharing import told_where
from visualizer.plots.sheets import draw_sheet, inner_width
from visualizer.plots.surfaces import Picture, Pictures, greyed
from visualizer.plots.telling import Facts

if TYPE_CHECKING:
    from matplotlib.figure import Figure


MOST = 3  # lines above a panel


@takes(*COLOURS, *OVERLAY, *PAGE)
def panel(
    items: Sequence[Any],
    *,
    rows: Sequence[str] = (),
    columns: int | Sequence[str] | None = None,
    share_scale: bool = True,
    images: Sequence[Any] | None = None,
    **options: Any,
) -> Figure:
    """Draw maps and images in rows and columns, as papers print them: inputs × layers, inputs × methods.

    Parameters
    ----------
    items
        One after another, or a list for each row: images (three axes, PIL, or names of files); weights (row,
        column), drawn as they are or over the image of their row; or a pair (what `row` takes, a dictionary
        of its options), which is that query's row over the image.
    rows, columns
        Names of both, or how many columns there are.
    share_scale
        One colour scale for all; else each picture has its own, from 0 to its largest value, which stands
        above it: their colours cannot be compared.
    images
        An image for each row, to lie under weights.
    options
        Colours, title, caption and width, as of `row`.

    Raises
    ------
    ShapeError
        If names, images and items do not fit, or an item is none of these.
    OptionError
        If an option is unknown.

    Examples
    --------
    >>> figure = panel([[np.eye(4), np.ones((4, 4))]], rows=["cat"], columns=["layer 0", "layer 1"])
    >>> [text.get_text().splitlines() for text in figure.axes[0].texts]
    [['layer 0', 'sum 4'], ['layer 1', 'sum 16'], ['cat']]
    """
    asked = Options.read(options)
    check_interpolation(asked.interpolation)
    lines, images = _lines(items, columns), opened(images)
    across = len(lines[0])
    _check_names(rows, columns, images, len(lines), across)
    cells = [
        _cell(item, images[number] if images is not None else None)
        for number, line in enumerate(lines)
        for item in line
    ]
    names = [] if columns is None or isinstance(columns, int) else list(columns)
    told = told_where([cell.facts for cell in cells], across, [*names, *rows])
    cells, above = (cells, told.above) if share_scale else _by_themselves(cells, told.above)
    paint = _paint([cell.picture for cell in cells], asked)
    beside = [_joined(*both) for both in zip(rows or [""] * len(lines), told.rows, strict=True)]
    block = Pictures(
        [cell.picture for cell in cells], paint, columns=across, rows=beside if any(beside) else ()
    )
    above, listed = _with_room(above, block.side(inner_width(asked, "page")))
    named = map(_joined, [*names, *[""] * len(cells)], above)
    pictures = [replace(cell.picture, name=name) for cell, name in zip(cells, named, strict=True)]
    reading = [*told.below, *listed, *_reading(paint, share_scale)]
    return draw_sheet([replace(block, pictures=pictures)], reading, asked, "page")


def _with_room(above: Sequence[str], side: float) -> tuple[Sequence[str], list[str]]:
    """Return what stands above panels ``side`` inches wide; where it has no room, numbers, and a sentence."""
    if all(len(lines_within(one, side * 72, SMALL)) <= MOST for one in above):
        return above, []
    counted = accumulate(map(bool, above))
    numbers = [f"({number})" if one else "" for number, one in zip(counted, above, strict=True)]
    listed = [f"{number} {one}" for number, one in zip(numbers, above, strict=True) if one]
    return numbers, [f"{'; '.join(listed)}."]


def _joined(*lines: str) -> str:
    return "\n".join(filter(None, lines))


@dataclass(frozen=True)
class Cell:
    """A picture of a panel, and what is known of the weights in it; of images without any None."""

    picture: Picture
    facts: Facts | None = None


def _lines(items: Sequence[Any], columns: int | Sequence[str] | None) -> list[list[Any]]:
    """Return items row by row."""
    listed = list(items)
    if listed and all(isinstance(one, list) for one in listed):
        lines = listed
    else:
        across = columns if isinstance(columns, int) else len(columns) if columns else len(listed)
        if across < 1:
            raise ShapeError(f"{len(listed)} pictures in {across} columns were asked for: give one at least")
        lines = [listed[at : at + across] for at in range(0, len(listed), across)]
    if not lines or len({len(line) for line in lines[:-1]} | {max(map(len, lines))}) > 1:
        raise ShapeError("panels were to be drawn, but rows are empty or of different lengths")
    return lines


def _check_names(rows: Any, columns: Any, images: Any, down: int, across: int) -> None:
    named = {"rows": (rows, down), "images": (images if images is not None else (), down)}
    named["columns"] = (() if columns is None or isinstance(columns, int) else columns, across)
    for name, (given, wanted) in named.items():
        if len(given) not in (0, wanted):
            raise ShapeError(f"{name}= holds {len(given)}, but the panel has {wanted}: give one each")


def _cell(item: Any, image: Any) -> Cell:
    if isinstance(item, tuple) and len(item) == 2 and isinstance(item[1], dict):
        laid, facts = row_of(item[0], Options.read(item[1] if image is None else {"image": image} | item[1]))
        pictured = laid.pictured()
        picture = replace(pictured, notes=(*pictured.notes, *told_left([laid.left])))
        return Cell(picture, facts.and_(sum=_sum(picture)))
    if is_picture(item):
        return Cell(Picture(rgb_picture(item), notes=told_of(item)))
    weights = as_floats(item, "map")
    if weights.ndim != 2:
        raise ShapeError(f"an item has shape {weights.shape}; give images, weights (row, column), or pairs")
    picture = Picture(None if image is None else rgb_picture(image), weights, notes=told_of(image))
    return Cell(picture, Facts({"sum": _sum(picture)}))


def _sum(picture: Picture) -> str:
    """Return what the weights shown sum to; negative ones have no such meaning."""
    cells = picture.cells
    return "" if cells is None or not np.nanmin(cells, initial=0) >= 0 else f"sum {np.nansum(cells):.3g}"


def _by_themselves(cells: Sequence[Cell], above: Sequence[str]) -> tuple[list[Cell], list[str]]:
    """Return pictures whose weights are shares of their own largest, which is told above each."""
    scaled, told = [], []
    for cell, more in zip(cells, above, strict=True):
        weights = cell.picture.cells
        if weights is not None:
            if np.nanmin(weights) < 0:
                raise OptionError(
                    "share_scale=False was asked for of signed values; they need one scale around 0"
                )
            largest = float(np.nanmax(weights)) or 1.0
            cell = replace(cell, picture=replace(cell.picture, cells=weights / largest))  # noqa: PLW2901  # the same, scaled
            more = ", ".join(filter(None, (more, f"max {largest:.2g}")))  # noqa: PLW2901
        scaled.append(cell)
        told.append(more)
    return scaled, told


def _paint(pictures: Sequence[Picture], asked: Options) -> Paint:
    cells: list[Floats] = [one.cells.ravel() for one in pictures if one.cells is not None]
    values = np.concatenate(cells or [np.zeros(1)])
    if not finite(values).size:
        raise ShapeError("panels were to be drawn, but no value in them is finite")
    shown = [one for one in pictures if one.cells is not None and one.picture is not None]
    under = [float(greyed(one.picture).mean()) for one in shown if one.picture is not None]
    colours = colour_scale(values, asked.cmap, (asked.vmin, asked.vmax), asked.scale, ON_IMAGE)
    ground = sum(under) / len(under) if under else None
    return Paint(colours, opacity(asked.alpha), asked.interpolation, ground)


def _reading(paint: Paint, share_scale: bool) -> list[str]:
    if share_scale:
        return ["One scale for all panels.", *scale_of(paint)]
    own = "Each panel has its own scale, from 0 to the largest value above it: colours do not compare."
    return [own, *scale_of(paint)[1:]]
