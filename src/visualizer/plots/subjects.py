"""What a picture is drawn of: a map, what its tokens are, where it is from; and the row of one query."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from operator import index
from typing import Any

from visualizer.axes import Axis, Patches, Text, Windows
from visualizer.errors import OptionError, ShapeError
from visualizer.images import Seen, numbered_image
from visualizer.plots.arrays import Floats, as_floats, pooled
from visualizer.plots.asking import Options
from visualizer.plots.generations import part_of
from visualizer.plots.patches import cell_under
from visualizer.plots.pictures import rgb_picture
from visualizer.plots.telling import Facts

SIDES = {"queries": -2, "keys": -1}


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

    def row(self, token: int) -> Floats:
        """Return the weights (key,) of one query; where it is masked as a whole, an error says so."""
        return _mean_of_heads(as_floats(self.picked[..., token, :], "map"))

    def column(self, token: int) -> Floats:
        """Return the weights (query,) that one key receives."""
        return _mean_of_heads(as_floats(self.picked[..., :, token], "map"))

    def matrix(self, most: int) -> Floats:
        """Return the weights (query, key), of a long lazy map means of at most ``most`` bins a side."""
        found = as_floats(pooled(self.picked, most), "map")
        return found if found.ndim == 2 else found.mean(axis=0)

    @property
    def queries_have_text(self) -> bool:
        """Whether a piece of text can be looked for among the queries."""
        return any(isinstance(one, Text) for one in self.queries.segments)

    def after(self, first: int) -> Subject:
        """Return the queries that follow the first ones."""
        rows = range(first, self.map.shape[-2])
        places = tuple(self.places[row] if self.places else row for row in rows)
        return replace(self, map=self.map[..., first:, :], queries=part_of(self.queries, rows), places=places)

    def find(self, options: Options, side: str = "queries") -> tuple[Subject, int]:
        """Return the token that was asked for on one side, and the subject in whose row of the batch it is.

        Raises
        ------
        OptionError
            If not exactly one is asked for.
        ShapeError, CallsError
            If it is not there.
        """
        asked, axis = options.asked, getattr(self, side)
        if self.continues and side == "queries":
            asked = asked or {"query": "last"}
        if len(asked) != 1:
            names = "query=, cell=, pixel=, text= and special="
            raise OptionError(f"give exactly one of {names}, to say which query: {len(asked)} were given")
        ((kind, value),) = asked.items()
        if kind == "query":
            return self, self._numbered(value, side)
        if kind in ("cell", "pixel"):
            cell = value if kind == "cell" else _cell_at(value, axis, self.image, self.batch)
            batch, token = axis.at(cell, self.batch, options.nth)
            row = f"row {batch} of the batch" if "row" in self.facts.said else ""
            return replace(self, batch=batch, facts=self.facts.and_(row=row)), token
        found = axis.where(nth=options.nth, **{kind: value})
        if found.stop - found.start > 1:
            raise OptionError(
                f"{kind}={value!r} is {found.stop - found.start} tokens, {found.start} to {found.stop - 1}: "
                "give query=, one of them"
            )
        return self, int(found.start)

    def named(self, token: int, side: str = "queries") -> str:
        """Return index and name of a token, the name once only."""
        axis: Axis = getattr(self, side)
        place = self.places[token] if self.places and side == "queries" else token
        name, number = axis.name(token), f"token {place}"
        windows = axis.segments[0] if len(axis.segments) == 1 else None
        if isinstance(windows, Windows):
            cell = windows.cell(token, self.batch)
            name = f"cell {cell}" if cell else "beyond the image"
            number = f"token {token} of window {self.batch % windows.count}"
        text = f"“{name.strip()}”" if any(isinstance(one, Text) for one in axis.segments) else name
        return number if name.startswith("token ") else f"{number}, {text}"

    def own_key(self, token: int) -> int | None:
        """Return which key a query itself is; None where it is none."""
        if self.places:
            return self.places[token]
        same = self.queries == self.keys
        return token if same and self.map.shape[-2] > 1 else None

    def _numbered(self, value: Any, side: str) -> int:
        """Return the row, or column, of a token that is named by its number, or as the last."""
        length = self.map.shape[SIDES[side]]
        if isinstance(value, str) and value == "last":
            return int(length) - 1
        if not self.places or side == "keys":
            return _whole(value, length)
        if value not in self.places:
            there = f"{self.places[0]} to {self.places[-1]}"
            raise ShapeError(f"query={value!r} was asked for, but {length} queries were kept: {there}")
        return self.places.index(value)


def _mean_of_heads(found: Floats) -> Floats:
    return found if found.ndim == 1 else found.mean(axis=0)


def _whole(value: Any, length: int) -> int:
    try:
        token = index(value)
    except TypeError:
        raise ShapeError(f"query={value!r} is not a token's index, a whole number or 'last'") from None
    if not 0 <= token < length:
        raise ShapeError(f"query={token} is outside of the map, which has {length}, counted from 0")
    return token


def _cell_at(pixel: tuple[float, float], axis: Axis, image: Any, item: int) -> tuple[int, int]:
    grids = [one for one in axis.segments if isinstance(one, Patches | Windows)]
    if len(grids) != 1 or image is None:
        raise OptionError("pixel= was given; it needs one grid and its image=: give cell=")
    cells = grids[0].grid if isinstance(grids[0], Windows) else grids[0].cells
    image = numbered_image(image, getattr(grids[0], "image", 0), item, axis.images)
    height, width = rgb_picture(image).shape[:2]
    return cell_under(pixel, cells, (height, width), image.box if isinstance(image, Seen) else None)
