"""Sheets: blocks below one another, as high as what is in them, with title, colour bar and caption."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from matplotlib.cm import ScalarMappable

from visualizer.errors import ShapeError
from visualizer.plots.figures import (
    DPI,
    FAINT,
    LABEL,
    PAD,
    SMALL,
    TITLE,
    PrintFigure,
    one_text,
    open_frame,
    wrapped,
)
from visualizer.plots.places import Paint
from visualizer.plots.ticks import write_bar, write_plainly

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from visualizer.plots.asking import Options

EDGE, BETWEEN, HEADING = 0.08, 0.1, 0.16  # inches around all, between blocks, and for a block's heading
BAR, THICK = 0.62, 0.1  # inches for the bar with its numbers, and its thickness
SHORTEST, LONGEST = 0.75, 2.2  # inches of its length
OWN = "a part of a sheet"  # label of axes
LINE = 1.3  # height of a line of text in font sizes


class Block(Protocol):
    """A part of a sheet."""

    @property
    def heading(self) -> str:
        """What stands above it, or ""."""

    @property
    def paint(self) -> Paint | None:
        """The scale that it is drawn on, if it is drawn on one."""

    def height(self, width: float) -> float:
        """Return how many inches it needs where it is ``width`` wide."""

    def draw(self, axes: Axes) -> None:
        """Draw it in axes of that size."""


def draw_sheet(
    blocks: Sequence[Block], sentences: Sequence[str], options: Options, usual: str = "column"
) -> Figure:
    """Return a new figure with blocks below one another, in the order of reading, and one colour bar.

    What blocks of images have to say of these, their ``notes``, ends the caption. ``usual`` is the width
    unless another one was asked for. Where the caller brought axes, it is drawn there.

    Raises
    ------
    ShapeError
        If there are several blocks for the caller's axes.
    """
    sentences = [*sentences, *dict.fromkeys(note for block in blocks for note in getattr(block, "notes", ()))]
    if options.ax is not None:
        return _draw_into(options.ax, blocks, sentences, options)
    paint = next((block.paint for block in blocks if block.paint is not None), None)
    width, inner = options.inches(usual), inner_width(options, usual, bar=paint is not None)
    title = None
    if options.title is not None:
        title = one_text(wrapped(str(options.title), (width - 2 * EDGE) * 72, TITLE))
    caption = _caption(sentences, options, width)
    heights = [block.height(inner) for block in blocks]
    above = EDGE + (_inches(title[0], TITLE) + PAD if title else 0)
    body = sum(heights) + sum(HEADING * bool(block.heading) for block in blocks) + BETWEEN * len(blocks)
    body = max(body, SHORTEST if paint else 0.0)
    below = EDGE + (_inches(caption[0], LABEL) if caption else 0)
    figure = PrintFigure(figsize=(width, above + body + below), dpi=DPI)
    top = above
    for block, height in zip(blocks, heights, strict=True):
        top += HEADING * bool(block.heading)
        axes = _axes(figure, EDGE, top, inner, height)
        if block.heading:
            _head(axes, block.heading)
        block.draw(axes)
        top += height + BETWEEN
    if paint is not None:
        _draw_bar(figure, paint, above, width - EDGE - BAR, min(LONGEST, body - BETWEEN))
    _write(figure, title, caption)
    return figure


def _draw_into(axes: Axes, blocks: Sequence[Block], sentences: Sequence[str], options: Options) -> Figure:
    if len(blocks) != 1:
        raise ShapeError(
            f"ax= was given, but the picture has {len(blocks)} parts in axes of their own: leave ax= out"
        )
    (block,), frame = blocks, open_frame(1, 1, (1, 1), axes)
    block.draw(axes)
    if block.heading:
        _head(axes, block.heading)
    if block.paint is not None:
        colours = block.paint.colours
        frame.add_bar(colours, ScalarMappable(colours.norm, block.paint.flat))
    frame.add_title(options.title)
    frame.add_caption(sentences, options.caption)
    return frame.figure


def is_own(axes: Axes) -> bool:
    """Tell whether axes are a part of a sheet, and not the caller's."""
    return axes.get_label() == OWN


def inner_width(options: Options, usual: str, *, bar: bool = True) -> float:
    """Return how many inches blocks are wide, beside a colour ``bar``."""
    return options.inches(usual) - 2 * EDGE - (BAR if bar else 0)


def _axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Return new axes at a place that is counted in inches from the top left."""
    across, down = figure.get_size_inches()
    place = (left / across, 1 - (top + height) / down, width / across, height / down)
    return figure.add_axes(place, label=OWN)


def set_inside(axes: Axes, left: float, below: float, right: float = 0.0) -> None:
    """Make room within a block for the numbers to the left and below, in inches; axes of the caller stay."""
    if not is_own(axes):
        return
    box, whole, dpi = axes.get_position(), axes.figure.bbox, axes.figure.dpi
    left, right, below = left * dpi / whole.width, right * dpi / whole.width, below * dpi / whole.height
    axes.set_position((box.x0 + left, box.y0 + below, box.width - left - right, box.height - below))


def fit_inside(axes: Axes) -> None:
    """Move the sides of axes inwards as far as their numbers and names reach beyond them."""
    place, drawn, dpi = axes.get_window_extent(), axes.get_tightbbox(), axes.figure.dpi
    if drawn is not None:
        beyond = (place.x0 - drawn.x0, place.y0 - drawn.y0, drawn.x1 - place.x1)
        set_inside(axes, *(max(one, 0.0) / dpi for one in beyond))


def thin_frame(axes: Axes) -> None:
    """Give axes small numbers and thin lines at the left and below."""
    axes.tick_params(labelsize=SMALL, width=0.4, length=2, pad=1.5)
    axes.spines[:].set_linewidth(0.4)
    axes.spines[["top", "right"]].set_visible(False)
    write_plainly(axes.yaxis)


def _head(axes: Axes, heading: str) -> None:
    text, properties = one_text([heading])
    place: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "fontsize": SMALL}
    axes.annotate(text, (0, 1), (0, 2.5), va="bottom", annotation_clip=False, **place, **properties)


def _draw_bar(figure: Figure, paint: Paint, top: float, left: float, height: float) -> None:
    tall = max(height - 0.12, 0.4)
    axes = _axes(figure, left + 0.08, top + 0.06, THICK, tall)
    shown = ScalarMappable(paint.colours.norm, paint.flat)
    bar = figure.colorbar(shown, cax=axes, extend=paint.colours.extend)
    bar.outline.set_linewidth(0.4)
    write_bar(bar, paint.colours, tall)
    axes.tick_params(labelsize=SMALL, width=0.4, length=2)


def _caption(sentences: Sequence[str], options: Options, width: float) -> tuple[str, dict[str, Any]] | None:
    words = " ".join(sentences) if options.caption is True else options.caption
    return one_text(wrapped(words, (width - 2 * EDGE) * 72)) if words else None


def _inches(text: str, size: float) -> float:
    return (text.count("\n") + 1) * size * LINE / 72


def _write(figure: Figure, title: Any, caption: Any) -> None:
    across, down = figure.get_size_inches()
    if title is not None:
        figure.text(EDGE / across, 1 - EDGE / down, title[0], va="top", fontsize=TITLE, **title[1])
    if caption is not None:
        look: dict[str, Any] = {"fontsize": LABEL, "alpha": FAINT, "linespacing": LINE}
        figure.text(EDGE / across, EDGE / down, caption[0], va="bottom", **look, **caption[1])
