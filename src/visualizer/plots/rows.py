"""One query's row of a map, put back over text, image, frames, slices or time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from visualizer.axes import Axis, Frames, Unknown, Volume
from visualizer.errors import OptionError, ShapeError
from visualizer.plots.arrays import Floats, finite
from visualizer.plots.asking import COLOURS, OVERLAY, PAGE, QUERY, TOKENS, WHICH, Options, takes
from visualizer.plots.chips import MANY
from visualizer.plots.colours import ON_IMAGE, ON_TEXT, colour_scale
from visualizer.plots.laying import WORDS, Laid
from visualizer.plots.options import check_interpolation, opacity
from visualizer.plots.places import Paint
from visualizer.plots.sheets import Block, draw_sheet
from visualizer.plots.sources import subject_of
from visualizer.plots.subjects import Subject, Tokens
from visualizer.plots.telling import Facts

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@takes(*WHICH, *TOKENS, *QUERY, *COLOURS, *OVERLAY, *PAGE)
def row(shown: Any, **options: Any) -> Figure:
    """Draw where one query looks, on everything that the keys are: text, image, frames, slices, time.

    Parameters
    ----------
    shown
        A run (with ``layer=``, ``head=``), a call, a map of axes (batch, head, query, key) or fewer, lazy or
        not, or a row of weights (key,).
    options
        What there is, `Options` lists: the query, by ``query=``, ``cell=``, ``pixel=``, ``text=`` or
        ``special=``; ``axis=`` or ``keys=`` and ``queries=``, ``image=``, of a run its own; colours, title,
        caption and width.

    Raises
    ------
    OptionError
        If an option is unknown, the query is not told, or the head of several is not.
    ShapeError
        If axes and map do not fit, the query lies outside, or its row has no finite value.
    CallsError
        If a run has no such call, or several.

    Examples
    --------
    >>> figure = row([[0.5, 0.3, 0.2]] * 3, query=1, axis=["a", "black", "cat"])
    >>> [text.get_text() for text in figure.axes[0].texts][:3]
    ['a', 'black', 'cat']
    """
    asked = Options.read(options)
    laid, facts = row_of(shown, asked)
    paint = paint_for([laid], asked)
    blocks = list(laid.blocks(paint))
    return draw_sheet(blocks, [*facts.sentences, *largest(laid), *told(blocks, laid.weights)], asked)


@takes(*WHICH, *TOKENS, *QUERY, *COLOURS, *PAGE)
def tokens(shown: Any, **options: Any) -> Figure:
    """Draw a text, each token shaded by its weight; what lies on other tokens than those of text is told.

    Takes what `row` takes.

    Examples
    --------
    >>> tokens([0.7, 0.2, 0.1], axis=["a", "black", "cat"]).axes[0].texts[2].get_text()
    'cat'
    """
    asked = Options.read(options)
    laid, facts = row_of(shown, asked)
    kinds = WORDS if _has_words([laid]) else Unknown
    part, left = _only(laid, kinds, "text")
    paint = paint_for([part], asked)
    blocks = list(part.blocks(paint))
    return draw_sheet(blocks, [*facts.sentences, *left, *largest(part), *told(blocks, part.weights)], asked)


@takes(*WHICH, *TOKENS, *QUERY, *COLOURS, *OVERLAY, *PAGE)
def frames(shown: Any, *, steps: Sequence[int] | None = None, **options: Any) -> Figure:
    """Draw where one query looks in a video, a picture for each step, or for some ``steps``.

    Takes what `row` takes; ``image`` is (frame, height, width, channel).

    Examples
    --------
    >>> from visualizer.axes import Frames
    >>> len(frames(np.full(12, 1 / 12), axis=Frames(3, 2, 2)).axes[0].images)
    3
    """
    return _film(shown, Frames, steps, options)


@takes(*WHICH, *TOKENS, *QUERY, *COLOURS, *OVERLAY, *PAGE)
def volume(shown: Any, *, slices: Sequence[int] | None = None, **options: Any) -> Figure:
    """Draw where one query looks in a volume, a picture for each slice, or for some ``slices``.

    Takes what `row` takes; ``image`` is (depth, height, width).

    Examples
    --------
    >>> from visualizer.axes import Volume
    >>> len(volume(np.full(12, 1 / 12), axis=Volume(3, 2, 2), slices=[0, 2]).axes[0].images)
    2
    """
    return _film(shown, Volume, slices, options)


def row_of(shown: Any, asked: Options) -> tuple[Laid, Facts]:
    """Return the row that is asked for, and what is known of it."""
    subject = subject_of(shown, asked)
    alone = subject.map.shape[-2] == 1 and not asked.asked
    found, tokens = (subject, range(1)) if alone else subject.find(asked)
    name = found.named(tokens)
    nameless = alone and name == "token 0"  # weights without a query
    return laid_row(found, tokens), found.facts.and_(query="" if nameless else name)


def laid_row(subject: Subject, tokens: Tokens) -> Laid:
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
    return Laid(weights, subject.keys, subject.image, subject.batch, subject.own_keys(tokens))


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
    if len(laid.weights) <= MANY or not _has_words([laid]):
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
    return _has_words(laid) or all(isinstance(one, Unknown) for each in laid for one in each.axis.segments)


def _has_words(laid: Sequence[Laid]) -> bool:
    return any(isinstance(one, WORDS) for each in laid for one in each.axis.segments)


def _only(laid: Laid, kinds: Any, what: str) -> tuple[Laid, list[str]]:
    """Return the tokens of some kinds, and a sentence on what is left out."""
    of = [isinstance(one, kinds) for one in laid.axis.segments for _ in range(one.length)]
    kept = np.array(of)
    if not kept.any():
        raise OptionError(f"{what} was to be drawn, but the tokens are {laid.axis.arithmetic}")
    axis = Axis(tuple(one for one in laid.axis.segments if isinstance(one, kinds)))
    marked = frozenset(int(kept[:token].sum()) for token in laid.marked if kept[token])
    outside = float(np.nansum(laid.weights[~kept]))
    others = int((~kept).sum())
    left = [f"Not shown: {outside:.3g} on {others} other token{'s' * (others != 1)}."] if others else []
    return replace(laid, weights=laid.weights[kept], axis=axis, marked=marked), left


def _film(shown: Any, kind: type, only: Sequence[int] | None, options: dict[str, Any]) -> Figure:
    asked = Options.read(options)
    whole, facts = row_of(shown, asked)
    laid, left = _only(whole, kind, kind.__name__.lower())
    steps = _checked(only, laid.axis.segments[0])
    shown_weights = laid.axis.put(laid.weights)[0][steps].ravel()
    paint = paint_for([laid], asked)
    rest = np.nansum(laid.weights) - np.nansum(shown_weights)
    left += [f"Not shown: {rest:.3g} on steps that were left out."] if only is not None else []
    blocks = [laid.film(paint, steps)]
    return draw_sheet(blocks, [*facts.sentences, *left, *told(blocks, shown_weights)], asked, "page")


def _checked(only: Sequence[int] | None, segment: Any) -> list[int]:
    steps = list(range(segment.cells[0]) if only is None else only)
    if not steps or not all(0 <= step < segment.cells[0] for step in steps):
        raise ShapeError(f"steps {steps} were asked for of {segment.counted}, counted from 0")
    return steps
