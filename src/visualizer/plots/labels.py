"""Tokens along the axes of a map: word pieces where they are given, else positions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axis import Axis, XAxis
from matplotlib.ticker import MaxNLocator

from visualizer.axes import Axis as TokenAxis
from visualizer.axes import Ids, Special, Text
from visualizer.errors import ShapeError
from visualizer.plots.writing import plain_text

SMALLEST, LARGEST = 6.0, 7.5  # font sizes of a token in points
LONGEST = 24  # characters of a token that are shown
SPACING = 1.3  # lines from one label to the next


def token_labels(length: int, tokens: Sequence[str] | None, name: str) -> list[str] | None:
    """Return the labels of one axis with ``length`` tokens, or None for bare positions.

    Raises
    ------
    ShapeError
        If there are more or fewer labels than tokens.

    Examples
    --------
    >>> token_labels(2, ["the", "cat"], "keys")
    ['the', 'cat']
    """
    if tokens is None:
        return None
    labels = [str(token) for token in tokens]
    if isinstance(tokens, str) or len(labels) != length:
        found = "one text" if isinstance(tokens, str) else f"{len(labels)} labels"
        raise ShapeError(
            f"{name} are {found}, but that axis of the map has {length} tokens: one label each is wanted"
        )
    return labels


def axis_labels(axis: TokenAxis, places: Sequence[int] = ()) -> Sequence[str] | None:
    """Return the tokens' names where they are words or ids, else their ``places``, else None.

    Examples
    --------
    >>> axis_labels(TokenAxis((Special("CLS"), Text(["a", "cat"]))))
    ('CLS', 'a', 'cat')
    """
    words = any(isinstance(one, Text | Ids) for one in axis.segments)
    if words or all(isinstance(one, Special) for one in axis.segments):
        return axis.names
    return [str(place) for place in places] or None


def label_axis(axis: Axis, labels: Sequence[str] | None, room: float) -> int:
    """Label an axis ``room`` inches long; return n where only each n-th label finds room.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> label_axis(Figure().subplots().xaxis, ["a"] * 100, room=2)
    6
    """
    axis.set_tick_params(labelsize=SMALLEST, width=0.4, length=2, pad=1.5)
    if labels is None:
        axis.set_major_locator(MaxNLocator(nbins=4, integer=True, min_n_ticks=1))
        return 1
    each = room * 72 / SPACING / len(labels)  # points of font size that each label may have
    step = max(1, math.ceil(SMALLEST / each))
    axis.set_tick_params(labelsize=min(max(SMALLEST, each), LARGEST))
    (*texts, dots), properties = plain_text([*labels[::step], "…"])
    texts = [text if len(text) <= LONGEST else text[: LONGEST - 1] + dots for text in texts]
    turned: dict[str, Any] = {"rotation": 90} if isinstance(axis, XAxis) else {}
    axis.set_ticks(range(0, len(labels), step), texts, **properties, **turned)
    return step


def label_length(labels: Sequence[str] | None) -> float:
    """Return how many inches the longest of the labels takes, about.

    Examples
    --------
    >>> label_length(None), label_length(["a" * 12])
    (0.0, 0.6)
    """
    longest = max((min(len(label), LONGEST) for label in labels or ()), default=0)
    return longest * SMALLEST * 0.6 / 72
