"""From numbers to colours: one scale for all panels of a picture, and the words that tell it.

Maps start at 0 and end at their largest value; data with negative values get a diverging scale centred on 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.colors import Colormap, FuncNorm, ListedColormap, LogNorm, Normalize, SymLogNorm

from visualizer.errors import OptionError
from visualizer.plots.arrays import Floats, finite
from visualizer.plots.options import colour_map

SEQUENTIAL, ON_IMAGE, ON_TEXT = "viridis", "inferno", "Blues"
DIVERGING = "RdBu_r"
SCALES = {"linear": "linear", "sqrt": "square-root", "log": "logarithmic"}
OVER = "#ff3fa4"  # cells above the scale: a colour that no default map contains
MISSING: dict[str, Any] = {"facecolor": "#dddddd", "edgecolor": "#888888", "hatch": "////", "linewidth": 0.0}
TINY = 1e-300
DECADES = 1e-4  # a logarithmic scale spans four decades unless told otherwise


@dataclass(frozen=True)
class ColourScale:
    """One scale for a whole picture: matplotlib's norm and colour map, and how many cells they clip."""

    norm: Normalize
    cmap: Colormap
    rule: str
    diverging: bool
    above: int
    below: int
    missing: int

    @property
    def extend(self) -> str:
        """Which ends of the colour bar have a tip for clipped cells."""
        return {(0, 0): "neither", (0, 1): "max", (1, 0): "min", (1, 1): "both"}[
            bool(self.below), bool(self.above)
        ]

    def sentence(self) -> str:
        """Return the scale's rule, its range, and what it does not show.

        Examples
        --------
        >>> colour_scale(np.array([0.25, 0.5])).sentence()
        'Linear colour scale from 0 to 0.5.'
        """
        kind = "diverging colour scale centred on 0," if self.diverging else "colour scale"
        text = f"{self.rule.capitalize()} {kind} from {self.norm.vmin:.3g} to {self.norm.vmax:.3g}."
        clipped = [f"{self.above:,} above it (colour at the bar's tip)"] if self.above else []
        if self.below:
            clipped.append(f"{self.below:,} below it (lowest colour: ≤ {self.norm.vmin:.3g})")
        if clipped:
            text += f" Clipped: {' and '.join(clipped)}."
        if self.missing:
            text += f" Not finite, hatched: {self.missing:,}."
        return text

    def over_grey(self, grey: float, alpha: float) -> Colormap:
        """Return the colours as they look when they lie on ``grey`` [0, 1] with opacity ``alpha``."""
        table = self.cmap(np.linspace(0, 1, 256))[:, :3]
        ends = np.array([self.cmap.get_under()[:3], self.cmap.get_over()[:3]])
        under, over = grey + alpha * (ends - grey)
        return ListedColormap(grey + alpha * (table - grey)).with_extremes(
            under=tuple(under), over=tuple(over)
        )


class FlooredLogNorm(LogNorm):
    """A logarithmic scale on which 0 lies below the range; matplotlib's own takes it for missing data."""

    def __call__(self, value: Any, clip: bool | None = None) -> Any:
        """Return ``value`` on the scale, where 0 and 1 are its ends."""
        return super().__call__(np.ma.maximum(value, TINY), clip)


def colour_scale(
    values: Floats,
    cmap: str | Colormap | None = None,
    limits: tuple[float | None, float | None] = (None, None),
    scale: str = "linear",
    sequential: str = SEQUENTIAL,
) -> ColourScale:
    """Return the colour scale of a picture that shows all of ``values``.

    ``limits`` are vmin and vmax; ``sequential`` is the colour map of values from 0 up if ``cmap`` is None.

    Raises
    ------
    OptionError
        If ``cmap`` or ``scale`` is unknown, the range is empty or not finite, or a logarithm starts at 0.

    Examples
    --------
    >>> colour_scale(np.array([-1.0, 3.0])).norm.vmin
    -3.0
    """
    if scale not in SCALES:
        raise OptionError(f"scale={scale!r} is unknown: one of {', '.join(map(repr, SCALES))} is wanted")
    shown, (vmin, vmax) = finite(values), limits
    diverging = bool(shown.min() < 0) and (vmin is None or vmax is None)
    low, high = _symmetric(shown, vmin, vmax) if diverging else _range(shown, vmin, vmax, scale)
    if not (low < high and np.isfinite([low, high]).all()):
        raise OptionError(
            f"the colour scale from vmin={low:.3g} to vmax={high:.3g} is empty or endless: "
            "vmin must lie below vmax, and both must be finite"
        )
    return ColourScale(
        norm=_norm(scale, low, high, diverging),
        cmap=_colours((DIVERGING if diverging else sequential) if cmap is None else cmap),
        rule=SCALES[scale],
        diverging=diverging,
        above=int((shown > high).sum()),
        below=int((shown < low).sum()),
        missing=values.size - shown.size,
    )


def _symmetric(shown: Floats, vmin: float | None, vmax: float | None) -> tuple[float, float]:
    given = vmax if vmax is not None else vmin
    limit = abs(given) if given is not None else float(np.abs(shown).max())
    return -limit, limit


def _range(shown: Floats, vmin: float | None, vmax: float | None, scale: str) -> tuple[float, float]:
    high = float(vmax if vmax is not None else shown.max() or 1.0)  # all zeros: any top will do
    if vmin is None and scale == "log":
        vmin = float(max(shown[shown > 0].min(initial=high), high * DECADES))
        vmin = vmin if vmin < high else high * DECADES
    low = float(vmin if vmin is not None else 0.0)
    if scale == "log" and low <= 0:
        raise OptionError(
            f"a logarithmic scale cannot start at {low:.3g}: give a positive vmin= or scale='sqrt'"
        )
    return low, high


def _norm(scale: str, low: float, high: float, diverging: bool) -> Normalize:
    if scale == "sqrt":
        return FuncNorm((_signed_root, _signed_square), low, high)
    if scale == "log" and diverging:
        return SymLogNorm(high * DECADES, vmin=low, vmax=high)
    return FlooredLogNorm(low, high) if scale == "log" else Normalize(low, high)


def _colours(cmap: str | Colormap) -> Colormap:
    found = colour_map(cmap)
    return found if found is cmap else found.with_extremes(over=OVER)  # below: as the lowest


def _signed_root(values: Any) -> Any:
    return np.sign(values) * np.sqrt(np.abs(values))


def _signed_square(values: Any) -> Any:
    return np.sign(values) * np.square(values)
