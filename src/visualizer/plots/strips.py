"""Weights in rows below one another, such as one query's in each head: a column for each token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib.patches import Rectangle

from visualizer.plots.arrays import Floats
from visualizer.plots.colours import MISSING
from visualizer.plots.figures import draw_image
from visualizer.plots.labels import label_axis, label_length
from visualizer.plots.places import MARK, Paint
from visualizer.plots.sheets import fit_inside

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW, LEAST = 0.16, 0.5  # inches of a row, and of all of them at least
BELOW = 0.25  # inches below for numbers


@dataclass(frozen=True)
class Strips:
    """Weights (row, token) with the names of both, None for bare positions; ``marked`` are some tokens."""

    weights: Floats
    rows: Sequence[str]
    tokens: Sequence[str] | None
    paint: Paint
    marked: frozenset[int] = frozenset()
    heading: str = ""

    def height(self, width: float) -> float:  # noqa: ARG002  # as all blocks
        """Return how many inches rows and names take."""
        return max(LEAST, ROW * len(self.rows)) + max(BELOW, label_length(self.tokens) + 0.1)

    def draw(self, axes: Axes) -> None:
        """Draw rows from the top, and name what finds room."""
        colours, (rows, tokens) = self.paint.colours, self.weights.shape
        look: dict[str, Any] = {"norm": colours.norm, "cmap": self.paint.flat, "interpolation": "nearest"}
        draw_image(axes, self.weights, aspect="auto", **look)
        axes.patch.set(**MISSING)  # seen where a weight is not finite
        axes.spines[:].set_linewidth(0.4)
        for token in self.marked:
            box = Rectangle((token - 0.5, -0.5), 1, rows, facecolor="none", edgecolor=MARK, linewidth=1.0)
            axes.add_patch(box)
        inches = axes.get_window_extent().width / axes.figure.dpi
        label_axis(axes.yaxis, self.rows, ROW * rows)
        label_axis(axes.xaxis, self.tokens, inches)
        axes.set(xlim=(-0.5, tokens - 0.5))
        fit_inside(axes)
