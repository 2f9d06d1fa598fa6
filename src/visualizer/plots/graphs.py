"""Numbers of heads as dots and lines, along layers or calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from visualizer.plots.arrays import Floats
from visualizer.plots.figures import LABEL, SMALL
from visualizer.plots.measuring import width_of
from visualizer.plots.places import Paint
from visualizer.plots.sheets import fit_inside, thin_frame
from visualizer.plots.writing import plain_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Near the hues of Okabe and Ito, and as light as a contrast of 3:1 on white and on black asks for (WCAG 2.2,
# 1.4.11); being of one lightness then, each has dashes of its own for those who see fewer hues.
SERIES = ("#3f7fe0", "#d55e00", "#009e73", "#c2448e", "#8a7a00", "#8c6bd8")
LINES = ("-", "--", ":", "-.", (0, (6, 1, 1, 1, 1, 1)), (0, (1, 3)))
GRADED = LinearSegmentedColormap.from_list("blue to orange", ["#2f7fd0", "#a765c8", "#e0566a", "#cf6a00"])
MANY = 24  # names along an axis


@dataclass(frozen=True)
class Graphs:
    """Numbers (place, head) by name, NaN where there is none; ``names`` are those of the places."""

    series: Mapping[str, Floats]
    names: Sequence[str]
    along: str
    unit: str
    dots: bool = True
    heading: str = ""
    paint: Paint | None = None

    def height(self, width: float) -> float:
        """Return its inches."""
        names = max(width_of(name, SMALL) for name in self.names) if self._turned else SMALL
        return min(0.62 * width, 2.6) + names / 72 + 0.24

    def draw(self, axes: Axes) -> None:
        """Draw dots and lines; where there is one series, its extremes bear the heads' numbers."""
        for (name, values), (colour, line) in zip(self.series.items(), self._looks(), strict=True):
            at = np.arange(len(values))
            if self.dots:
                across = np.repeat(at, values.shape[1])
                axes.scatter(across, values.ravel(), s=9, color=colour, alpha=0.7, linewidths=0)
            mean = np.ma.masked_invalid(values).mean(1).filled(np.nan)  # a layer may have no number
            axes.plot(at, mean, color=colour, linestyle=line, linewidth=1.2, label=name)
        self._name_axes(axes)
        fit_inside(axes)
        if 1 < len(self.series) <= len(SERIES):
            axes.legend(fontsize=SMALL, frameon=False)
        elif self.dots and len(self.series) == 1:
            self._name_extremes(axes)

    @property
    def are_graded(self) -> bool:
        """Whether lines go from blue to orange, being more than the colours that are told apart."""
        return len(self.series) > len(SERIES)

    def _looks(self) -> Iterator[tuple[Any, Any]]:
        """Yield colour and line of each series."""
        count = len(self.series)
        if self.are_graded:
            return ((colour, "-") for colour in GRADED(np.linspace(0, 1, count)))
        return zip(SERIES[:count], LINES[:count], strict=True)

    def _name_axes(self, axes: Axes) -> None:
        texts, properties = plain_text(self.names)
        some = slice(None, None, 1 + (len(texts) - 1) // MANY)
        turned = 90 if self._turned else 0
        axes.set_xticks(range(len(texts))[some], texts[some], rotation=turned, **properties)
        axes.set_xlabel(self.along, fontsize=LABEL, labelpad=1)
        axes.set_ylabel(self.unit, fontsize=LABEL)
        axes.margins(y=0.1)
        thin_frame(axes)

    def _name_extremes(self, axes: Axes) -> None:
        (values,) = self.series.values()
        if np.nanmax(values) == np.nanmin(values):
            return
        for find, side in ((np.nanargmax, 4), (np.nanargmin, -4)):
            place, head = np.unravel_index(int(find(values)), values.shape)
            last = place > len(values) / 2
            look: dict[str, Any] = {"fontsize": SMALL, "ha": "right" if last else "left", "va": "center"}
            at = (place, values[place, head]), (-5 if last else 5, side)
            axes.annotate(f"head {head}", *at, textcoords="offset points", **look)

    @property
    def _turned(self) -> bool:
        return max(map(len, self.names)) > 2
