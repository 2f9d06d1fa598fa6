"""Whether shapes fit a map's."""

from __future__ import annotations

from typing import Any

from visualizer.errors import ShapeError


def check_broadcast(name: str, array: Any, to: tuple[int, ...], shape: tuple[int, ...]) -> None:
    """Raise an error unless an array broadcasts to axes of a map of some shape; None and numbers do.

    Raises
    ------
    ShapeError
        If it does not.

    Examples
    --------
    >>> import numpy as np
    >>> check_broadcast("mask", np.ones((1, 3)), (2, 4, 3), (2, 4, 3))
    """
    found = tuple(getattr(array, "shape", ()))
    if name == "query_valid" and 1 < len(found) < len(to):
        found = (*found[:-1], 1, found[-1])  # the same for all heads
    pairs = list(zip(reversed(found), reversed(to), strict=False))
    if len(found) > len(to) or any(mine not in (1, its) for mine, its in pairs):
        raise ShapeError(f"{name} of shape {found} was given to a map of shape {shape}; {to} is wanted")
