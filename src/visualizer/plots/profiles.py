"""Weights along time, or along the positions of many tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rcParams

from visualizer.plots.arrays import Floats
from visualizer.plots.figures import SMALL
from visualizer.plots.places import MARK, Paint
from visualizer.plots.sheets import fit_inside, thin_frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BINS = 600  # more tokens than this along a line are drawn in bins
LOW = 0.75  # inches of a line's height


@dataclass(frozen=True)
class Line:
    """Weights along seconds or positions, ``begin`` to ``end``; more than fit are drawn as maxima of bins."""

    weights: Floats
    begin: float
    end: float
    unit: str
    marked: frozenset[int] = frozenset()
    counted: str = ""
    paint: Paint | None = None  # its heights tell the weights

    @property
    def heading(self) -> str:
        """What it is a line of, and in how many bins."""
        bins = f"{BINS} bins, the largest of each" if len(self.weights) > BINS else ""
        return ", in ".join(filter(None, (self.counted, bins)))

    def height(self, width: float) -> float:  # noqa: ARG002  # as all blocks
        """Return its inches, those below for the numbers too."""
        return LOW + 0.32

    def draw(self, axes: Axes) -> None:
        """Draw steps down to 0, as high as the weights."""
        edges, tops = binned(self.weights, BINS)
        at = self.begin + edges * (self.end - self.begin) / len(self.weights)
        look: dict[str, Any] = {"step": "post", "color": rcParams["text.color"], "linewidth": 0.3}
        axes.fill_between(at, np.append(tops, tops[-1]), **look)
        width = (self.end - self.begin) / len(self.weights)
        for token in self.marked:
            axes.axvline(self.begin + (token + 0.5) * width, color=MARK, linewidth=1.0)
        axes.set(xlim=(self.begin, self.end))
        axes.set_ylim(bottom=min(0.0, float(np.nanmin(tops))))
        axes.set_xlabel(self.unit, fontsize=SMALL, labelpad=1)
        axes.locator_params(axis="y", nbins=3)
        thin_frame(axes)
        fit_inside(axes)


def binned(weights: Floats, most: int) -> tuple[Any, Floats]:
    """Return edges of at most ``most`` bins, and the largest weight in each.

    Examples
    --------
    >>> binned(np.array([1.0, 2.0, 0.0]), 2)
    (array([0, 1, 3]), array([1., 2.]))
    """
    bins = min(len(weights), most)
    edges = np.arange(bins + 1) * len(weights) // bins
    return edges, np.fmax.reduceat(weights, edges[:-1])
