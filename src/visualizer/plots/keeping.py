"""What is drawn of a row: without sinks, its largest weights alone; as the viewer's page does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from visualizer.axes import Axis, Special
from visualizer.errors import OptionError
from visualizer.plots.arrays import Floats
from visualizer.plots.parts import Mask


@dataclass(frozen=True)
class Left:
    """What was left out of a row or column: the share of sinks, all but so many weights of such a share.

    ``share`` is what the tokens have that are looked at alone, ``part`` which they are.
    """

    removed: float | None = None
    renormalised: bool = True
    count: int | None = None
    mass: float = 1.0
    share: float | None = None
    part: str = ""
    line: str = "row"


NOTHING = Left()


def kept(  # noqa: PLR0913  # each thing that is left out is a keyword
    weights: Floats,
    axis: Axis,
    *,
    mass: float = 1.0,
    sinks: bool = True,
    part: Mask | None = None,
    signed: bool = False,
) -> tuple[Floats, Left]:
    """Return the weights (key,) that are drawn, and what is not.

    Without ``sinks``, special tokens and the first one, these are NaN and the rest has what all had, unless
    it is ``signed``; sizes count there. What lies outside of the ``part`` is NaN. All but the largest weights
    that make a share ``mass`` of what is left are 0.

    Raises
    ------
    OptionError
        If the mass is no share, or all keys, or all of the part, are sinks.

    Examples
    --------
    >>> from visualizer.axes import Text
    >>> axis = Axis((Special("CLS"), Text(["a", "black", "cat"])))
    >>> weights, left = kept(np.array([0.5, 0.1, 0.15, 0.25]), axis, mass=0.7, sinks=False)
    >>> weights, left.removed, left.count
    (array([nan, 0. , 0.3, 0.5]), 0.5, 2)
    """
    removed, signed = None, signed or bool(np.nanmin(weights) < 0)
    if not sinks:
        weights, removed = _without_sinks(weights, axis, signed)
    if isinstance(mass, bool) or not isinstance(mass, int | float) or not 0 < mass <= 1:
        raise OptionError(f"mass={mass!r} was asked for; give a share above 0, up to 1")
    left = Left(removed, not signed)
    if part is not None:
        weights, share = _of_part(weights, part)
        left = replace(left, share=share)
    if mass == 1:
        return weights, left
    weights, count, reached = _largest(weights, mass)
    return weights, replace(left, count=count, mass=reached)


def told_left(rows: Sequence[Left]) -> list[str]:
    """Return sentences on what was left out of rows.

    Examples
    --------
    >>> told_left([Left(0.5, True, 2, 0.91), Left(0.25, True, 4, 0.93)])[1]
    'Drawn are the 2 to 4 largest weights, 0.91 to 0.93 of the mass; the others as 0.'
    """
    sentences = []
    if rows[0].removed is not None:
        more = "; the rest is renormalised" if rows[0].renormalised else ""
        removed = _span([one.removed or 0.0 for one in rows])
        how = ", hatched" if any(one.removed for one in rows) else ""
        sentences.append(
            f"Sinks, special tokens and the first, are removed: {removed} of the row{how}{more}."
        )
    of = "the mass"
    if rows[0].share is not None:
        share, of = _span([one.share or 0.0 for one in rows]), "its mass"
        sentences.append(f"{share} of the {rows[0].line} is in the part that is looked at, {rows[0].part}.")
        sentences.append("The rest is hatched or left out.")
    if rows[0].count is not None:
        count, mass = _span([one.count or 0 for one in rows]), _span([one.mass for one in rows])
        sentences.append(f"Drawn are the {count} largest weights, {mass} of {of}; the others as 0.")
    return sentences


def _span(numbers: Sequence[float]) -> str:
    least, most = f"{min(numbers):.3g}", f"{max(numbers):.3g}"
    return least if least == most else f"{least} to {most}"


def _without_sinks(weights: Floats, axis: Axis, signed: bool) -> tuple[Floats, float]:
    gone = _sinks(axis)
    if gone.all():
        raise OptionError(f"sinks=False was asked for, but all {len(gone)} keys are special or the first")
    total, rest = np.nansum(np.abs(weights)), np.nansum(np.abs(weights[~gone]))
    factor = 1.0 if signed or not rest else total / rest
    return np.where(gone, np.nan, weights * factor), float(1 - rest / total) if total else 0.0


def _of_part(weights: Floats, part: Mask) -> tuple[Floats, float]:
    """Return weights with those outside of a part as NaN, and the share of those inside."""
    inside = np.where(part, weights, np.nan)
    if not np.isfinite(inside).any():
        raise OptionError("part= was asked for, but nothing in it can be drawn: it is of sinks, or no number")
    total = np.nansum(np.abs(weights))
    return inside, float(np.nansum(np.abs(inside)) / total) if total else 0.0


def _largest(weights: Floats, mass: float) -> tuple[Floats, int, float]:
    """Return weights with the smallest as 0, and how many are left with which share."""
    sizes = np.nan_to_num(np.abs(weights.astype(np.float64)))
    order = np.argsort(-sizes, kind="stable")
    sums = np.cumsum(sizes[order])
    count = min(int(np.searchsorted(sums, mass * sums[-1])) + 1, len(sums))
    found, small = weights.copy(), order[count:]
    found[small] = np.where(np.isnan(weights[small]), np.nan, 0)
    return found, count, float(sums[count - 1] / sums[-1]) if sums[-1] else 0.0


def _sinks(axis: Axis) -> NDArray[np.bool_]:
    """Tell which tokens are sinks, as the page does: of special ones alone, as object queries, none is."""
    special = [isinstance(one, Special) for one in axis.segments for _ in range(one.length)]
    if all(special):
        return np.zeros(len(special), bool)
    return np.array([len(special) > 1, *special[1:]])
