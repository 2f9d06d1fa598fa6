"""Many small pictures in rows and columns with names: inputs × layers, inputs × methods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from visualizer.errors import OptionError, ShapeError
from visualizer.plots.arrays import Floats, as_floats, finite
from visualizer.plots.asking import Options
from visualizer.plots.colours import ON_IMAGE, colour_scale
from visualizer.plots.options import check_interpolation, opacity
from visualizer.plots.pictures import rgb_picture
from visualizer.plots.places import Paint
from visualizer.plots.rows import row_of, scale_of
from visualizer.plots.sheets import draw_sheet
from visualizer.plots.surfaces import Picture, Pictures, greyed

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
        One after another, or a list for each row: images (three axes, or PIL); weights (row, column), drawn
        as they are or over the image of their row; or a pair (what `row` takes, a dictionary of its options),
        which is that query's row over the image.
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
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['layer 0', 'layer 1', 'cat']
    """
    asked = Options.read(options)
    check_interpolation(asked.interpolation)
    lines = _lines(items, columns)
    across = len(lines[0])
    _check_names(rows, columns, images, len(lines), across)
    pictures = [
        _picture(item, images[number] if images is not None else None)
        for number, line in enumerate(lines)
        for item in line
    ]
    names = [] if columns is None or isinstance(columns, int) else list(columns)
    pictures = [replace(one, name=names[n]) if n < len(names) else one for n, one in enumerate(pictures)]
    if not share_scale:
        pictures = [_by_itself(one) for one in pictures]
    paint = _paint(pictures, asked)
    block = Pictures(pictures, paint, columns=across, rows=rows)
    return draw_sheet([block], _reading(paint, share_scale), asked, "page")


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


def _picture(item: Any, image: Any) -> Picture:
    if isinstance(item, tuple) and len(item) == 2 and isinstance(item[1], dict):
        laid, _ = row_of(item[0], Options.read(item[1] if image is None else {"image": image} | item[1]))
        return laid.pictured()
    if hasattr(item, "convert") or np.ndim(item) == 3:
        return Picture(rgb_picture(item))
    weights = as_floats(item, "map")
    if weights.ndim != 2:
        raise ShapeError(f"an item has shape {weights.shape}; give images, weights (row, column), or pairs")
    return Picture(None if image is None else rgb_picture(image), weights)


def _by_itself(one: Picture) -> Picture:
    """Return a picture whose weights are shares of its own largest, which is told above it."""
    if one.cells is None:
        return one
    if np.nanmin(one.cells) < 0:
        raise OptionError("share_scale=False was asked for of signed values; they need one scale around 0")
    largest = float(np.nanmax(one.cells)) or 1.0
    lines = [*([one.name] if one.name else []), f"max {largest:.2g}"]
    return replace(one, cells=one.cells / largest, name="\n".join(lines))


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
