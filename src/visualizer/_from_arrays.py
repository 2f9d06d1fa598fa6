"""`from_arrays`: a run of maps that one already has, from anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from visualizer.attention import AttentionMap, Dense
from visualizer.calls import Call
from visualizer.errors import ShapeError
from visualizer.run import Run


def from_arrays(arrays: Mapping[str, Any], *, tokens: Sequence[str] | None = None) -> Run:
    """Return a run of attention maps that one already has.

    Parameters
    ----------
    arrays
        Maps by path, numpy arrays or torch tensors of axes (query, key), (head, query, key) or (batch, head,
        query, key).
    tokens
        The text of each token.

    Raises
    ------
    ShapeError
        If an array has fewer than two axes.

    Examples
    --------
    >>> import numpy as np
    >>> run = from_arrays({"layer.0": np.full((2, 3, 3), 1 / 3)}, tokens=["a", "b", "c"])
    >>> run["layer.0"].shape, run.where("b")
    ((1, 2, 3, 3), slice(1, 2, None))
    """
    calls = [
        Call(path, AttentionMap(Dense(_four(path, array))), 0, order, "an array", formed=True)
        for order, (path, array) in enumerate(arrays.items())
    ]
    run = Run(calls, empty=lambda: "no arrays were given")
    return run if tokens is None else run.label(tokens)


def _four(path: str, array: Any) -> Any:
    if len(array.shape) < 2:
        raise ShapeError(
            f"the array of {path!r} has shape {tuple(array.shape)}; a map has the axes (query, key) at least"
        )
    return array.reshape((1,) * max(4 - len(array.shape), 0) + tuple(array.shape))
