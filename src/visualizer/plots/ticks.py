"""Numbers beside axes and colour bars: few, as they are, and each with room for itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axis import Axis
from matplotlib.colorbar import Colorbar
from matplotlib.colors import LogNorm, SymLogNorm
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, ScalarFormatter

from visualizer.plots.colours import ColourScale

LONGEST = 7  # characters of a number beside an axis
LEAST = 0.22  # of a logarithmic bar, between two numbers however long it is
ROOM = 0.2  # inches of a bar that a number takes with the space around it
SMALLEST = 1e-3  # that is written without a power
STEPS = 1.0, 2.0, 5.0  # within a decade


class PlainNumbers(ScalarFormatter):
    """Numbers as they are, long ones in short: a factor would stand where there is no room for it."""

    def __init__(self) -> None:
        super().__init__(useOffset=False)
        self.set_scientific(False)

    def format_ticks(self, values: Any) -> list[str]:
        """Return numbers as texts, long ones with as few digits as tell them apart."""
        texts = super().format_ticks(values)
        if all(len(text) <= LONGEST for text in texts):
            return texts
        return [self.fix_minus(text) for text in _in_short(values, 1)]


def write_plainly(axis: Axis) -> None:
    """Write the numbers of a linear axis as `PlainNumbers` does."""
    if isinstance(axis.get_major_formatter(), ScalarFormatter):
        axis.set_major_formatter(PlainNumbers())


def write_bar(bar: Colorbar, colours: ColourScale, height: float) -> None:
    """Write few numbers beside a colour bar of ``height`` in inches.

    At the lower end of a logarithmic one stands ≤ if there are weights below.
    """
    norm, gap = colours.norm, max(LEAST, ROOM / height)
    if isinstance(norm, SymLogNorm):
        largest = log_ticks(LogNorm(norm.linthresh, norm.vmax), gap)[-1]
        ticks = [-largest, 0.0, largest]
    elif isinstance(norm, LogNorm):
        ticks = log_ticks(norm, gap, ends=bool(colours.below))
    else:
        write_plainly(bar.ax.yaxis)
        return
    texts = _in_short(ticks, 3)
    if colours.below and not colours.diverging:
        texts[0] = f"≤{_short(ticks[0], 2)}"
    bar.set_ticks(ticks, labels=[ScalarFormatter.fix_minus(text) for text in texts])
    bar.ax.yaxis.set_minor_formatter(NullFormatter())


def log_ticks(norm: LogNorm, gap: float, *, ends: bool = False) -> list[float]:
    """Return numbers to be written beside a logarithmic scale: powers of 10, 1 2 5, or even steps.

    ``gap`` is how far they are apart at least, as a part of the scale; with ``ends`` the lowest is one.

    Examples
    --------
    >>> log_ticks(LogNorm(1e-4, 1), 0.2)
    [0.0001, 0.001, 0.01, 0.1, 1.0]
    >>> log_ticks(LogNorm(0.02, 0.13), 0.3)
    [0.02, 0.05, 0.1]
    >>> log_ticks(LogNorm(0.031, 0.038), 0.3)
    [0.031, 0.033, 0.036]
    """
    low, high, most = float(norm.vmin or 0), float(norm.vmax or 1), int(1 / gap) + 1
    for locator in (LogLocator(numticks=most), LogLocator(subs=STEPS), MaxNLocator(2 * most)):
        around: list[float] = [float(f"{one:.12g}") for one in locator.tick_values(low, high)]
        within = [one for one in around if low * (1 - 1e-9) <= one <= high * (1 + 1e-9)]
        ticks = _apart([low, *within] if ends else within, norm, gap)
        if len(within) > 1 and len(ticks) > 1:
            return ticks
    return [low, high]


def _apart(ticks: Sequence[float], norm: LogNorm, gap: float) -> list[float]:
    """Return those that are far enough above the one before."""
    kept = list(ticks[:1])
    for one in ticks[1:]:
        if norm(one) - norm(kept[-1]) >= gap:
            kept.append(one)
    return kept


def _in_short(values: Any, digits: int) -> list[str]:
    """Return numbers as texts of at most so many digits, or of as few more as tell them apart."""
    for count in range(digits, 17):
        texts = [_short(value, count) for value in values]
        if len(set(texts)) == len(set(values)):
            break
    return texts


def _short(value: float, digits: int) -> str:
    """Return a number as 0.001 or, if it is smaller, as 1e-4."""
    if value == 0 or abs(value) >= SMALLEST:
        return f"{value:.{digits}g}"
    factor, exponent = f"{value:.{digits - 1}e}".split("e")
    return f"{float(factor):.{digits}g}e{int(exponent)}"
