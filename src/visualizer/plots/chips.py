"""Tokens as text, each shaded by its weight, in lines as they are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.transforms import Affine2D, ScaledTranslation, Transform

from visualizer.errors import ShapeError
from visualizer.plots.arrays import Floats
from visualizer.plots.colours import MISSING
from visualizer.plots.measuring import width_of
from visualizer.plots.places import MARK, Paint
from visualizer.plots.writing import plain_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE, TALL, PAD, GAP = (
    8.0,
    12.5,
    1.6,
    1.4,
)  # points: of the font, height of a chip, around text, between chips
LONGEST = 40  # characters of a token that are shown
DARK = 0.5  # colours of less luminance bear white text
MANY = 400  # more tokens than this are not written out


@dataclass(frozen=True)
class Chips:
    """Tokens with their weights; ``marked`` are those of the query, ``heading`` stands above."""

    names: Sequence[str]
    weights: Floats
    paint: Paint
    marked: frozenset[int] = frozenset()
    heading: str = ""

    def height(self, width: float) -> float:
        """Return how many inches the lines take."""
        places = self._placed(width * 72)[2]
        return (max(line for _, line in places) + 1) * (TALL + GAP) / 72

    def draw(self, axes: Axes) -> None:
        """Draw the lines from the top left, in points whatever size the axes are given later.

        Raises
        ------
        ShapeError
            If axes of the caller are too low for all lines.
        """
        box = axes.get_window_extent().transformed(axes.figure.dpi_scale_trans.inverted())
        if (needed := self.height(box.width)) > 1.01 * box.height:
            raise ShapeError(
                f"{len(self.names)} tokens need {needed:.2g} inches below one another, but the axes are "
                f"{box.height:.2g} high: make them higher or wider"
            )
        axes.set_axis_off()
        corner: Any = axes.transAxes
        points = Affine2D().scale(1 / 72, -1 / 72) + axes.figure.dpi_scale_trans
        self._draw(axes, box.width * 72, points + ScaledTranslation(0, 1, corner))

    def _draw(self, axes: Axes, room: float, points: Transform) -> None:
        texts, widths, places = self._placed(room)
        properties = plain_text([*self.names, "␣"])[1] | {"transform": points}
        for token, (x, line) in enumerate(places):
            y, colour = line * (TALL + GAP), _colour(self.weights[token], self.paint)
            axes.add_patch(Rectangle((x, y), widths[token], TALL, transform=points, **colour))
            if token in self.marked:
                look: dict[str, Any] = {"facecolor": "none", "edgecolor": MARK, "linewidth": 1.2, "zorder": 4}
                look |= {"transform": points, "clip_on": False}
                axes.add_patch(Rectangle((x, y), widths[token], TALL, **look))
            ink = _ink(colour["facecolor"])
            place = (x + PAD, y + TALL / 2 + 0.3)
            axes.text(*place, texts[token], fontsize=SIZE, va="center_baseline", color=ink, **properties)

    def _placed(self, room: float) -> tuple[list[str], list[float], list[tuple[float, int]]]:
        """Return texts, widths of chips in points, and (x, line) of each."""
        texts, _ = plain_text([name.strip() or "␣" for name in self.names])  # spaces make no word
        texts = [text if len(text) <= LONGEST else text[: LONGEST - 1] + "…" for text in texts]
        widths = [min(max(width_of(text, SIZE), 3.0) + 2 * PAD, room) for text in texts]
        places, x, line = [], 0.0, 0
        for width in widths:
            if x and x + width > room:
                x, line = 0.0, line + 1
            places.append((x, line))
            x += width + GAP
        return texts, widths, places


def _colour(weight: Any, paint: Paint) -> dict[str, Any]:
    if not np.isfinite(weight):
        return {**MISSING}
    return {"facecolor": paint.flat(paint.colours.norm(weight)), "edgecolor": "#999999", "linewidth": 0.3}


def _ink(colour: Any) -> str:
    """Return black or white, whichever is read better on a colour."""
    if isinstance(colour, str):
        return "black"
    red, green, blue = colour[:3]
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < DARK else "black"
