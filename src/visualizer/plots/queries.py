"""One query's row of a map, or one key's column, put back over text, image, frames, slices or time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from visualizer.axes import Axis, Frames, Unknown, Volume
from visualizer.errors import OptionError, ShapeError
from visualizer.plots.asking import COLOURS, KEEPING, KEY, OVERLAY, PAGE, QUERY, TOKENS, WHICH, Options, takes
from visualizer.plots.headwise import row_of_all_heads
from visualizer.plots.keeping import told_left
from visualizer.plots.laying import WORDS, Laid
from visualizer.plots.rows import has_words, largest, paint_for, row_of, told
from visualizer.plots.sheets import draw_sheet

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@takes(*WHICH, *TOKENS, *QUERY, *KEEPING, "part", *COLOURS, *OVERLAY, *PAGE)
def row(shown: Any, **options: Any) -> Figure:
    """Draw where one query looks, on everything that the keys are: text, image, frames, slices, time.

    Parameters
    ----------
    shown
        A run (with ``layer=``, ``head=``), a call, a map of axes (batch, head, query, key) or fewer, lazy or
        not, or a row of weights (key,).
    options
        What there is, `Options` lists: the query, by ``query=``, ``cell=``, ``pixel=``, ``text=`` or
        ``special=``; ``head="all"`` for the row in each head, on one scale; ``axis=`` or ``keys=`` and
        ``queries=``, ``image=``, of a run its own; ``sinks=False`` leaves out special tokens and the first
        one, ``mass=0.9`` all but the largest weights that make so much of the row, ``part=(8, 24)``, or what
        `Run.where` finds, all other keys; colours, title, caption and width.

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
    return _drawn(shown, Options.read(options), "queries")


@takes(*WHICH, *TOKENS, *KEY, "mass", "part", *COLOURS, *OVERLAY, *PAGE)
def column(shown: Any, **options: Any) -> Figure:
    """Draw who looks at one key: the weight that every query gives it, where the queries lie.

    Nothing but the column is formed of a lazy map. It sums to no fixed number.

    Parameters
    ----------
    shown
        What `row` takes.
    options
        As of `row`: the key, by ``key=`` in the place of ``query=``, ``cell=``, ``pixel=``, ``text=`` or
        ``special=``; ``part=`` of the queries. Sinks stay, as the weights are of different rows.

    Raises
    ------
    OptionError, ShapeError, CallsError
        As for `row`.

    Examples
    --------
    >>> figure = column([[0.5, 0.3, 0.2]] * 3, key=2, axis=["a", "black", "cat"])
    >>> [text.get_text() for text in figure.axes[0].texts][:3]
    ['a', 'black', 'cat']
    """
    return _drawn(shown, Options.read(options), "keys")


def _drawn(shown: Any, asked: Options, side: str) -> Figure:
    """Draw the row, or column, of what is named on one side, or that of every head."""
    if asked.head == "all":
        return row_of_all_heads(shown, asked, side)
    laid, facts = row_of(shown, asked, side)
    paint = paint_for([laid], asked)
    blocks = list(laid.blocks(paint))
    said = told(blocks, laid.weights, laid.left.line)
    return draw_sheet(blocks, [*facts.sentences, *told_left([laid.left]), *largest(laid), *said], asked)


@takes(*WHICH, *TOKENS, *QUERY, *KEEPING, *COLOURS, *PAGE)
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
    kinds = WORDS if has_words([laid]) else Unknown
    part, left = _only(laid, kinds, "text")
    paint = paint_for([part], asked)
    blocks = list(part.blocks(paint))
    sentences = [
        *facts.sentences,
        *told_left([laid.left]),
        *left,
        *largest(part),
        *told(blocks, part.weights),
    ]
    return draw_sheet(blocks, sentences, asked)


@takes(*WHICH, *TOKENS, *QUERY, *KEEPING, *COLOURS, *OVERLAY, *PAGE)
def frames(shown: Any, *, steps: Sequence[int] | None = None, **options: Any) -> Figure:
    """Draw where one query looks in a video, a picture for each step of frames, or for some ``steps``.

    Takes what `row` takes; ``image`` is (frame, height, width, channel).

    Examples
    --------
    >>> from visualizer.axes import Frames
    >>> len(frames(np.full(12, 1 / 12), axis=Frames(3, 2, 2)).axes[0].images)
    3
    """
    return _film(shown, Frames, steps, options)


@takes(*WHICH, *TOKENS, *QUERY, *KEEPING, *COLOURS, *OVERLAY, *PAGE)
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
    gone = None if laid.gone is None else laid.gone[kept]
    return replace(laid, weights=laid.weights[kept], axis=axis, marked=marked, gone=gone), left


def _film(
    shown: Any, kind: type[Frames | Volume], only: Sequence[int] | None, options: dict[str, Any]
) -> Figure:
    asked = Options.read(options)
    whole, facts = row_of(shown, asked)
    laid, left = _only(whole, kind, kind.__name__.lower())
    steps = _checked(only, laid.axis.segments[0])
    shown_weights = laid.axis.put(laid.weights)[0][steps].ravel()
    paint = paint_for([laid], asked)
    rest = np.nansum(laid.weights) - np.nansum(shown_weights)
    left += [f"Not shown: {rest:.3g} on {kind.word}s that were left out."] if only is not None else []
    blocks = [laid.film(paint, steps)]
    sentences = [*facts.sentences, *told_left([whole.left]), *left, *told(blocks, shown_weights)]
    return draw_sheet(blocks, sentences, asked, "page")


def _checked(only: Sequence[int] | None, segment: Any) -> list[int]:
    steps = list(range(segment.cells[0]) if only is None else only)
    if not steps or not all(0 <= step < segment.cells[0] for step in steps):
        raise ShapeError(f"steps {steps} were asked for of {segment.counted}, counted from 0")
    return steps
