"""Patches of an image in an order of their own, or some of them: those of a window, those that were kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import index
from typing import Any

import numpy as np

from visualizer.axes.cells import Patches, inside, written
from visualizer.errors import ShapeError


@dataclass(frozen=True)
class Scattered(Patches):
    """Patches of an image of ``h`` rows of ``w``; ``at`` has their numbers, in rows from the top left.

    Raises
    ------
    ShapeError
        If there are none, if one is not in the image, or if one is there twice.

    Examples
    --------
    >>> kept = Scattered(2, 3, at=(5, 0))
    >>> kept.counted, kept.cell(0), kept.place(0, size=(40, 60)), kept.token((0, 0))
    ('2 of a 2 × 3 grid', (1, 2), (40.0, 20.0, 20.0, 20.0), 1)
    >>> kept.put([7, 8]).tolist()
    [[8, 0, 0], [0, 0, 7]]
    """

    at: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "at", tuple(map(index, self.at)))
        count = self.h * self.w
        if not self.at or len(set(self.at)) < len(self.at) or not 0 <= min(self.at) <= max(self.at) < count:
            raise ShapeError(
                f"at={self.at!r:.80} was asked for; give different numbers of {written(self.cells)} patches, "
                f"from 0 to {count - 1}"
            )

    @property
    def length(self) -> int:
        """Number of tokens."""
        return len(self.at)

    @property
    def counted(self) -> str:
        """As "2 of a 2 × 3 grid"."""
        return f"{self.length} of a {written(self.cells)} grid"

    def cell(self, token: int) -> tuple[int, ...]:
        """Return a token's cell (row, column)."""
        return divmod(self.at[token], self.w)

    def token(self, cell: Sequence[int]) -> int:
        """Return the token of a cell; one that is not there raises `ShapeError`."""
        row, column = inside(cell, self.cells, f"{written(self.cells)} grid")
        number = row * self.w + column
        if number not in self.at:
            raise ShapeError(f"cell={(row, column)} is not among the {self.counted}")
        return self.at.index(number)

    def holds(self, cell: Sequence[int]) -> bool:
        """Tell whether a cell is one of them."""
        return super().holds(cell) and cell[0] * self.w + cell[1] in self.at

    def put(self, weights: Any, batch: int | None = None) -> Any:  # noqa: ARG002  # as all
        """Return weights (..., token) as (..., row, column); where no token is, they are 0."""
        array, tokens = self.checked(weights), np.full(self.h * self.w, -1)
        tokens[list(self.at)] = np.arange(self.length)
        laid = array[..., tokens.clip(0)]
        laid[..., tokens < 0] = 0
        return laid.reshape(*array.shape[:-1], *self.cells)
