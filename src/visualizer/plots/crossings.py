"""Text and image: where each word looks, or what looks at it; and a decoder's text at that of its encoder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from visualizer.axes import Axis, Text
from visualizer.errors import OptionError
from visualizer.plots.asking import COLOURS, OVERLAY, PAGE, TOKENS, WHICH, Options, takes
from visualizer.plots.differences import MOST, draw_matrix
from visualizer.plots.laying import PICTURED, WORDS, Laid
from visualizer.plots.rows import paint_for, scale_of
from visualizer.plots.sheets import draw_sheet
from visualizer.plots.sources import subject_of
from visualizer.plots.subjects import Subject
from visualizer.plots.surfaces import Picture, Pictures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MANY = 24  # words that are drawn unless some are named


@takes(*WHICH, *TOKENS, "nth", *COLOURS, *OVERLAY, *PAGE)
def cross(shown: Any, *, words: Sequence[str | int] | None = None, **options: Any) -> Figure:
    """Draw what each word has to do with the image, a picture for each; of two texts the matrix.

    Where the keys have a grid, it is where each word looks (its row); where the queries have one and the keys
    are text, as in diffusion models, it is which patches look at the word (its column). Of an encoder and a
    decoder of text, it is the whole map with the tokens of both.

    Parameters
    ----------
    shown
        What `row` takes.
    words
        Pieces of text, or tokens by index; of several tokens the mean is drawn. All words unless told.

    Raises
    ------
    OptionError
        If there is no text, there are too many words to draw all, or an option is unknown.
    CallsError
        If a word is nowhere, or at several places: ``nth=`` says which.

    Examples
    --------
    >>> from visualizer.axes import Grid
    >>> maps = np.full((6, 2), 0.5)
    >>> figure = cross(maps, queries=Grid(2, 3), keys=["a", "cat"])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['a, sum 3', 'cat, sum 3']
    """
    asked = Options.read(options)
    subject = subject_of(shown, asked)
    if _has_grid(subject.keys):
        return _pictures(subject, "queries", words, asked)
    if _has_grid(subject.queries):
        return _pictures(subject, "keys", words, asked)
    return _matrix(subject, asked)


def _pictures(subject: Subject, side: str, words: Sequence[str | int] | None, asked: Options) -> Figure:
    """Draw the rows or columns of words, which are on one ``side``, over the image of the other."""
    other, read = ("keys", subject.row) if side == "queries" else ("queries", subject.column)
    laid = [
        (name, _on_the_grid(read(range(tokens.start, tokens.stop)), subject, other))
        for name, tokens in _words(getattr(subject, side), words, asked)
    ]
    paint = paint_for([one for _, one in laid], asked)
    pictures = [Picture(image, name="image") for image in laid[0][1].images()]
    for name, one in laid:
        pictures.append(replace(one.pictured(), name=f"{name}, sum {np.nansum(one.weights):.3g}"))
    reading = {
        "queries": "Each picture is a word's row: where the word looks.",
        "keys": "Each picture is a word's column: how much each patch looks at the word.",
    }[side]
    sums = "Sums are those of the weights shown."
    sentences = [*subject.facts.whence, reading, sums, *scale_of(paint), *subject.facts.checked]
    return draw_sheet([Pictures(pictures, paint)], sentences, asked, "page")


def _words(axis: Axis, words: Sequence[str | int] | None, asked: Options) -> Iterator[tuple[str, slice]]:
    """Yield the name and the tokens of each word."""
    if words is None:
        words = _all_words(axis)
    for word in words:
        if isinstance(word, str):
            yield word, axis.where(word, asked.nth)
        else:
            yield axis.name(word).strip(), slice(word, word + 1)


def _all_words(axis: Axis) -> list[int]:
    kinds = [isinstance(one, Text) for one in axis.segments for _ in range(one.length)]
    found = [token for token, is_text in enumerate(kinds) if is_text]
    if not found:
        raise OptionError(
            f"words were to be drawn, but one side has none: {axis.arithmetic}; label it as text"
        )
    if len(found) > MANY:
        raise OptionError(f"{len(found)} words are too many for one figure: name some, words=['cat', 'hat']")
    return found


def _on_the_grid(weights: Any, subject: Subject, side: str) -> Laid:
    """Return the weights of the one grid of an axis."""
    axis: Axis = getattr(subject, side)
    begin = 0
    for segment in axis.segments:
        if isinstance(segment, PICTURED):
            part = weights[begin : begin + segment.length]
            return Laid(part, Axis((segment,)), subject.looked_at, subject.batch)
        begin += segment.length
    raise OptionError(f"a picture was to be drawn, but the {side} have no grid: {axis.arithmetic}")


def _has_grid(axis: Axis) -> bool:
    return any(isinstance(one, PICTURED) for one in axis.segments)


def _matrix(subject: Subject, asked: Options) -> Figure:
    if not any(isinstance(one, WORDS) for one in (*subject.queries.segments, *subject.keys.segments)):
        raise OptionError("a crossing was to be drawn, but neither side has text or a grid: label them")
    reading = [*subject.facts.whence, "Row = query, column = key.", *subject.facts.checked]
    return draw_matrix(subject.matrix(MOST), subject, asked, reading)
