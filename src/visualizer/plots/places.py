"""Where tokens lie on a drawn image: patches on it, prefix tokens in a lane of their own to its left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rcParams
from matplotlib.collections import PatchCollection
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from visualizer.plots.arrays import Floats
from visualizer.plots.colours import MISSING, ColourScale
from visualizer.plots.figures import SMALL, draw_image
from visualizer.plots.patches import PatchGrid
from visualizer.plots.pictures import grey_picture
from visualizer.plots.writing import plain_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

MARK = "#ff2d2d"
LANE, GAP = 0.1, 0.03  # size of the lane's cells and their distance, in longer sides of the image
LINE, CELLS = 0.35, 0.03  # width of the grid's lines in points, and at most in cells
CONTRAST = 0.6  # what is left of the greyed image's contrast under a map


@dataclass(frozen=True)
class Paint:
    """How a map is laid over an image."""

    colours: ColourScale
    alpha: float = 0.6
    interpolation: str = "nearest"
    paper: float | None = None  # the grey that what lies beside the images is drawn as if upon; None: opaque

    @property
    def flat(self) -> Colormap:
        """The colours as they look on even ground: those of the bar and of what lies beside the images."""
        return self.colours.cmap if self.paper is None else self.colours.over_grey(self.paper, self.alpha)


@dataclass(frozen=True)
class Places:
    """The cells of all tokens of an image, in its pixels.

    Examples
    --------
    >>> Places(PatchGrid((2, 3), (40, 60), ("CLS",))).box(2)
    (20.0, 0.0, 20.0, 20.0)
    """

    patches: PatchGrid

    @property
    def lane(self) -> float:
        """Side of a prefix token's cell."""
        height, width = self.patches.size
        return min(LANE * max(height, width), height / max(len(self.patches.prefix), 1))

    @property
    def left(self) -> float:
        """Left end of all cells."""
        return -self.lane - GAP * max(self.patches.size) if self.patches.prefix else 0.0

    def box(self, token: int) -> tuple[float, float, float, float]:
        """Return left, top, width and height of a token's cell."""
        place = self.patches.axis.place(token, self.patches.size)
        return (self.left, token * self.lane, self.lane, self.lane) if place is None else place


def draw_picture(axes: Axes, picture: Floats, places: Places) -> None:
    """Draw an RGB picture (height, width, 3) and the empty lane of its prefix tokens."""
    height, width = picture.shape[:2]
    draw_image(axes, picture, extent=(0, width, height, 0), interpolation="antialiased")
    axes.set(xlim=(places.left, width), ylim=(height, 0))
    axes.set_axis_off()
    names, properties = plain_text(places.patches.prefix)
    for token, name in enumerate(names):
        x, y, _, side = places.box(token)
        axes.add_patch(
            _cell(places, token, facecolor="none", edgecolor=rcParams["text.color"], linewidth=LINE)
        )
        axes.annotate(
            name, (x, y + side / 2), (-2, 0), textcoords="offset points", ha="right", va="center",
            fontsize=SMALL, annotation_clip=False, **properties,
        )  # fmt: skip


def draw_row(axes: Axes, row: Floats, picture: Floats, places: Places, paint: Paint) -> float:
    """Draw a row of a map (key,) over the greyed ``picture``; return the grey under the lane, in [0, 1]."""
    grey = 1 - CONTRAST * (1 - grey_picture(picture))
    paper = float(grey.mean())
    draw_picture(axes, grey, places)
    norm, first = paint.colours.norm, len(places.patches.prefix)
    height, width = places.patches.size
    draw_image(
        axes, row[first:].reshape(places.patches.cells), extent=(0, width, height, 0), norm=norm,
        cmap=paint.colours.cmap, alpha=paint.alpha, interpolation=paint.interpolation,
    )  # fmt: skip
    if first:  # opaque, in the colours that the map has over the picture
        extent = (places.left, places.left + places.lane, first * places.lane, 0)
        cmap = paint.colours.over_grey(paper, paint.alpha)
        draw_image(axes, row[:first, None], extent=extent, norm=norm, cmap=cmap, interpolation="nearest")
    missing = np.flatnonzero(~np.isfinite(row)).tolist()
    axes.add_collection(PatchCollection([_cell(places, token) for token in missing], **MISSING))
    _draw_lines(axes, places)
    return paper


def mark(axes: Axes, places: Places, token: int) -> None:
    """Mark a token's cell: red with a white rim, to be seen on any picture."""
    rim = withStroke(linewidth=2.6, foreground="white")
    cell = _cell(places, token, facecolor="none", edgecolor=MARK, linewidth=1.2, path_effects=[rim])
    cell.set(clip_on=False, zorder=5)  # the rim reaches over the panel's edge, and lies over all else
    axes.add_patch(cell)


def _cell(places: Places, token: int, **look: Any) -> Rectangle:
    x, y, width, height = places.box(token)
    return Rectangle((x, y), width, height, **look)


def _draw_lines(axes: Axes, places: Places) -> None:
    """Draw the patch grid, the thinner the smaller its cells."""
    (rows, columns), (height, width) = places.patches.cells, places.patches.size
    room = axes.get_window_extent().width / axes.figure.dpi * 72  # points
    line: dict[str, Any] = {"colors": "white", "linewidth": min(LINE, CELLS * room / columns), "alpha": 0.5}
    axes.vlines(np.arange(1, columns) * width / columns, 0, height, **line)
    axes.hlines(np.arange(1, rows) * height / rows, 0, width, **line)
