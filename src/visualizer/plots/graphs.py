"""Numbers of heads as dots and lines, along layers or calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps

from visualizer.plots.arrays import Floats
from visualizer.plots.figures import LABEL, SMALL
from visualizer.plots.measuring import width_of
from visualizer.plots.places import Paint
from visualizer.plots.sheets import fit_inside, thin_frame
from visualizer.plots.writing import plain_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")  # Okabe and Ito
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
        for (name, values), colour in zip(self.series.items(), self._colours(), strict=True):
            at = np.arange(len(values))
            if self.dots:
                across = np.repeat(at, values.shape[1])
                axes.scatter(across, values.ravel(), s=9, color=colour, alpha=0.45, linewidths=0)
            mean = np.ma.masked_invalid(values).mean(1).filled(np.nan)  # a layer may have no number
            axes.plot(at, mean, color=colour, linewidth=1.2, label=name)
        self._name_axes(axes)
        fit_inside(axes)
        if 1 < len(self.series) <= len(SERIES):
            axes.legend(fontsize=SMALL, frameon=False)
        elif self.dots and len(self.series) == 1:
            self._name_extremes(axes)

    @property
    def are_graded(self) -> bool:
        """Whether lines go from dark to light, being more than the colours that are told apart."""
        return len(self.series) > len(SERIES)

    def _colours(self) -> Iterator[Any]:
        count = len(self.series)
        return iter(colormaps["viridis"](np.linspace(0, 0.92, count)) if self.are_graded else SERIES[:count])

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
