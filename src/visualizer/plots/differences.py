"""Two maps beside one another, as their signed difference."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from visualizer.errors import ShapeError
from visualizer.plots.arrays import Floats
from visualizer.plots.asking import COLOURS, OVERLAY, PAGE, QUERY, TOKENS, WHICH, Options, takes
from visualizer.plots.labels import axis_labels
from visualizer.plots.panels import Look, Panel, draw_panels
from visualizer.plots.rows import laid_row, paint_for, told
from visualizer.plots.sheets import draw_sheet
from visualizer.plots.sources import subject_of
from visualizer.plots.subjects import Subject
from visualizer.plots.telling import Facts, shared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

MOST = 512  # queries and keys; of more, means of bins are drawn


@takes(*WHICH, *TOKENS, *QUERY, *COLOURS, *OVERLAY, *PAGE)
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
        As for `row`.

    Examples
    --------
    >>> compare(np.eye(3), np.full((3, 3), 1 / 3)).axes[0].get_ylabel()
    'query (row)'
    """
    asked = Options.read(options)
    one, other = (_subject(shown, options) for shown in (first, second))
    if one.map.shape[-2:] != other.map.shape[-2:]:
        shapes = " and ".join(str(tuple(each.map.shape[-2:])) for each in (one, other))
        raise ShapeError(f"maps of {shapes} were to be compared; they must have the same queries and keys")
    reading = [*_names(one.facts, other.facts, names), *shared([one.facts, other.facts]).whence]
    if asked.asked or one.map.shape[-2] == 1:
        return _of_one_row(one, other, asked, reading)
    return _of_all_rows(one, other, asked, reading)


def _subject(shown: Any, options: dict[str, Any]) -> Subject:
    if isinstance(shown, tuple) and len(shown) == 2 and isinstance(shown[1], dict):
        return subject_of(shown[0], Options.read(options | shown[1]))
    return subject_of(shown, Options.read(options))


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


def _of_one_row(one: Subject, other: Subject, asked: Options, reading: Sequence[str]) -> Figure:
    found, token = one.find(asked) if asked.asked else (one, 0)
    first, second = laid_row(found, token), laid_row(replace(other, batch=found.batch), token)
    laid = replace(first, weights=first.weights - second.weights)
    moved = np.nansum(np.abs(laid.weights)) / 2
    sentences = [*reading, f"Query (row): {found.named(token)}.", f"{moved:.3g} of the row lies elsewhere."]
    blocks = list(laid.blocks(paint_for([laid], asked)))
    checked = shared([one.facts, other.facts]).checked
    return draw_sheet(blocks, [*sentences, *checked, *told(blocks, laid.weights)], asked)


def _of_all_rows(one: Subject, other: Subject, asked: Options, reading: Sequence[str]) -> Figure:
    difference = one.matrix(MOST) - other.matrix(MOST)
    queries, keys = one.map.shape[-2:]
    moved = np.nanmean(np.nansum(np.abs(difference), -1)) / 2
    whole = difference.shape == (queries, keys)
    mean = [f"On average {moved:.3g} of a row lies elsewhere."] if whole else []
    checked = shared([one.facts, other.facts]).checked
    return draw_matrix(difference, one, asked, ["Row = query, column = key.", *reading, *mean, *checked])


def draw_matrix(weights: Floats, subject: Subject, asked: Options, reading: Sequence[str]) -> Figure:
    """Draw weights (query, key), or means of bins of them, as a matrix with the names of words."""
    queries, keys = subject.map.shape[-2:]
    look = Look(
        axis_labels(subject.queries, subject.places), axis_labels(subject.keys), asked.title, asked.caption,
        asked.cmap, None, asked.vmin, asked.vmax, asked.scale,
        ax=asked.ax, width=None if asked.width is None else asked.inches("column"),
    )  # fmt: skip
    return draw_panels([Panel(weights, size=(int(queries), int(keys)))], 1, look, reading)
