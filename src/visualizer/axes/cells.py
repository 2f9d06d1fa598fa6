"""Cells of an image, a video or a volume as segments: rows of them from the top left, one token each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from operator import index
from typing import Any, ClassVar

from visualizer.axes.segments import Segment, set_wholes
from visualizer.errors import OptionError, ShapeError


class Cells(Segment):
    """Tokens that are the cells of a lattice, the last axis running fastest."""

    @property
    def cells(self) -> tuple[int, ...]:
        """Number of cells along each axis of the lattice."""
        raise NotImplementedError

    @property
    def length(self) -> int:
        """Number of tokens."""
        return prod(self.cells)

    @property
    def counted(self) -> str:
        """As "14 × 14 grid"."""
        return f"{written(self.cells)} {type(self).__name__.lower()}"

    def cell(self, token: int) -> tuple[int, ...]:
        """Return a token's cell, such as (row, column)."""
        found: list[int] = []
        for count in reversed(self.cells):
            token, place = divmod(token, count)
            found.insert(0, place)
        return tuple(found)

    def token(self, cell: Sequence[int]) -> int:
        """Return the token of a cell.

        Raises
        ------
        ShapeError
            If it lies outside of the lattice.
        """
        token = 0
        for place, count in zip(inside(cell, self.cells, self.counted), self.cells, strict=True):
            token = token * count + place
        return token

    def holds(self, cell: Sequence[int]) -> bool:
        """Tell whether a cell is one of the lattice."""
        return len(cell) == len(self.cells) and all(map(range.__contains__, map(range, self.cells), cell))

    def name(self, token: int) -> str:
        """Return a token's cell in words."""
        return f"cell {self.cell(token)}"

    def place(self, token: int, size: Sequence[float] = (), batch: int = 0) -> tuple[float, ...]:  # noqa: ARG002  # as all
        """Return a token's box: where it begins, x first, then how large it is.

        ``size`` is that of the input, such as (height, width) in pixels; left out, boxes are shares of it.
        """
        return box(self.cell(token), self.cells, size)

    def put(self, weights: Any, batch: int | None = None) -> Any:  # noqa: ARG002  # as all
        """Return weights (..., token) as (..., *cells)."""
        array = self.checked(weights)
        return array.reshape(*array.shape[:-1], *self.cells)


@dataclass(frozen=True)
class Patches(Cells):
    """``h`` rows of ``w`` patches of an image; ``image`` counts images from 0."""

    h: int
    w: int
    image: int = 0

    def __post_init__(self) -> None:
        set_wholes(self, "h", "w")
        set_wholes(self, "image", least=0)

    @property
    def cells(self) -> tuple[int, int]:
        """Number of rows and columns."""
        return self.h, self.w

    def name(self, token: int) -> str:
        """Return a token's cell in words, and its image unless it is the first."""
        return f"image {self.image}, {super().name(token)}" if self.image else super().name(token)


@dataclass(frozen=True)
class Grid(Patches):
    """``h`` rows of ``w`` patches of an image, from the top left; ``image`` counts images from 0.

    ``span`` is how much of the image's height and width they cover: more than 1 of an image that was filled
    up at the bottom or the right, whose last cells lie in part beyond it; less where some of it is left over.

    Raises
    ------
    OptionError
        If ``span`` is not two positive numbers.

    Examples
    --------
    >>> grid = Grid(2, 3)
    >>> grid.name(5), grid.token((1, 2)), grid.place(5, size=(40, 60))
    ('cell (1, 2)', 5, (40.0, 20.0, 20.0, 20.0))
    >>> Grid(2, 3, span=(1, 1.2)).place(5, size=(40, 50))  # 10 of 20 pixels are in the image
    (40.0, 20.0, 20.0, 20.0)
    """

    span: tuple[float, float] = (1.0, 1.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        try:
            down, across = map(float, self.span)
        except (TypeError, ValueError):
            down, across = 0.0, 0.0
        if not (0 < down < float("inf") and 0 < across < float("inf")):
            raise OptionError(f"span={self.span!r} was asked for; give two numbers, such as (1, 1.2)")
        object.__setattr__(self, "span", (down, across))

    def place(self, token: int, size: Sequence[float] = (), batch: int = 0) -> tuple[float, ...]:
        """Return a token's box, as all patches have it; it may reach beyond the image."""
        left, top, width, height = super().place(token, size, batch)
        down, across = self.span
        return left * across, top * down, width * across, height * down


class Layers(Cells):
    """Cells of pictures that lie behind one another, the frames of a video or the slices of a volume."""

    each: int
    word: ClassVar[str]

    def layer(self, number: int, count: int | None = None) -> str:
        """Return which frames or slices a step stands for, of ``count`` where it is known how many there are.

        Examples
        --------
        >>> Frames(4, 2, 2).layer(2), Frames(4, 2, 2, each=2).layer(2), Frames(4, 2, 2).layer(2, count=16)
        ('frame 2', 'frames 4–5', 'frames 8–11')
        """
        steps = self.cells[0]
        count = self.each * steps if count is None else count
        first, end = number * count // steps, (number + 1) * count // steps
        return f"{self.word}s {first}–{end - 1}" if end - first > 1 else f"{self.word} {first}"


@dataclass(frozen=True)
class Frames(Layers):
    """``t`` steps of a video, each of ``each`` frames, of ``h`` rows of ``w`` patches.

    A size is (frames, height, width).

    Examples
    --------
    >>> Frames(8, 14, 14).place(196, size=(16, 224, 224))  # x, y and first frame, width, height and frames
    (0.0, 0.0, 2.0, 16.0, 16.0, 2.0)
    """

    word = "frame"
    t: int
    h: int
    w: int
    each: int = 1

    def __post_init__(self) -> None:
        set_wholes(self, "t", "h", "w", "each")

    @property
    def cells(self) -> tuple[int, int, int]:
        """Number of steps, rows and columns."""
        return self.t, self.h, self.w


@dataclass(frozen=True)
class Volume(Layers):
    """``d`` steps of a volume, each of ``each`` slices, of ``h`` rows of ``w`` patches.

    A size is (depth, height, width).

    Examples
    --------
    >>> Volume(4, 4, 4).cell(21)
    (1, 1, 1)
    """

    word = "slice"
    d: int
    h: int
    w: int
    each: int = 1

    def __post_init__(self) -> None:
        set_wholes(self, "d", "h", "w", "each")

    @property
    def cells(self) -> tuple[int, int, int]:
        """Number of steps, rows and columns."""
        return self.d, self.h, self.w


def written(counts: Sequence[int]) -> str:
    """Return numbers of cells as "14 × 14"."""
    return " × ".join(map(str, counts))


def inside(cell: Sequence[int], cells: Sequence[int], counted: str) -> tuple[int, ...]:
    """Return a cell as plain numbers.

    Raises
    ------
    ShapeError
        If it has not as many numbers as the lattice has axes, or lies outside of it.
    """
    try:
        found = tuple(map(index, cell))
    except TypeError:
        found = ()
    if len(found) != len(cells) or not all(map(range.__contains__, map(range, cells), found)):
        last = tuple(count - 1 for count in cells)
        raise ShapeError(f"cell={cell!r} is outside of the {counted}, whose last cell is {last}")
    return found


def box(cell: Sequence[int], cells: Sequence[int], size: Sequence[float]) -> tuple[float, ...]:
    """Return where a cell begins in an input of a size, the last axis (x) first, then how large it is.

    Raises
    ------
    ShapeError
        If the size has not as many numbers as the lattice has axes.

    Examples
    --------
    >>> box((1, 2), (2, 3), (40, 60))
    (40.0, 20.0, 20.0, 20.0)
    """
    size = tuple(size) or (1,) * len(cells)
    if len(size) != len(cells):
        raise ShapeError(f"size={size!r} was given for {written(cells)} cells; give {len(cells)} numbers")
    spans = [(at * whole / count, whole / count) for at, count, whole in zip(cell, cells, size, strict=True)]
    return tuple(begin for begin, _ in reversed(spans)) + tuple(extent for _, extent in reversed(spans))
