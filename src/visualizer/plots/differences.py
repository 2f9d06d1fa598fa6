"""Two maps beside one another, as their signed difference."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from visualizer.errors import ShapeError
from visualizer.plots.arrays import Floats
from visualizer.plots.asking import Options
from visualizer.plots.labels import axis_labels
from visualizer.plots.panels import Look, Panel, draw_panels
from visualizer.plots.rows import laid_row, paint_for, told
from visualizer.plots.sheets import draw_sheet
from visualizer.plots.sources import subject_of
from visualizer.plots.subjects import Subject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

MOST = 512  # queries and keys; of more, means of bins are drawn


def compare(
    first: Any, second: Any, *, names: tuple[str, str] = ("first", "second"), **options: Any
) -> Figure:
    """Draw the first map minus the second, around 0: as a matrix, or for one query where its keys lie.

    Parameters
    ----------
    first, second
        What `row` takes, of one shape; long maps are pooled, lazily.
    names
        What the caption calls them.
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
    one, other = subject_of(first, asked), subject_of(second, asked)
    if one.map.shape[-2:] != other.map.shape[-2:]:
        shapes = " and ".join(str(tuple(each.map.shape[-2:])) for each in (one, other))
        raise ShapeError(f"maps of {shapes} were to be compared; they must have the same queries and keys")
    reading = [f"{names[0]} − {names[1]}: red is more in {names[0]}, blue in {names[1]}."]
    whence = dict.fromkeys((*one.facts.whence, *other.facts.whence))
    if asked.asked or one.map.shape[-2] == 1:
        return _of_one_row(one, other, asked, [*reading, *whence])
    return _of_all_rows(one, other, asked, [*reading, *whence])


def _of_one_row(one: Subject, other: Subject, asked: Options, reading: Sequence[str]) -> Figure:
    found, token = one.find(asked) if asked.asked else (one, 0)
    first, second = laid_row(found, token), laid_row(replace(other, batch=found.batch), token)
    laid = replace(first, weights=first.weights - second.weights)
    moved = np.nansum(np.abs(laid.weights)) / 2
    sentences = [*reading, f"Query (row): {found.named(token)}.", f"{moved:.3g} of the row lies elsewhere."]
    blocks = list(laid.blocks(paint_for([laid], asked)))
    return draw_sheet(blocks, [*sentences, *told(blocks, laid.weights)], asked)


def _of_all_rows(one: Subject, other: Subject, asked: Options, reading: Sequence[str]) -> Figure:
    difference = one.matrix(MOST) - other.matrix(MOST)
    queries, keys = one.map.shape[-2:]
    moved = np.nanmean(np.nansum(np.abs(difference), -1)) / 2
    whole = difference.shape == (queries, keys)
    mean = [f"On average {moved:.3g} of a row lies elsewhere."] if whole else []
    return draw_matrix(difference, one, asked, ["Row = query, column = key.", *reading, *mean])


def draw_matrix(weights: Floats, subject: Subject, asked: Options, reading: Sequence[str]) -> Figure:
    """Draw weights (query, key), or means of bins of them, as a matrix with the names of words."""
    queries, keys = subject.map.shape[-2:]
    look = Look(
        axis_labels(subject.queries, subject.places), axis_labels(subject.keys), asked.title, asked.caption,
        asked.cmap, None, asked.vmin, asked.vmax, asked.scale,
        width=None if asked.width is None else asked.inches("column"),
    )  # fmt: skip
    return draw_panels([Panel(weights, size=(int(queries), int(keys)))], 1, look, reading)
