"""Panels side by side on one colour scale: what every picture of whole maps is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from visualizer.plots.arrays import Floats
from visualizer.plots.colours import MISSING, ColourScale, colour_scale
from visualizer.plots.figures import COLUMN, LABEL, PAGE, Frame, add_panel_title, draw_image, open_frame
from visualizer.plots.labels import label_axis, label_length
from visualizer.plots.options import check_interpolation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

BAR, AXIS, TITLE, CAPTION, GAP = 0.7, 0.4, 0.2, 0.45, 0.1  # inches around and between panels
TOKEN, LARGEST = 0.125, 5.2  # inches for each labelled token, and for the side of one map at most
STRIP = 4.0  # cells are square up to this ratio of a map's sides


@dataclass(frozen=True)
class Panel:
    """A map (query, key), or a picture (height, width, 3), and its title."""

    values: Floats
    title: str | None = None
    size: tuple[int, int] | None = None  # (queries, keys), where the values are means of several

    @property
    def is_map(self) -> bool:
        """Whether the colour scale applies."""
        return self.values.ndim == 2

    @property
    def ratio(self) -> float:
        """Height of the drawn panel in widths: that of square cells, but for strips."""
        height, width = self.size or self.values.shape[:2]
        return float(min(max(height / width, 1 / STRIP), STRIP))


@dataclass(frozen=True)
class Look:
    """What callers may change in a picture of whole maps."""

    queries: Sequence[str] | None = None
    keys: Sequence[str] | None = None
    title: str | None = None
    caption: bool | str = True
    cmap: str | Colormap | None = None
    interpolation: str | None = None
    vmin: float | None = None
    vmax: float | None = None
    scale: str = "linear"
    ax: Axes | Sequence[Axes] | None = None
    figsize: tuple[float, float] | None = None
    width: float | None = None  # inches of a new figure
    names: tuple[str, str] = ("query", "key")  # of what rows and columns are

    @property
    def reading(self) -> str:
        """How a map is to be read."""
        return f"Row = {self.names[0]}, column = {self.names[1]}."


def draw_panels(panels: Sequence[Panel], columns: int, look: Look, reading: Sequence[str]) -> Figure:
    """Draw ``panels`` in rows of ``columns``; ``reading`` are the first sentences of the caption.

    Raises
    ------
    ShapeError
        If the caller's axes are not as many as the panels.
    OptionError
        If the colour map, scale or interpolation is unknown, or the scale is empty.

    Examples
    --------
    >>> draw_panels([Panel(np.eye(3))], 1, Look(), ["Row = query."]).axes[0].get_xlabel()
    'key (column)'
    """
    check_interpolation(look.interpolation)
    maps = [panel.values.ravel() for panel in panels if panel.is_map]
    colours = colour_scale(
        np.concatenate(maps or [np.zeros(1)]), look.cmap, (look.vmin, look.vmax), look.scale
    )
    frame = open_frame(len(panels), columns, look.figsize or _size(panels, columns, look), look.ax)
    notes: dict[str, None] = {}  # an ordered set, as panels say the same
    for axes, panel in zip(frame.axes, panels, strict=True):
        notes |= dict.fromkeys(_draw(axes, panel, colours, look))
    if maps:
        frame.add_bar(colours)
    _name_all(frame, panels, columns, look)
    frame.settle()  # as labels take room, fewer of them may find any
    notes |= dict.fromkeys(_name_all(frame, panels, columns, look))
    if maps:
        frame.add_caption([*reading, colours.sentence(), *notes], look.caption)
    frame.add_title(look.title)
    if look.figsize is None:
        frame.trim()
    return frame.figure


def _name_all(frame: Frame, panels: Sequence[Panel], columns: int, look: Look) -> list[str]:
    """Name the axes of maps that are on the left, and those that are below; return notes."""
    notes = []
    for place, (axes, panel) in enumerate(zip(frame.axes, panels, strict=True)):
        left = frame.borrowed or place % columns == 0
        bottom = frame.borrowed or place // columns == (len(panels) - 1) // columns
        notes += _name_axes(axes, look, left, bottom) if panel.is_map else []
    return notes


def _draw(axes: Axes, panel: Panel, colours: ColourScale, look: Look) -> list[str]:
    """Draw one panel; return notes on it."""
    if panel.title is not None:
        add_panel_title(axes, panel.title)
    if not panel.is_map:
        draw_image(axes, panel.values, interpolation="antialiased")
        axes.set_axis_off()
        return []
    return _draw_map(axes, panel, colours, look)


def _draw_map(axes: Axes, panel: Panel, colours: ColourScale, look: Look) -> list[str]:
    height, width = panel.values.shape
    (queries, keys), room = panel.size or (height, width), axes.get_window_extent()
    crowded = look.interpolation is None and (room.width < width or room.height < height)
    draw_image(
        axes,
        panel.values,
        norm=colours.norm,
        cmap=colours.cmap,
        interpolation=look.interpolation or ("antialiased" if crowded else "nearest"),
        aspect="equal" if panel.ratio == queries / keys else "auto",
        extent=(-0.5, keys - 0.5, queries - 0.5, -0.5),
    )
    axes.patch.set(**MISSING)  # seen where the map is not finite
    axes.spines[:].set_linewidth(0.4)
    notes = ["Cells smaller than a pixel are averaged."] if crowded else []
    if (queries, keys) != (height, width):
        bins = f"{-(-queries // height):,} × {-(-keys // width):,}"
        notes.append(f"Each cell is the mean of up to {bins} of {queries:,} queries × {keys:,} keys.")
    return notes


def _name_axes(axes: Axes, look: Look, left: bool, bottom: bool) -> list[str]:
    """Name the outer axes and label their tokens; return a note if labels were left out."""
    axes.apply_aspect()
    room = axes.get_window_extent().transformed(axes.figure.dpi_scale_trans.inverted())
    notes = []
    for axis, name, labels, length, outer in (
        (axes.yaxis, look.names[0], look.queries, room.height, left),
        (axes.xaxis, look.names[1], look.keys, room.width, bottom),
    ):
        if outer:
            axis.set_label_text(f"{name} ({'row' if axis is axes.yaxis else 'column'})", fontsize=LABEL)
            step = label_axis(axis, labels, length)
            notes += [f"One {name} in {step} is labelled."] if step > 1 else []
        else:
            axis.set_tick_params(labelleft=False, labelbottom=False, length=0)
    return notes


def _size(panels: Sequence[Panel], columns: int, look: Look) -> tuple[float, float]:
    """Return a figure's (width, height) in inches: a column wide for one panel, a page for several."""
    left, below = AXIS + label_length(look.queries), AXIS + label_length(look.keys)
    if columns == 1 and look.width is not None:
        side = max(look.width - BAR - left - GAP, TOKEN)
    elif columns == 1:
        side = max(COLUMN - BAR - AXIS, min(len(look.keys or ()) * TOKEN, LARGEST))
    else:
        side = min((PAGE - BAR - left) / columns, LARGEST / 2) - GAP
    rows = -(-len(panels) // columns)
    tallest = max(panel.ratio for panel in panels) * side + (TITLE if panels[0].title else GAP)
    return left + columns * (side + GAP) + BAR, 1.3 * (rows * tallest + below + CAPTION)  # trimmed later
