"""Windows of an image as a segment: each row of the batch is one window, its tokens the window's cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from visualizer.axes.cells import box, inside, written
from visualizer.axes.segments import Segment
from visualizer.errors import OptionError, ShapeError


@dataclass(frozen=True)
class Windows(Segment):
    """Windows of a grid, as Swin's: each row of the batch is one, those of the first item first.

    The grid is filled up to whole windows at the bottom and the right, rolled by ``-shift``, and cut; or it
    is rolled first.

    Parameters
    ----------
    grid
        (rows, columns) of the whole feature map.
    window
        (rows, columns) of a window; one number for both.
    shift
        By how much the grid was rolled up and to the left before it was cut, below the window's size.
    roll_first
        Whether it was rolled before it was filled up, as timm does, or after, as torchvision and transformers
        do; to be said only where both take place along one side.
    spread
        Whether a window's cells are spread over the whole grid, evenly, as in MaxViT's grid attention.

    Raises
    ------
    OptionError
        If the shift is as large as the window, or ``roll_first`` has to be said, or if spread windows are
        shifted or do not fill the grid.
    ShapeError
        If something is not one or two whole numbers.

    References
    ----------
    Liu et al., Swin Transformer, ICCV 2021. Tu et al., MaxViT, ECCV 2022.

    Examples
    --------
    >>> windows = Windows((8, 8), window=4, shift=2)
    >>> windows.at((3, 5)), windows.at((0, 0), item=1), windows.cell(7, batch=3)
    ((0, 7), (7, 10), (7, 1))
    >>> Windows((8, 8), window=4, spread=True).cell(7, batch=3)  # each second cell, of odd rows and columns
    (3, 7)
    """

    grid: tuple[int, int]
    window: tuple[int, int]
    shift: tuple[int, int] = (0, 0)
    roll_first: bool | None = None
    spread: bool = False

    def __post_init__(self) -> None:
        for name, least in {"grid": 1, "window": 1, "shift": 0}.items():
            object.__setattr__(self, name, pair(getattr(self, name), name, least))
        if any(by >= side for by, side in zip(self.shift, self.window, strict=True)):
            raise OptionError(
                f"shift={self.shift} was asked for, but windows of {written(self.window)} cells are shifted "
                "by less than their size"
            )
        if not isinstance(self.roll_first, bool | None) or (self.roll_first is None and self._is_ambiguous):
            cut = f"windows of {written(self.window)} cells, shifted by {self.shift}, do not fill"
            wanted = "give roll_first=True (as timm) or False (as torchvision and transformers)"
            raise OptionError(f"{cut} a {written(self.grid)} grid: {wanted}")
        if self.spread and (any(self.shift) or not self._is_full):
            raise OptionError(
                f"windows of {written(self.window)} cells, shifted by {self.shift}, were to be spread over a "
                f"{written(self.grid)} grid; give no shift, and a grid of whole windows"
            )

    @property
    def _is_full(self) -> bool:
        """Whether whole windows fill the grid."""
        return not any(cells % side for cells, side in zip(self.grid, self.window, strict=True))

    @property
    def _is_ambiguous(self) -> bool:
        """Whether some side is both filled up and rolled."""
        sides = zip(self.grid, self.window, self.shift, strict=True)
        return any(by and cells % side for cells, side, by in sides)

    @property
    def length(self) -> int:
        """Number of tokens of one window."""
        return prod(self.window)

    @property
    def counted(self) -> str:
        """As "7 × 7 window"."""
        return f"{written(self.window)} window"

    @property
    def layout(self) -> tuple[int, int]:
        """Number of windows below and beside one another."""
        (rows, columns), (h, w) = self.grid, self.window
        return -(-rows // h), -(-columns // w)

    @property
    def count(self) -> int:
        """Number of windows of one item."""
        return prod(self.layout)

    @property
    def divided(self) -> str:
        """How many windows there are, such as "56 × 56 grid in 7 × 7 windows = 64 windows"."""
        return f"{written(self.grid)} grid in {written(self.window)} windows = {self.count} windows"

    def name(self, token: int) -> str:
        """Return a token's cell in its window."""
        return f"cell {divmod(token, self.window[1])} of the window"

    def cell(self, token: int, batch: int) -> tuple[int, int] | None:
        """Return a token's cell in the whole grid, for a row of the batch; None if it only fills up."""
        windows, cells = divmod(batch % self.count, self.layout[1]), divmod(token, self.window[1])
        row, column = map(self._undone, (0, 1), windows, cells)
        return None if row is None or column is None else (row, column)

    def _undone(self, side: int, window: int, cell: int) -> int | None:
        """Return the row or column of the grid that a row or column of a window is; None if it fills up."""
        if self.spread:
            return cell * self.layout[side] + window
        place, around = window * self.window[side] + cell, self._around[side]
        undone = (place + self.shift[side]) % around
        return undone if place < around and undone < self.grid[side] else None

    @property
    def _around(self) -> tuple[int, int]:
        """Number of rows and columns of what is rolled."""
        if self.roll_first:
            return self.grid
        return self.layout[0] * self.window[0], self.layout[1] * self.window[1]

    def at(self, cell: Sequence[int], item: int = 0) -> tuple[int, int]:
        """Return the row of the batch and the token that a cell (row, column) of an item lies at."""
        row, column = inside(cell, self.grid, f"{written(self.grid)} grid")
        windows, tokens = self._order()
        return item * self.count + int(windows[row, column]), int(tokens[row, column])

    def place(self, token: int, size: Sequence[float] = (), batch: int = 0) -> tuple[float, ...] | None:
        """Return the box of a token of a window, as those of a `Grid`; None if it only fills up."""
        cell = self.cell(token, batch)
        return None if cell is None else box(cell, self.grid, size)

    def put(self, weights: Any, batch: int | None = None) -> Any:
        """Return weights over the whole grid, the shift undone, as (..., rows, columns).

        Weights (..., token) of one window need its row of the batch; what is outside of the window is 0.
        Without it they are those of all windows of one item, (..., window, token).

        Raises
        ------
        ShapeError
            If they have another shape.
        """
        array, (windows, tokens) = self.checked(weights), self._order()
        if batch is not None:
            laid = array[..., tokens]
            rows, columns = np.nonzero(windows != batch % self.count)
            laid[..., rows, columns] = 0
            return laid
        if len(array.shape) < 2 or array.shape[-2] != self.count:
            message = f"weights of shape {tuple(array.shape)} were to be put into {self.count} windows"
            raise ShapeError(f"{message}; give batch=, or weights of the axes (window, token)")
        return array.reshape(*array.shape[:-2], -1)[..., windows * self.length + tokens]

    def _order(self) -> tuple[Any, Any]:
        """Return the window and the token of each cell, both (rows, columns)."""
        sides = list(zip(self.grid, self.window, self.shift, self._around, strict=True))
        found = [np.divmod((np.arange(cells) - by) % around, side) for cells, side, by, around in sides]
        if self.spread:
            found = [np.divmod(np.arange(cells), cells // side)[::-1] for cells, side, _, _ in sides]
        (down, row), (beside, column) = found
        return down[:, None] * self.layout[1] + beside, row[:, None] * self.window[1] + column


def pair(value: Any, name: str, least: int) -> tuple[int, int]:
    """Return one whole number or two of them, from ``least``, as two.

    Raises
    ------
    ShapeError
        If it is something else.
    """
    both = value if isinstance(value, tuple | list) else (value, value)
    if len(both) != 2 or any(not isinstance(one, int | np.integer) or one < least for one in both):
        raise ShapeError(f"{name}={value!r} was asked for; give one or two whole numbers from {least}")
    return int(both[0]), int(both[1])
