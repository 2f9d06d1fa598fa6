"""`from_arrays`: a run of maps that one already has, from anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from visualizer.attention import AttentionMap, Dense
from visualizer.calls import Call
from visualizer.errors import ShapeError, TargetError
from visualizer.run import Run


def from_arrays(arrays: Mapping[str, Any], *, tokens: Sequence[str] | None = None, image: Any = None) -> Run:
    """Return a run of attention maps that one already has.

    Parameters
    ----------
    arrays
        Maps by path, numpy arrays or torch tensors of axes (query, key), (head, query, key) or (batch, head,
        query, key), or lists of them or of numbers. Arrays are held and not copied: what is written into them
        later is seen in the map.
    tokens
        The text of each token.
    image
        The picture that was looked at, or its file's name, kept as `Run.image`.

    Raises
    ------
    ShapeError
        If an array has fewer than two axes, or a list is ragged or holds other things than numbers.
    TargetError
        If there is no mapping of arrays by path, which is a str.

    Examples
    --------
    >>> import numpy as np
    >>> run = from_arrays({"layer.0": np.full((2, 3, 3), 1 / 3)}, tokens=["a", "b", "c"])
    >>> run["layer.0"].shape, run.where("b")
    ((1, 2, 3, 3), slice(1, 2, None))
    """
    if not isinstance(arrays, Mapping):
        raise TargetError(
            f"a run was to be made of a {type(arrays).__name__}; give a dictionary of maps by path, such as "
            "{'layer.0': array}"
        )
    if odd := [path for path in arrays if not isinstance(path, str)]:
        raise TargetError(f"a run was to be made of maps by path, but {odd[0]!r} is none: give a str")
    calls = [
        Call(path, AttentionMap(Dense(_four(path, array))), 0, order, "an array", formed=True)
        for order, (path, array) in enumerate(arrays.items())
    ]
    run = Run(calls, empty=lambda: "no arrays were given")
    run.image = image
    return run if tokens is None else run.label(tokens)


def _four(path: str, array: Any) -> Any:
    if not hasattr(array, "shape"):
        array = _joined(path, array)
    if len(array.shape) < 2:
        raise ShapeError(
            f"the array of {path!r} has shape {tuple(array.shape)}; a map has the axes (query, key) at least"
        )
    return array.reshape((1,) * max(4 - len(array.shape), 0) + tuple(array.shape))


def _joined(path: str, listed: Any) -> Any:
    """Return lists of numbers or arrays as one array."""
    try:
        return np.asarray(_numpy(listed)) + 0.0  # which only numbers can be added to
    except (TypeError, ValueError) as error:
        raise ShapeError(
            f"the map of {path!r} was given as a {type(listed).__name__} that makes no array of numbers "
            f"({error}): give lists that are as long as one another, or an array"
        ) from error


def _numpy(listed: Any) -> Any:
    if isinstance(listed, list | tuple):
        return [_numpy(one) for one in listed]
    return listed.detach().cpu().numpy() if hasattr(listed, "detach") else listed
