"""Figures for print: outside of pyplot, fonts embedded in PDF, a caption that says how to read them.

Colours of text and page, and the fonts, are those of matplotlib's settings, so that its styles apply.
Where the caller brings axes, the figure is the caller's: it is drawn in, and nothing of it is set.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, cast
from unicodedata import east_asian_width

from matplotlib import rc_context, rcParams
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.transforms import Bbox

from visualizer.errors import ShapeError
from visualizer.plots.colours import ColourScale
from visualizer.plots.fonts import all_truetype
from visualizer.plots.ticks import write_bar
from visualizer.plots.writing import plain_text

DPI, PRINT_DPI = 150, 300
COLUMN, PAGE = 3.4, 7.0  # widths of a column and of a page in inches
TITLE, PANEL, LABEL, SMALL = 9.0, 8.0, 7.0, 6.5  # font sizes in points: legible in a column of a paper
FAINT = 0.75  # opacity of the caption
EM = 0.57  # mean width of a character of running text, in font sizes
PAD = 0.06  # inches between title, panels and caption
VECTOR = ("pdf", "ps", "eps", "svg")
TRUETYPE, DRAWN = 42, 3  # how fonts are embedded; many journals refuse Type 3, which is matplotlib's default


class PrintFigure(Figure):
    """A figure that pyplot does not know: it is freed with its last reference, and notebooks show it.

    Its PDF and PostScript files embed TrueType fonts (Type 42), whose text can be searched and edited; a font
    with other outlines, which cannot be embedded so, is embedded as drawings of its characters (Type 3).
    SVG files have text as text, in whatever font of its name the reader has.
    """

    def savefig(self, fname: Any, **kwargs: Any) -> None:
        """Write the figure to a file, as `matplotlib.figure.Figure.savefig` does.

        In PDF, PostScript and SVG, maps and images have 300 dots an inch unless ``dpi`` is given.
        """
        ending = str(kwargs.get("format") or getattr(fname, "name", fname)).rpartition(".")[2]
        if ending.lower() in VECTOR:
            kwargs.setdefault("dpi", PRINT_DPI)
        kind: Any = TRUETYPE if all_truetype(self) else DRAWN
        salt = rcParams["svg.hashsalt"] or "visualizer"  # else an SVG's ids are others each time
        fonts: Any = {"pdf.fonttype": kind, "ps.fonttype": kind, "svg.fonttype": "none"}
        with rc_context({"svg.hashsalt": salt} | fonts):
            super().savefig(fname, **kwargs)

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """Return what a notebook shows: PNG and its size on the page, 100 pixels an inch."""
        file = BytesIO()
        self.savefig(file, format="png", dpi=2 * 100)
        width, height = self.get_size_inches() * 100
        return file.getvalue(), {"width": round(width), "height": round(height)}


@dataclass(frozen=True)
class Frame:
    """The figure to draw in, its axes in the order of the panels, and whose they are."""

    figure: Figure
    axes: tuple[Axes, ...]
    borrowed: bool
    rows: int = 1

    def add_title(self, title: str | None) -> None:
        """Write ``title`` above all panels."""
        if title is None:
            return
        text, properties = one_text(str(title).split("\n"))
        own = properties["fontfamily"] == rcParams["font.family"]  # of others there may be no bold
        properties |= {"fontsize": TITLE, "fontweight": "bold" if own else "normal"}
        if self.borrowed:
            self._attach(self.axes[0], self.axes[0].title, text, va="bottom", **properties)
        else:
            self.figure.suptitle(text, x=0.01, ha="left", **properties)

    def add_caption(self, sentences: Sequence[str], caption: bool | str) -> None:
        """Write ``sentences``, or the caller's own caption, below all panels."""
        if caption is False:
            return
        last = self.axes[-1]
        width = last.get_window_extent().width if self.borrowed else self.figure.bbox.width
        words = " ".join(sentences) if caption is True else caption
        text, properties = one_text(wrapped(words, width / self.figure.dpi * 72))
        properties |= {"fontsize": LABEL, "alpha": FAINT, "linespacing": 1.3}
        if self.borrowed:
            self._attach(last, last.xaxis.label if last.axison else last.patch, text, va="top", **properties)
        else:
            self.figure.supxlabel(text, x=0.01, ha="left", **properties)

    @staticmethod
    def _attach(axes: Axes, neighbour: Artist, text: str, va: str, **properties: Any) -> None:
        """Write ``text`` above or below a part of the caller's axes, wherever a layout moves that."""
        side, distance = (1, 4) if va == "bottom" else (0, -4)
        axes.annotate(
            text, (0, side), (0, distance), xycoords=(axes.transAxes, neighbour), textcoords="offset points",
            va=va, annotation_clip=False, **properties,
        )  # fmt: skip

    def add_bar(self, colours: ColourScale, shown: ScalarMappable | None = None) -> None:
        """Draw the colour bar of all panels; ``shown`` if it shall not look like the scale itself."""
        source = shown or ScalarMappable(colours.norm, colours.cmap)
        around = self.axes[-1] if self.borrowed else self.figure
        if self.borrowed:  # beside the last panel, without moving the caller's axes
            room: dict[str, Any] = {"cax": self.axes[-1].inset_axes((1.03, 0, 0.04, 1))}
        else:
            room = {
                "ax": list(self.axes),
                "fraction": 0.15,
                "pad": 0.03,
                "aspect": 25 if self.rows == 1 else 40,
            }
        bar = self.figure.colorbar(source, extend=colours.extend, **room)
        bar.outline.set_linewidth(0.4)
        write_bar(bar, colours, around.get_window_extent().height / self.figure.dpi)
        bar.ax.tick_params(labelsize=SMALL, width=0.4, length=2)
        rule = "" if colours.rule == "linear" else f"\n({colours.rule})"
        bar.set_label(f"map value{rule}", fontsize=LABEL)

    def settle(self) -> None:
        """Have a new figure's axes take the room that is left to them."""
        layout = self.figure.get_layout_engine()
        if not self.borrowed and layout is not None:
            layout.execute(self.figure)

    def trim(self) -> None:
        """Take away the height that a new figure does not need."""
        layout = self.figure.get_layout_engine()
        if self.borrowed or layout is None:
            return
        layout.execute(self.figure)
        drawn = Bbox.union([box for axes in self.axes if (box := axes.get_tightbbox())])
        texts = [text.get_window_extent() for text in self.figure.texts]
        needed = [box.height / self.figure.dpi + PAD for box in (drawn, *texts)]
        self.figure.set_figheight(sum(needed) + PAD)


def open_frame(
    panels: int, columns: int, size: tuple[float, float], ax: Axes | Sequence[Axes] | None
) -> Frame:
    """Return a new figure of ``size`` (width, height) in inches with axes in rows, or the caller's axes.

    Raises
    ------
    ShapeError
        If the caller's axes are not as many as the panels.

    Examples
    --------
    >>> len(open_frame(3, 2, (4, 3), None).axes)
    3
    """
    if ax is not None:
        given = tuple(getattr(ax, "flat", [ax] if isinstance(ax, Axes) else ax))
        if len(given) != panels:
            raise ShapeError(
                f"ax= holds {len(given)} axes, but the picture has {panels} panels: one each is wanted"
            )
        return Frame(cast("Figure", given[0].figure), given, borrowed=True)
    figure = PrintFigure(figsize=size, dpi=DPI, layout="compressed")
    rows = -(-panels // columns)
    axes = tuple(figure.add_subplot(rows, columns, place + 1) for place in range(panels))
    return Frame(figure, axes, borrowed=False, rows=rows)


def draw_image(axes: Axes, values: Any, **look: Any) -> AxesImage:
    """Draw cells or pixels, the first row on top, whatever matplotlib's settings are."""
    drawn = axes.imshow(values, **{"origin": "upper", "aspect": "equal"} | look)
    axes.grid(visible=False)
    return drawn


def add_panel_title(axes: Axes, title: str) -> None:
    """Write ``title`` above one panel."""
    text, properties = one_text([title])
    axes.set_title(text, fontsize=PANEL, pad=3, **properties)


def wrapped(words: str, room: float, size: float = LABEL) -> list[str]:
    """Break ``words`` into lines of at most ``room`` points; East Asian characters are twice as wide."""
    widths = [1.0 if east_asian_width(character) in "WF" else EM for character in words] or [EM]
    width = max(20, int(0.98 * room / (size * sum(widths) / len(widths))))
    return [
        part
        for line in words.split("\n")
        for part in textwrap.wrap(line, width, break_on_hyphens=False) or [""]
    ]


def one_text(lines: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """Return lines as one text that can be drawn, and the properties to draw it with."""
    texts, properties = plain_text(lines)
    return "\n".join(texts), properties
