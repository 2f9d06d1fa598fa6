"""One query's row of a map: what is drawn of it, on which scale, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from visualizer.axes import Unknown
from visualizer.errors import ShapeError
from visualizer.plots.arrays import Floats, finite
from visualizer.plots.asking import Options
from visualizer.plots.chips import MANY
from visualizer.plots.colours import ON_IMAGE, ON_TEXT, colour_scale
from visualizer.plots.keeping import kept
from visualizer.plots.laying import WORDS, Laid
from visualizer.plots.options import check_interpolation, opacity
from visualizer.plots.places import Paint
from visualizer.plots.sheets import Block
from visualizer.plots.sources import subject_of
from visualizer.plots.subjects import Subject, Tokens
from visualizer.plots.telling import Facts


def row_of(shown: Any, asked: Options) -> tuple[Laid, Facts]:
    """Return the row that is asked for, and what is known of it."""
    subject = subject_of(shown, asked)
    alone = subject.map.shape[-2] == 1 and not asked.asked
    found, tokens = (subject, range(1)) if alone else subject.find(asked)
    name = found.named(tokens)
    nameless = alone and name == "token 0"  # weights without a query
    return laid_row(found, tokens, asked), found.facts.and_(query="" if nameless else name)


def laid_row(subject: Subject, tokens: Tokens, asked: Options) -> Laid:
    """Return one query's row, or the mean of those of several, put where the keys lie.

    Raises
    ------
    ShapeError
        If it has no finite value.
    """
    weights = subject.row(tokens)
    if not finite(weights).size:
        rows = f"row {tokens[0]}" if len(tokens) == 1 else f"the mean of rows {tokens[0]} to {tokens[-1]}"
        raise ShapeError(f"{rows} of the map holds no finite value, so it looks nowhere: pick another")
    weights = np.where(np.isfinite(weights), weights, np.nan)
    weights, left = kept(weights, subject.keys, mass=asked.mass, sinks=asked.sinks, signed=subject.signed)
    own = subject.own_keys(tokens)
    return Laid(weights, subject.keys, subject.looked_at, subject.batch, own, left)


def paint_for(laid: Sequence[Laid], asked: Options) -> Paint:
    """Return the colours of one scale for all that is laid."""
    check_interpolation(asked.interpolation)
    grounds = [ground for one in laid if (ground := one.ground()) is not None]
    usual = ON_IMAGE if grounds or not _is_in_chips(laid) else ON_TEXT
    values = np.concatenate([one.weights for one in laid])
    colours = colour_scale(values, asked.cmap, (asked.vmin, asked.vmax), asked.scale, usual)
    ground = sum(grounds) / len(grounds) if grounds else None
    return Paint(colours, opacity(asked.alpha), asked.interpolation, ground)


def largest(laid: Laid) -> list[str]:
    """Return a sentence that names the heaviest of more tokens than can be written out."""
    if len(laid.weights) <= MANY or not has_words([laid]):
        return []
    heaviest = np.argsort(-np.nan_to_num(laid.weights))[:3]
    named = [f"token {n} “{laid.axis.name(int(n)).strip()}” {laid.weights[n]:.3g}" for n in heaviest]
    return [f"Largest: {', '.join(named)}."]


def told(blocks: Sequence[Block], weights: Floats) -> list[str]:
    """Return sentences on the mass that is shown, the scale, and what shines through."""
    shown = [] if np.nanmin(weights) < 0 else [f"The weights shown sum to {np.nansum(weights):.3g}."]
    paint = next((block.paint for block in blocks if block.paint is not None), None)
    if paint is None:
        return [*shown, f"Heights are weights, up to {np.nanmax(weights):.3g}."]
    return [*shown, *scale_of(paint)]


def scale_of(paint: Paint) -> list[str]:
    """Return sentences on the scale, and on what shines through."""
    through = paint.paper is not None and paint.alpha < 1
    blend = [f"The image shines through (opacity {paint.alpha:g})."] if through else []
    return [paint.colours.sentence(), *blend]


def _is_in_chips(laid: Sequence[Laid]) -> bool:
    """Tell whether there are words, or tokens of which only the number is known."""
    return has_words(laid) or all(isinstance(one, Unknown) for each in laid for one in each.axis.segments)


def has_words(laid: Sequence[Laid]) -> bool:
    """Tell whether some tokens are words."""
    return any(isinstance(one, WORDS) for each in laid for one in each.axis.segments)
