"""Two maps beside one another, as their signed difference."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from visualizer.errors import OptionError, ShapeError
from visualizer.plots.arrays import Floats, finite
from visualizer.plots.asking import COLOURS, KEEPING, OVERLAY, PAGE, QUERY, TOKENS, WHICH, Options, takes
from visualizer.plots.colours import DIVERGING
from visualizer.plots.keeping import told_left
from visualizer.plots.labels import axis_labels
from visualizer.plots.panels import Look, Panel, draw_panels
from visualizer.plots.rows import laid_row, paint_for, told
from visualizer.plots.sheets import draw_sheet
from visualizer.plots.sources import subject_of
from visualizer.plots.subjects import Subject, Tokens
from visualizer.plots.telling import Facts, shared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

MOST = 512  # queries and keys; of more, means of bins are drawn


@takes(*WHICH, *TOKENS, *QUERY, *KEEPING, *COLOURS, *OVERLAY, *PAGE)
def compare(first: Any, second: Any, *, names: tuple[str, str] | None = None, **options: Any) -> Figure:
    """Draw the first map minus the second, around 0: as a matrix, or for one query where its keys lie.

    Parameters
    ----------
    first, second
        What `row` takes, of one shape, or a pair (that, a dictionary of its own options), as two layers of a
        run are: ``(run, {"layer": "blocks.0.attn"})``. Long maps are pooled, lazily.
    names
        What the caption calls them: by what they differ in, such as layer or head, unless told.
    options
        As of `row`, for both. Without a query the whole map is drawn.

    Raises
    ------
    ShapeError
        If they differ in shape.
    OptionError, CallsError
        As for `row`; or if ``mass=`` or ``sinks=`` are given without a query, or ``names=`` are not two.

    Examples
    --------
    >>> compare(np.eye(3), np.full((3, 3), 1 / 3)).axes[0].get_ylabel()
    'query (row)'
    """
    asked = Options.read(options)
    _check(names)
    (one, own), (other, others) = (_subject(shown, options) for shown in (first, second))
    if one.map.shape[-2:] != other.map.shape[-2:]:
        shapes = " and ".join(str(tuple(each.map.shape[-2:])) for each in (one, other))
        raise ShapeError(f"maps of {shapes} were to be compared; they must have the same queries and keys")
    if not (own.asked or others.asked) and one.map.shape[-2] > 1:
        if asked.mass != 1 or not asked.sinks:
            raise OptionError("mass= and sinks= were given, which are of one query's row: give query= too")
        return _of_all_rows(one, other, asked, _reading(one.facts, other.facts, names))
    first, tokens = one.find(own) if own.asked or one.map.shape[-2] > 1 else (one, range(1))
    if own.asked != others.asked:
        return _of_one_row((first, tokens), other.find(others), asked, names)
    row = other.facts.and_(row=first.facts.said.get("row", ""))
    second = replace(other, batch=first.batch, facts=row)
    return _of_one_row((first, tokens), (second, tokens), asked, names)


def _check(names: Any) -> None:
    given = names if isinstance(names, (tuple, list)) else [names]
    if names is not None and [type(name) for name in given] != [str, str]:
        raise OptionError(f"names={names!r} was given; give two, of the first map and of the second")


def _subject(shown: Any, options: dict[str, Any]) -> tuple[Subject, Options]:
    """Return what is to be compared, and what is asked of it."""
    if isinstance(shown, tuple) and len(shown) == 2 and isinstance(shown[1], dict):
        shown, options = shown[0], options | shown[1]
    asked = Options.read(options)
    return subject_of(shown, asked), asked


def _reading(first: Facts, second: Facts, names: tuple[str, str] | None) -> list[str]:
    """Return sentences on what is compared."""
    return [*_names(first, second, names), *shared([first, second]).whence]


def _names(first: Facts, second: Facts, given: tuple[str, str] | None) -> list[str]:
    """Return sentences on which of both is red, and in what they differ."""
    common = shared([first, second]).said
    differing = [
        ", ".join(said.removeprefix("layer ") for name, said in one.said.items() if name not in common)
        for one in (first, second)
    ]
    names = given or (tuple(differing) if all(differing) else ("first", "second"))
    more = [f"{name}: {said}." for name, said in zip(names, differing, strict=True) if given and said]
    return [f"{names[0]} − {names[1]}: red is more in {names[0]}, blue in {names[1]}.", *more]


def _of_one_row(
    one: tuple[Subject, Tokens], other: tuple[Subject, Tokens], asked: Options, names: tuple[str, str] | None
) -> Figure:
    """Draw the difference of two rows; a query that is not that of both is not marked."""
    first, second = laid_row(*one, asked), laid_row(*other, asked)
    gone = None if first.gone is None or second.gone is None else first.gone | second.gone
    marked = first.marked & second.marked
    laid = replace(first, weights=first.weights - second.weights, marked=marked, gone=gone)
    if not finite(laid.weights).size:
        raise OptionError("two rows were to be compared, but no key is drawn of both: keep the sinks")
    moved = np.nansum(np.abs(laid.weights)) / 2
    facts = [subject.facts.and_(query=subject.named(tokens)) for subject, tokens in (one, other)]
    both = shared(facts)
    reading = [*_reading(facts[0], facts[1], names), *both.whose, *told_left([first.left, second.left])]
    sentences = [*reading, f"{moved:.3g} of the row lies elsewhere."]
    blocks = list(laid.blocks(paint_for([laid], _around_0(laid.weights, asked))))
    return draw_sheet(blocks, [*sentences, *both.checked, *told(blocks, laid.weights)], asked)


def _of_all_rows(one: Subject, other: Subject, asked: Options, reading: Sequence[str]) -> Figure:
    difference = one.matrix(MOST) - other.matrix(MOST)
    queries, keys = one.map.shape[-2:]
    moved = np.nanmean(np.nansum(np.abs(difference), -1)) / 2
    whole = difference.shape == (queries, keys)
    mean = [f"On average {moved:.3g} of a row lies elsewhere."] if whole else []
    checked = shared([one.facts, other.facts]).checked
    asked = _around_0(difference, asked)
    return draw_matrix(difference, one, asked, ["Row = query, column = key.", *reading, *mean, *checked])


def _around_0(difference: Floats, asked: Options) -> Options:
    """Return options with which differences are red and blue also where none is below 0."""
    shown = finite(difference)
    stated = (asked.cmap, asked.vmin, asked.vmax) != (None, None, None)
    if stated or asked.scale == "log" or shown.min() < 0:  # a logarithm has two sides if the numbers have
        return asked
    limit = float(shown.max()) or 1.0
    return replace(asked, cmap=DIVERGING, vmin=-limit, vmax=limit)


def draw_matrix(weights: Floats, subject: Subject, asked: Options, reading: Sequence[str]) -> Figure:
    """Draw weights (query, key), or means of bins of them, as a matrix with the names of words."""
    queries, keys = subject.map.shape[-2:]
    look = Look(
        axis_labels(subject.queries, subject.places), axis_labels(subject.keys), asked.title, asked.caption,
        asked.cmap, None, asked.vmin, asked.vmax, asked.scale,
        ax=asked.ax, width=None if asked.width is None else asked.inches("column"),
    )  # fmt: skip
    return draw_panels([Panel(weights, size=(int(queries), int(keys)))], 1, look, reading)
