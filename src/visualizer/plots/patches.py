"""The patch grid of an image where nothing but the map's length tells it, and where a query lies in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import index
from typing import Any, cast

from visualizer.axes import Axis, Grid, Special
from visualizer.errors import ShapeError
from visualizer.plots.pictures import Box

MANY = 9  # more prefix tokens than this are not guessed at


@dataclass(frozen=True)
class PatchGrid:
    """Tokens of an image as an axis: named prefix tokens, then patches in rows from the top left.

    ``cells`` is (rows, columns) of patches, ``size`` the image's (height, width) in pixels.

    Examples
    --------
    >>> grid = PatchGrid((2, 3), (40, 60), ("CLS",))
    >>> grid.cell_of(5), grid.token_at((1, 1)), grid.token_under((59, 0)), grid.axis.name(0)
    ((1, 1), 5, 3, 'CLS')
    """

    cells: tuple[int, int]
    size: tuple[int, int]
    prefix: tuple[str, ...] = ()

    @property
    def axis(self) -> Axis:
        """What the tokens are."""
        return Axis((*map(Special, self.prefix), self.grid))

    @property
    def grid(self) -> Grid:
        """The patches."""
        return Grid(*self.cells)

    def cell_of(self, token: int) -> tuple[int, ...] | None:
        """Return (row, column) of a token's patch, None for a prefix token."""
        patch = token - len(self.prefix)
        return self.grid.cell(patch) if patch >= 0 else None

    def token_at(self, cell: tuple[int, int]) -> int:
        """Return the token of the patch at (row, column).

        Raises
        ------
        ShapeError
            If it is no pair of whole numbers, or lies outside of the grid.
        """
        return len(self.prefix) + self.grid.token(_pair(cell, "cell", "(row, column)"))

    def token_under(self, pixel: tuple[float, float]) -> int:
        """Return the token of the patch that holds the pixel (x, y), counted from the top left."""
        return self.token_at(cell_under(pixel, self.cells, self.size))


def cell_under(
    pixel: tuple[float, float],
    cells: tuple[int, int],
    size: tuple[int, int],
    part: Box | None = None,
    span: tuple[float, float] = (1, 1),
) -> tuple[int, int]:
    """Return (row, column) of the patch that holds a pixel (x, y) of an image of ``size`` (height, width).

    The patches are those of a ``part`` of it, (left, top, width, height) in pixels, and cover ``span`` of its
    height and width.

    Raises
    ------
    ShapeError
        If it is no pair of numbers, or lies outside of the image, of that part or of all patches.

    Examples
    --------
    >>> cell_under((59, 0), (2, 3), (40, 60))
    (0, 2)
    """
    (x, y), (height, width) = _pair(pixel, "pixel", "(x, y)", float), size
    if not (0 <= x < width and 0 <= y < height):
        image = f"the image of {width} × {height} pixels"
        raise ShapeError(f"pixel=({x:g}, {y:g}) is outside of {image}, both counted from 0")
    left, top, across, down = part or (0, 0, width, height)
    if not (0 <= x - left < across and 0 <= y - top < down):
        given = f"{across:g} × {down:g} pixels from ({left:g}, {top:g}) on"
        raise ShapeError(f"pixel=({x:g}, {y:g}) is outside of the part that the model was given, {given}")
    row, column = (y - top) * cells[0] / (down * span[0]), (x - left) * cells[1] / (across * span[1])
    if not (row < cells[0] and column < cells[1]):
        raise ShapeError(f"pixel=({x:g}, {y:g}) is in no patch: they cover {span} of the image's sides")
    return int(row), int(column)


def patch_grid(
    keys: int, size: tuple[int, int], grid: tuple[int, int] | None, prefix: int | Sequence[str]
) -> PatchGrid:
    """Return the grid of a map with ``keys`` keys over an image of ``size`` (height, width).

    ``prefix`` is the number of tokens before the patches, or their names. Without ``grid`` the patches are
    square pieces of the image, or form a square grid; if both can be, or neither, ``grid`` must be given.

    Raises
    ------
    ShapeError
        If grid and keys do not fit, or the grid is not told.

    Examples
    --------
    >>> patch_grid(197, (224, 224), None, prefix=1).cells
    (14, 14)
    """
    names = prefix_names(prefix)
    if grid is None:
        return PatchGrid(_only_grid(keys, size, len(names)), size, names)
    rows, columns = _pair(grid, "grid", "(rows, columns)")
    if min(rows, columns) < 1:
        raise ShapeError(
            f"grid=({rows}, {columns}) is wanted, but a grid has at least one row and one column"
        )
    if rows * columns != keys - len(names):
        found = f"grid=({rows}, {columns}) has {rows * columns} cells, but of {keys} keys prefix={len(names)}"
        raise ShapeError(f"{found} leaves {keys - len(names)}{_fitting_prefix(keys - rows * columns)}")
    return PatchGrid((rows, columns), size, names)


def prefix_names(prefix: int | Sequence[str]) -> tuple[str, ...]:
    """Return the names of prefix tokens; a bare number means CLS, then registers.

    Raises
    ------
    ShapeError
        If the number is negative, or not whole.

    Examples
    --------
    >>> prefix_names(3), prefix_names(["CLS", "DIST"])
    (('CLS', 'R1', 'R2'), ('CLS', 'DIST'))
    """
    if isinstance(prefix, Sequence):
        return (prefix,) if isinstance(prefix, str) else tuple(str(name) for name in prefix)
    count = _whole(prefix, "prefix", "a number of tokens, or their names")
    if count < 0:
        raise ShapeError(f"prefix={count} is wanted, but there are no fewer than 0 prefix tokens")
    return ("CLS", *(f"R{number}" for number in range(1, count)))[:count]


def query_token(
    patches: PatchGrid,
    rows: int,
    query: int | None = None,
    cell: tuple[int, int] | None = None,
    pixel: tuple[float, float] | None = None,
) -> int:
    """Return the row of the map that the one given of ``query``, ``cell`` and ``pixel`` means.

    Raises
    ------
    ShapeError
        If none or several are given, or it lies outside of the map, grid or image.

    Examples
    --------
    >>> query_token(PatchGrid((2, 3), (40, 60), ("CLS",)), rows=7, cell=(1, 0))
    4
    """
    given = sum(place is not None for place in (query, cell, pixel))
    if given != 1:
        message = "give exactly one of query= (a token's index), cell=(row, column) and pixel=(x, y)"
        raise ShapeError(f"{message}: {given} were given")
    if query is not None:
        token = _whole(query, "query", "a token's index")
        if not 0 <= token < rows:
            raise ShapeError(f"query={token} is outside of the map, whose rows are 0 to {rows - 1}")
        return token
    if rows != patches.axis.length:
        message = (
            f"the map has {rows} rows for {patches.axis.length} keys, so its rows are not the image's tokens"
        )
        raise ShapeError(f"{message}: give query=, a row's index")
    if cell is not None:
        return patches.token_at(cell)
    return patches.token_under(cast("tuple[float, float]", pixel))  # the one that is left


def _only_grid(keys: int, size: tuple[int, int], prefix: int) -> tuple[int, int]:
    """Return the one grid that fits, or say which do and what other prefix would do."""
    fits = _fitting_grids(keys - prefix, size)
    if len(fits) == 1:
        return fits.pop()
    could = " or ".join(f"{rows} × {columns}" for rows, columns in sorted(fits))
    others = [n for n in range(MANY) if n != prefix and len(_fitting_grids(keys - n, size)) == 1]
    hint = f"could be {could}" if fits else "form no square grid and none of the image's shape"
    other = f", or prefix={others[0]} if that is how many tokens come before the patches" if others else ""
    found = f"{keys - prefix} patches (prefix={prefix}) on an image of {size[1]} × {size[0]} pixels {hint}"
    raise ShapeError(f"{found}: give grid=(rows, columns){other}")


def _fitting_grids(patches: int, size: tuple[int, int]) -> set[tuple[int, int]]:
    """Return the square grid and the grid of square patches, as far as they exist."""
    (height, width), patches = size, max(patches, 0)
    sides = {math.isqrt(patches), math.isqrt(patches * height // width)} - {0}
    grids = {(rows, patches // rows) for rows in sides if patches % rows == 0}
    return {(rows, columns) for rows, columns in grids if rows == columns or rows * width == columns * height}


def _fitting_prefix(spare: int) -> str:
    return f": prefix={spare} would fit" if 0 <= spare < MANY else ""


def _whole(value: Any, name: str, meaning: str) -> int:
    try:
        return index(value)
    except TypeError:
        raise ShapeError(f"{name}={value!r} is not {meaning}, a whole number") from None


def _pair(value: Any, name: str, meaning: str, kind: Any = index) -> tuple[Any, Any]:
    try:
        first, second = value
        return kind(first), kind(second)
    except (TypeError, ValueError):
        raise ShapeError(f"{name}={value!r} is not {meaning}, two numbers") from None
