"""Patches of an image as text is written: each row ends with a token that stands for nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from visualizer.axes.cells import Patches, box, inside, written


class Lines(Patches):
    """``h`` rows of ``w`` patches of an image, and a newline after each row.

    Examples
    --------
    >>> lines = Lines(2, 3)
    >>> lines.length, lines.name(3), lines.cell(4), lines.token((1, 2))
    (8, 'newline', (1, 0), 6)
    """

    @property
    def length(self) -> int:
        """Number of tokens."""
        return self.h * (self.w + 1)

    @property
    def counted(self) -> str:
        """As "4 × (8 + 1) lines"."""
        return f"{self.h} × ({self.w} + 1) lines"

    def cell(self, token: int) -> tuple[int, ...]:
        """Return a token's cell (row, column); a newline's column is one beyond the last."""
        return divmod(token, self.w + 1)

    def token(self, cell: Sequence[int]) -> int:
        """Return the token of a cell; one outside of them raises `ShapeError`."""
        row, column = inside(cell, self.cells, f"{written(self.cells)} lines")
        return row * (self.w + 1) + column

    def name(self, token: int) -> str:
        """Return a token's cell in words, and its image unless it is the first."""
        return "newline" if self.cell(token)[1] == self.w else super().name(token)

    def place(self, token: int, size: Sequence[float] = (), batch: int = 0) -> tuple[float, ...] | None:  # type: ignore[override]  # noqa: ARG002  # newlines have none
        """Return a token's box as a grid's; None for a newline."""
        cell = self.cell(token)
        return None if cell[1] == self.w else box(cell, self.cells, size)

    def put(self, weights: Any, batch: int | None = None) -> Any:  # noqa: ARG002  # as all
        """Return weights (..., token) as (..., row, column), those of newlines left out."""
        array = self.checked(weights)
        return array.reshape(*array.shape[:-1], self.h, self.w + 1)[..., : self.w]
