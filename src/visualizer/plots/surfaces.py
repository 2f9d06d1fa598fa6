"""Weights put back where their tokens lie: over images, frames and slices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rcParams
from matplotlib.collections import PatchCollection
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from visualizer.plots.arrays import Floats
from visualizer.plots.colours import MISSING
from visualizer.plots.figures import SMALL, draw_image, one_text
from visualizer.plots.measuring import lines_within, width_of
from visualizer.plots.pictures import WHOLE, Box, grey_picture
from visualizer.plots.places import CONTRAST, LINE, MARK, Paint
from visualizer.plots.sheets import is_own

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GAP, ABOVE = 0.05, 0.14  # between pictures, in their widths; inches above them for their names
TALLEST, WIDEST = 3.0, 3.4  # inches that one picture takes at most
SHORTEST = 0.1  # inches of a picture's width
ROW = 0.2  # of the width, for the names of rows at most


@dataclass(frozen=True)
class Picture:
    """A picture (height, width, 3), what of a map lies over it (rows, columns), the name, the marked cell."""

    picture: Floats | None
    cells: Floats | None = None
    name: str = ""
    marked: tuple[int, int] | None = None
    lattice: tuple[int, int] | None = None  # (rows, columns), where no cells tell it
    points: Sequence[Any] = ()  # (x, y, weight, marker) in shares of the part
    cross: tuple[float, float] | None = None  # (x, y) likewise
    part: Box = WHOLE  # that the model was given, in shares of the picture: all else lies there
    notes: tuple[str, ...] = ()  # sentences on how the image is shown

    @property
    def ratio(self) -> float:
        """Height in widths."""
        shown = self.picture if self.picture is not None else self.cells
        return 1.0 if shown is None else shown.shape[0] / shown.shape[1]


@dataclass(frozen=True)
class Pictures:
    """Pictures of one width in rows of ``columns``, or as many as find room; ``rows`` names the rows."""

    pictures: Sequence[Picture]
    paint: Paint
    heading: str = ""
    columns: int | None = None
    rows: Sequence[str] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What the caption has to say of the images."""
        return tuple(dict.fromkeys(note for one in self.pictures for note in one.notes))

    def side(self, width: float) -> float:
        """Return how many inches one picture is wide."""
        return self._layout(width)[1]

    def height(self, width: float) -> float:
        """Return how many inches all rows take."""
        return self._high(width, *self._layout(width))

    def _high(self, width: float, columns: int, side: float) -> float:
        return sum(self._tall(number, row, side, width) for number, row in enumerate(self._in_rows(columns)))

    def draw(self, axes: Axes) -> None:
        """Draw all; data are in inches from the top left."""
        box = axes.get_window_extent().transformed(axes.figure.dpi_scale_trans.inverted())
        axes.set_axis_off()
        columns, side = self._layout(box.width, box.height)
        left, top = self._left(box.width), 0.0
        for number, row in enumerate(self._in_rows(columns)):
            y = top + _above(row, side)
            for column, one in enumerate(row):
                place = (left + column * side * (1 + GAP), y, side, side * one.ratio)
                draw_one(axes, one, place, self.paint)
            lines = self._beside(number, box.width)
            middle = y + max(side * row[0].ratio, ABOVE * len(lines)) / 2
            write_name(axes, (left - 0.05, middle), "\n".join(lines), ha="right", va="center")
            top += self._tall(number, row, side, box.width)
        aspect = "auto" if is_own(axes) else "equal"  # the caller's may change their size
        axes.set(xlim=(0, box.width), ylim=(box.height, 0), aspect=aspect)

    def _left(self, width: float) -> float:
        """Return how many inches the names of rows take."""
        lines = [line for number in range(len(self.rows)) for line in self._beside(number, width)]
        return max((width_of(line, SMALL) / 72 + 0.1 for line in lines), default=0.0)

    def _beside(self, number: int, width: float) -> list[str]:
        """Return the name of a row in lines."""
        return lines_within(self.rows[number], ROW * width * 72, SMALL) if number < len(self.rows) else []

    def _in_rows(self, columns: int) -> list[Sequence[Picture]]:
        return [self.pictures[at : at + columns] for at in range(0, len(self.pictures), columns)]

    def _tall(self, number: int, row: Sequence[Picture], side: float, width: float) -> float:
        high = max(max(one.ratio for one in row) * side, ABOVE * len(self._beside(number, width)))
        return high + GAP * side + _above(row, side)

    def _layout(self, width: float, height: float = math.inf) -> tuple[int, float]:
        """Return pictures in a row, and the width of one in inches."""
        room, count = width - self._left(width), len(self.pictures)
        columns = self.columns or min(count, max(2, math.floor(room / 0.8)))
        if not self.columns:
            columns = -(-count // -(-count // columns))  # rows of nearly the same length
        tallest = max(one.ratio for one in self.pictures)
        side = min((room + GAP) / (columns * (1 + GAP)), WIDEST, TALLEST / tallest)
        while side > SHORTEST and self._high(width, columns, side) > height * 1.001:  # axes of the caller
            side *= 0.97
        return columns, side


def _lines(one: Picture, side: float) -> list[str]:
    return lines_within(one.name, side * 72, SMALL) if one.name else []


def _above(row: Sequence[Picture], side: float) -> float:
    """Return how many inches the longest name of some pictures takes above them."""
    return max(ABOVE * len(_lines(one, side)) for one in row)


def draw_one(axes: Axes, one: Picture, box: Box, paint: Paint) -> None:
    """Draw a picture into a box (x, y, width, height) of axes whose y runs down."""
    x, y, wide, high = box
    over, part = one.cells is not None or bool(len(one.points)), _within(box, one.part)
    if one.picture is not None:
        shown = greyed(one.picture) if over else one.picture
        draw_image(axes, shown, extent=_extent(box), interpolation="antialiased", aspect="auto")
    if one.cells is not None:
        alpha = paint.alpha if one.picture is not None else 1.0
        cmap = paint.colours.cmap if one.picture is not None else paint.flat
        look: dict[str, Any] = {"norm": paint.colours.norm, "cmap": cmap, "alpha": alpha}
        look |= {"interpolation": paint.interpolation, "extent": _extent(part), "aspect": "auto"}
        drawn: list[Any] = [draw_image(axes, one.cells, **look)]
        missing = [
            Rectangle(*_cell(cell, one.cells.shape, part)) for cell in np.argwhere(~np.isfinite(one.cells))
        ]
        drawn += [axes.add_collection(PatchCollection(missing, **MISSING))]
        drawn += _draw_lines(axes, one.cells.shape, part)
        for artist in drawn:  # cells of an image that was filled up reach beyond it
            artist.set_clip_path(Rectangle((x, y), wide, high, transform=axes.transData))
    _draw_points(axes, one.points, part, paint)
    _draw_cross(axes, one.cross, part)
    write_name(axes, (x, y - 0.03), "\n".join(_lines(one, wide)), ha="left", va="bottom")
    axes.add_patch(
        Rectangle((x, y), wide, high, facecolor="none", edgecolor=rcParams["text.color"], linewidth=0.3)
    )
    lattice = one.lattice or (one.cells.shape if one.cells is not None else None)
    if one.marked is not None and lattice is not None:
        mark_box(axes, *_shared(_cell(one.marked, lattice, part), box))


def _within(box: Box, part: Box) -> Box:
    """Return a part of a box, given in shares of it."""
    (x, y, wide, high), (left, top, across, down) = box, part
    return x + left * wide, y + top * high, across * wide, down * high


def _extent(box: Box) -> Box:
    """Return a box as matplotlib has extents: left, right, bottom, top."""
    x, y, wide, high = box
    return x, x + wide, y + high, y


def _draw_points(axes: Axes, points: Sequence[Any], box: tuple[float, ...], paint: Paint) -> None:
    """Draw points in the colour and with the area of their weights, the heaviest on top."""
    x, y, wide, high = box
    for across, down, weight, marker in sorted(points, key=lambda point: float(point[2])):
        look: dict[str, Any] = {"marker": marker, "norm": paint.colours.norm, "cmap": paint.colours.cmap}
        size = 6 + 34 * float(np.clip(paint.colours.norm(weight), 0, 1))
        place = ([x + across * wide], [y + down * high])
        axes.scatter(*place, s=size, c=[weight], edgecolors="black", linewidths=0.4, zorder=3, **look)


def _draw_cross(axes: Axes, cross: tuple[float, float] | None, box: tuple[float, ...]) -> None:
    if cross is not None:
        rim = [withStroke(linewidth=2.6, foreground="white")]
        look: dict[str, Any] = {"marker": "+", "markersize": 9, "markeredgewidth": 1.3, "path_effects": rim}
        axes.plot(box[0] + cross[0] * box[2], box[1] + cross[1] * box[3], color=MARK, zorder=5, **look)


def mark_box(axes: Axes, corner: tuple[float, float], width: float, height: float) -> None:
    """Mark a box: red with a white rim, to be seen on any picture."""
    line = min(max(0.15 * 72 * min(width, height), 0.4), 1.2)  # points: of a small box the inside is seen too
    rim = withStroke(linewidth=2.2 * line, foreground="white")
    look: dict[str, Any] = {"facecolor": "none", "edgecolor": MARK, "linewidth": line, "path_effects": [rim]}
    axes.add_patch(Rectangle(corner, width, height, clip_on=False, zorder=5, **look))


def greyed(picture: Floats) -> Floats:
    """Return a picture without colour and with little contrast, as it lies under a map."""
    return 1 - CONTRAST * (1 - grey_picture(picture))


def _cell(cell: Any, cells: Sequence[int], box: tuple[float, float, float, float]) -> Any:
    (row, column), (rows, columns), (x, y, wide, high) = cell, cells, box
    return (x + column * wide / columns, y + row * high / rows), wide / columns, high / rows


def _shared(cell: Any, box: Box) -> Any:
    """Return what of a cell lies within a box."""
    ((left, top), across, down), (x, y, wide, high) = cell, box
    return (left, top), min(across, x + wide - left), min(down, y + high - top)


def _draw_lines(axes: Axes, cells: Sequence[int], box: tuple[float, float, float, float]) -> list[Any]:
    """Draw the patch grid, the thinner the smaller its cells."""
    (rows, columns), (x, y, wide, high) = cells, box
    line: dict[str, Any] = {
        "colors": "white",
        "linewidth": min(LINE, 0.03 * wide * 72 / columns),
        "alpha": 0.5,
    }
    return [
        axes.vlines(x + np.arange(1, columns) * wide / columns, y, y + high, **line),
        axes.hlines(y + np.arange(1, rows) * high / rows, x, x + wide, **line),
    ]


def write_name(axes: Axes, place: tuple[float, float], name: str, **how: Any) -> None:
    """Write a name in small letters, if there is one."""
    if not name:
        return
    text, properties = one_text(name.split("\n"))
    axes.text(place[0], place[1], text, fontsize=SMALL, **how, **properties)
