"""What a picture is drawn of: a map, what its tokens are, where it is from; and the row of one query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from operator import index
from typing import Any

import numpy as np

from visualizer.axes import Axis, Frames, Patches, Text, Volume, Windows
from visualizer.errors import OptionError, ShapeError
from visualizer.films import film_of_row, films_of
from visualizer.images import Seen, numbered_image
from visualizer.plots.arrays import Floats, as_floats, pooled
from visualizer.plots.asking import Options
from visualizer.plots.patches import cell_under
from visualizer.plots.pictures import rgb_picture
from visualizer.plots.telling import Facts
from visualizer.tokens import part_of

SIDES = {"queries": -2, "keys": -1}
OTHER = {"queries": "keys", "keys": "queries"}
TOKEN = {"queries": "query", "keys": "key"}
Tokens = range
"""Tokens of one side that follow one another: one, or those of a piece of text."""


@dataclass(frozen=True)
class Subject:
    """A map and what is known of it.

    ``map`` is (batch, head, query, key) or lacks axes in front, as an array or lazy; ``batch`` is which row
    of the batch is looked at, ``facts`` what a caption says of it.
    ``continues`` says that queries and keys are of one sequence, step by step; ``places`` where in it each
    row is, if rows are not all of it.
    """

    map: Any
    queries: Axis
    keys: Axis
    image: Any = None
    batch: int = 0
    head: int | str | None = None
    facts: Facts = field(default_factory=Facts)
    places: tuple[int, ...] = ()
    continues: bool = False

    @property
    def picked(self) -> Any:
        """The map (query, key), or (head, query, key) for a mean of heads, as lazy as it was."""
        batches = self.map[self.batch] if self.map.ndim == 4 else self.map
        if batches.ndim == 2 or self.head == "mean":
            return batches
        if self.head is None and len(batches) == 1:
            return batches[0]
        try:
            head = index(self.head)  # type: ignore[arg-type]  # what is none is told below
        except TypeError:
            head = -1
        if not 0 <= head < len(batches):
            raise OptionError(
                f"head={self.head!r} was asked for of {len(batches)} heads: give one from 0 to "
                f"{len(batches) - 1}, or 'mean'"
            )
        return batches[head]

    @property
    def looked_at(self) -> Any:
        """The image or images; of several videos the one that the row of the batch is of, where steps are."""
        films = films_of(self.image)
        segments = (*self.queries.segments, *self.keys.segments)
        if films is None or not any(isinstance(one, Frames | Volume) for one in segments):
            return self.image
        rows = len(self.map) if self.map.ndim == 4 else 1
        film = film_of_row(films, self.batch, rows)
        if film is None:
            raise OptionError(
                f"the map has {rows} rows of the batch, but image= holds {len(films)} videos: give one for "
                "each row"
            )
        return film

    def row(self, tokens: Tokens) -> Floats:
        """Return the weights (key,) of one query, or the mean of those of several."""
        return _mean([as_floats(self.picked[..., token, :], "map") for token in tokens])

    def column(self, tokens: Tokens) -> Floats:
        """Return the weights (query,) that one key receives, or the mean of those of several."""
        return _mean([as_floats(self.picked[..., :, token], "map") for token in tokens])

    def weights(self, tokens: Tokens, side: str) -> Floats:
        """Return the row of queries, or the column of keys, as ``side`` says which the tokens are."""
        return self.row(tokens) if side == "queries" else self.column(tokens)

    def matrix(self, most: int) -> Floats:
        """Return the weights (query, key), of a long lazy map means of at most ``most`` bins a side."""
        found = as_floats(pooled(self.picked, most), "map")
        return found if found.ndim == 2 else found.mean(axis=0)

    @property
    def signed(self) -> bool:
        """Whether its rows are no shares, as a gradient's are not."""
        return bool(getattr(self.map, "signed", False))

    @property
    def queries_have_text(self) -> bool:
        """Whether a piece of text can be looked for among the queries."""
        return any(isinstance(one, Text) for one in self.queries.segments)

    def after(self, first: int) -> Subject:
        """Return the queries that follow the first ones."""
        rows = range(first, self.map.shape[-2])
        places = tuple(self.places[row] if self.places else row for row in rows)
        return replace(self, map=self.map[..., first:, :], queries=part_of(self.queries, rows), places=places)

    def find(self, options: Options, side: str = "queries") -> tuple[Subject, Tokens]:
        """Return the tokens that were asked for on one side, and the subject in whose row of the batch it is.

        It is one, or the tokens of a piece of text.

        Raises
        ------
        OptionError
            If not exactly one is asked for.
        ShapeError, CallsError
            If it is not there.
        """
        other, axis = TOKEN[OTHER[side]], getattr(self, side)
        asked = {name: value for name, value in options.asked.items() if name != other}
        if self.continues and side == "queries":
            asked = asked or {"query": "last"}
        if len(asked) != 1:
            names = f"{TOKEN[side]}=, cell=, pixel=, text= and special="
            which = f"to say which {TOKEN[side]}: {len(asked)} were given"
            raise OptionError(f"give exactly one of {names}, {which}")
        ((kind, value),) = asked.items()
        if kind == TOKEN[side]:
            return self, _only(self._numbered(value, side))
        if kind in ("cell", "pixel"):
            cell = value if kind == "cell" else _cell_at(value, axis, self.image, self.batch)
            batch, token = axis.at(cell, self.batch, options.nth)
            row = f"row {batch} of the batch" if "row" in self.facts.said else ""
            return replace(self, batch=batch, facts=self.facts.and_(row=row)), _only(token)
        found = axis.where(nth=options.nth, **{kind: value})
        return self, range(found.start, found.stop)

    def named(self, tokens: Tokens, side: str = "queries") -> str:
        """Return index and name of a token, the name once only; of several that it is their mean."""
        number, name = self._named(tokens[0], side)
        if len(tokens) > 1:
            last, its = self._named(tokens[-1], side)
            number = f"mean of tokens {number.removeprefix('token ')} to {last.removeprefix('token ')}"
            name = f"{name} to {its}"
        return number if name.startswith("token ") else f"{number}, {name}"

    def _named(self, token: int, side: str) -> tuple[str, str]:
        """Return a token's number and name."""
        axis: Axis = getattr(self, side)
        place = self.places[token] if self.places and side == "queries" else token
        name, number = axis.name(token), f"token {place}"
        windows = axis.segments[0] if len(axis.segments) == 1 else None
        if isinstance(windows, Windows):
            cell = windows.cell(token, self.batch)
            name = f"cell {cell}" if cell else "beyond the image"
            number = f"token {token} of window {self.batch % windows.count}"
        known = not name.startswith("token ") and any(isinstance(one, Text) for one in axis.segments)
        return number, f"“{name.strip()}”" if known else name

    def own(self, tokens: Tokens, side: str = "queries") -> frozenset[int]:
        """Return which keys queries themselves are, or which queries keys; none where they are none."""
        if self.places and side == "keys":
            return frozenset(row for row, place in enumerate(self.places) if place in tokens)
        if self.places:
            return frozenset(self.places[token] for token in tokens)
        same = self.queries == self.keys
        return frozenset(tokens if same and self.map.shape[-2] > 1 else ())

    def _numbered(self, value: Any, side: str) -> int:
        """Return the row, or column, of a token that is named by its number, or as the last."""
        length = self.map.shape[SIDES[side]]
        if isinstance(value, str) and value == "last":
            return int(length) - 1
        if not self.places or side == "keys":
            return _whole(value, length, TOKEN[side])
        if value not in self.places:
            there = f"{self.places[0]} to {self.places[-1]}"
            raise ShapeError(f"query={value!r} was asked for, but {length} queries were kept: {there}")
        return self.places.index(value)


def _only(token: int) -> range:
    return range(token, token + 1)


def _mean(found: Sequence[Floats]) -> Floats:
    """Return the mean (token,) of rows or columns, of all heads where they have several."""
    each = [one if one.ndim == 1 else one.mean(axis=0) for one in found]
    return each[0] if len(each) == 1 else np.mean(each, axis=0)


def _whole(value: Any, length: int, name: str) -> int:
    try:
        token = index(value)
    except TypeError:
        raise ShapeError(f"{name}={value!r} is not a token's index, a whole number or 'last'") from None
    if not 0 <= token < length:
        raise ShapeError(f"{name}={token} is outside of the map, which has {length}, counted from 0")
    return token


def _cell_at(pixel: tuple[float, float], axis: Axis, image: Any, item: int) -> tuple[int, int]:
    grids = [one for one in axis.segments if isinstance(one, Patches | Windows)]
    if len(grids) != 1 or image is None:
        raise OptionError("pixel= was given; it needs one grid and its image=: give cell=")
    cells = grids[0].grid if isinstance(grids[0], Windows) else grids[0].cells
    image = numbered_image(image, getattr(grids[0], "image", 0), item, axis.images)
    height, width = rgb_picture(image).shape[:2]
    part = image.box if isinstance(image, Seen) else (0, 0, width, height)
    return cell_under(pixel, cells, (height, width), part, getattr(grids[0], "span", (1, 1)))
