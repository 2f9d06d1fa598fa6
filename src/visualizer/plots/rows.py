"""One query's row of a map, or one key's column: what is drawn of it, on which scale, what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from visualizer.axes import Unknown
from visualizer.errors import ShapeError
from visualizer.plots.arrays import Floats
from visualizer.plots.asking import Options
from visualizer.plots.chips import MANY
from visualizer.plots.colours import ON_IMAGE, ON_TEXT, colour_scale
from visualizer.plots.keeping import kept
from visualizer.plots.laying import WORDS, Laid
from visualizer.plots.options import check_interpolation, opacity
from visualizer.plots.parts import part_asked, told_part
from visualizer.plots.places import Paint
from visualizer.plots.sheets import Block
from visualizer.plots.sources import subject_of
from visualizer.plots.subjects import OTHER, SIDES, TOKEN, Subject, Tokens
from visualizer.plots.telling import Facts

LINE = {"queries": "row", "keys": "column"}


def row_of(shown: Any, asked: Options, side: str = "queries") -> tuple[Laid, Facts]:
    """Return the row that is asked for, or on the ``side`` of "keys" the column, and what is known of it."""
    subject = subject_of(shown, asked)
    alone = subject.map.shape[SIDES[side]] == 1 and not asked.asked
    found, tokens = (subject, range(1)) if alone else subject.find(asked, side)
    name = found.named(tokens, side)
    nameless = alone and name == "token 0"  # weights without a query
    return laid_row(found, tokens, asked, side), found.facts.and_(**{TOKEN[side]: "" if nameless else name})


def laid_row(subject: Subject, tokens: Tokens, asked: Options, side: str = "queries") -> Laid:
    """Return one query's row put where the keys lie, or a key's column put where the queries do.

    Of several tokens it is their mean.

    Raises
    ------
    ShapeError
        If it has no finite value.
    OptionError
        If what is to be left out cannot be.
    """
    weights, other = subject.weights(tokens, side), OTHER[side]
    were = np.isfinite(weights)
    if not were.any():
        raise ShapeError(f"{_lines(tokens, side)} of the map holds no finite value: pick another")
    weights = np.where(were, weights, np.nan)
    axis, places = getattr(subject, other), subject.places if other == "queries" else ()
    numbers = places or range(len(weights))
    part = part_asked(asked.part, numbers, other)
    weights, left = kept(weights, axis, mass=asked.mass, sinks=asked.sinks, part=part, signed=subject.signed)
    left = replace(left, line=LINE[side], part="" if part is None else told_part(part, numbers))
    own, gone = subject.own(tokens, side), were & np.isnan(weights)
    return Laid(weights, axis, subject.looked_at, subject.batch, own, left, part, other, places, gone)


def _lines(tokens: Tokens, side: str) -> str:
    """Return the row, or column, or of which ones it is the mean."""
    if len(tokens) == 1:
        return f"{LINE[side]} {tokens[0]}"
    return f"the mean of {LINE[side]}s {tokens[0]} to {tokens[-1]}"


def paint_for(laid: Sequence[Laid], asked: Options) -> Paint:
    """Return the colours of one scale for all that is laid."""
    check_interpolation(asked.interpolation)
    grounds = [ground for one in laid if (ground := one.ground()) is not None]
    usual = ON_IMAGE if grounds or not _is_in_chips(laid) else ON_TEXT
    values = np.concatenate([one.drawn for one in laid])
    colours = colour_scale(values, asked.cmap, (asked.vmin, asked.vmax), asked.scale, usual)
    ground = sum(grounds) / len(grounds) if grounds else None
    return Paint(colours, opacity(asked.alpha), asked.interpolation, ground)


def largest(laid: Laid) -> list[str]:
    """Return a sentence that names the heaviest of more tokens than can be written out."""
    if sum(one.length for one in laid.segments) <= MANY or not has_words([laid]):
        return []
    heaviest = [n for n in np.argsort(-np.nan_to_num(laid.weights))[:3] if np.isfinite(laid.weights[n])]
    named = [
        f"token {laid.place(n)} “{laid.axis.name(int(n)).strip()}” {laid.weights[n]:.3g}" for n in heaviest
    ]
    return [f"Largest: {', '.join(named)}."]


def told(blocks: Sequence[Block], weights: Floats, line: str = "row") -> list[str]:
    """Return sentences on the mass that is shown, the scale, and what shines through."""
    shown = [] if np.nanmin(weights) < 0 else [f"The weights shown sum to {np.nansum(weights):.3g}."]
    shown += unbounded(line) if shown else []
    paint = next((block.paint for block in blocks if block.paint is not None), None)
    if paint is None:
        return [*shown, f"Heights are weights, up to {np.nanmax(weights):.3g}."]
    return [*shown, *scale_of(paint)]


def unbounded(line: str) -> list[str]:
    """Return a sentence that a column, unlike a row, has no sum that is known beforehand."""
    return ["A column sums to no fixed number."] if line == "column" else []


def scale_of(paint: Paint) -> list[str]:
    """Return sentences on the scale, and on what shines through."""
    through = paint.paper is not None and paint.alpha < 1
    blend = [f"The image shines through (opacity {paint.alpha:g})."] if through else []
    return [paint.colours.sentence(), *blend]


def _is_in_chips(laid: Sequence[Laid]) -> bool:
    """Tell whether there are words, or tokens of which only the number is known."""
    return has_words(laid) or all(isinstance(one, Unknown) for each in laid for one in each.segments)


def has_words(laid: Sequence[Laid]) -> bool:
    """Tell whether some tokens are words."""
    return any(isinstance(one, WORDS) for each in laid for one in each.segments)
