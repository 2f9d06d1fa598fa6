"""Whether weights lie where they should: the pointing game, and their mass in a box or mask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualizer.analysis.means import Floats, numbers
from visualizer.errors import OptionError, ShapeError


def inside(target: Any, cells: Sequence[int], size: Sequence[float]) -> Floats:
    """Return which share of each cell's area a target covers, (row, column) in [0, 1].

    Parameters
    ----------
    target
        A box (left, top, width, height) in pixels, or a mask (row, column) of the image's pixels.
    cells
        Rows and columns of the grid.
    size
        Height and width of the image in pixels.

    Raises
    ------
    OptionError
        If it is no box and no mask of this size.

    Examples
    --------
    >>> inside((10, 0, 10, 20), (1, 2), (20, 30)).tolist()  # cells of 15 pixels
    [[0.3333333333333333, 0.3333333333333333]]
    """
    target = np.asarray(target, np.float64)
    if target.shape == (4,):
        left, top, width, height = target
        down = _overlap(top, top + height, cells[0], size[0])
        across = _overlap(left, left + width, cells[1], size[1])
        return np.asarray(np.outer(down, across))
    if target.shape != tuple(size):
        raise OptionError(
            f"a target of shape {target.shape} was given for an image of {tuple(size)}: give a box (left, "
            "top, width, height), or a mask of the image's size"
        )
    return np.asarray(_averaged(_averaged(target != 0, cells[0]).T, cells[1]).T)


def mass_inside(weights: Any, target: Any, size: Sequence[float]) -> Floats:
    """Return the share of weights (..., row, column) that lies in a target, (...) in [0, 1].

    A cell counts by the share of its area that is covered. ``target`` and ``size`` are as for `inside`.

    Examples
    --------
    >>> float(mass_inside([[0.9, 0.1], [0.0, 0.0]], (0, 0, 16, 32), (32, 32)))
    0.9
    """
    weights = numbers(weights)
    covered = inside(target, _grid(weights), size)
    with np.errstate(invalid="ignore"):
        return np.asarray((weights * covered).sum((-2, -1)) / weights.sum((-2, -1)))


def pointing(weights: Any, target: Any, size: Sequence[float]) -> NDArray[np.bool_]:
    """Tell whether the largest of weights (..., row, column) lies in a target: the middle of its cell does.

    Zhang et al. 2016, "Top-down Neural Attention by Excitation Backprop", the pointing game, there with 15
    pixels of tolerance. ``target`` and ``size`` are as for `inside`.

    Examples
    --------
    >>> bool(pointing([[0.9, 0.1], [0.0, 0.0]], (0, 0, 16, 32), (32, 32)))
    True
    """
    weights = numbers(weights)
    rows, columns = _grid(weights)
    best = weights.reshape(*weights.shape[:-2], -1).argmax(-1)
    row, column = np.divmod(best, columns)
    y, x = (row + 0.5) * size[0] / rows, (column + 0.5) * size[1] / columns
    target = np.asarray(target)
    if target.shape == (4,):
        left, top, width, height = target
        return np.asarray((left <= x) & (x < left + width) & (top <= y) & (y < top + height))
    inside(target, (1, 1), size)  # refuses another shape
    return np.asarray(target[y.astype(int), x.astype(int)] != 0)


def _grid(weights: Floats) -> tuple[int, int]:
    if weights.ndim < 2:
        raise ShapeError(
            f"weights of shape {weights.shape} were given; wanted is (..., row, column), as "
            "axis.put(row) gives"
        )
    rows, columns = weights.shape[-2:]
    return rows, columns


def _overlap(begin: float, end: float, count: int, length: float) -> Floats:
    """Return which share of each of ``count`` equal parts of a length lies between begin and end."""
    edges = np.linspace(0, length, count + 1)
    shared = np.minimum(edges[1:], end) - np.maximum(edges[:-1], begin)
    return np.asarray(shared.clip(0) * count / length)


def _averaged(array: Any, count: int) -> Floats:
    """Return the means of ``count`` equal parts of the first axis, a number that an edge cuts shared out."""
    length = len(array)
    shares = np.array([_overlap(n, n + 1, count, length) for n in range(length)])
    return np.asarray(shares.T @ array)
