"""Attention weighted by what it carries: a large weight on a small value moves nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from visualizer.analysis.means import as_map, library
from visualizer.attention import AttentionMap
from visualizer.attention.arrays import Array
from visualizer.errors import CallsError, ShapeError


def value_weighted(a: Any, v: Any = None, projection: Any = None) -> AttentionMap:
    """Return a map times the norms of what each key gives, lazy, (..., head, query, key): aᵢⱼ ‖f(xⱼ)‖.

    Kobayashi et al. 2020, "Attention is Not Only a Weight: Analyzing Transformers with Vector Norms":
    f(x) = (x W_V + b_V) W_O, a head's value after its part of the output projection. Rows do not
    sum to 1.

    Parameters
    ----------
    a
        A map (batch, head, query, key), or a call of ``capture(model, values=True)``.
    v
        The values (batch, key head, key, width), where a map is given.
    projection
        The weight of the output projection, as `torch.nn.Linear` has it, (channel, head * width). Without it
        norms are those of the values themselves.

    Raises
    ------
    CallsError
        If no values were given or kept.
    ShapeError
        If values or projection do not fit the map.

    Examples
    --------
    >>> import numpy as np
    >>> a = np.full((1, 1, 2, 2), 0.5)
    >>> value_weighted(a, np.array([[[[3.0, 4.0], [0.0, 0.0]]]])).numpy().tolist()
    [[[[2.5, 0.0], [2.5, 0.0]]]]
    """
    v = getattr(a, "v", None) if v is None else v
    a = as_map(a)
    if v is None:
        raise CallsError("values were neither kept nor given: capture(model, values=True), or give v=")
    xp = library(a)
    with xp.reading():
        norms = value_norms(xp, v, a.shape, projection)
    weighted: AttentionMap = a * norms[..., None, :]
    return weighted


def value_norms(xp: Any, v: Any, shape: tuple[int, ...], projection: Any = None) -> Array:
    """Return the norm of what each key gives, (batch, head, key), in a map of some shape."""
    v = xp.asarray(v, xp.exact_dtype())
    batch, heads, _, keys = shape if len(shape) == 4 else (0, 0, 0, 0)
    if v.ndim != 4 or (v.shape[0], v.shape[2]) != (batch, keys) or heads % v.shape[1]:
        raise ShapeError(
            f"values of shape {tuple(v.shape)} were given for a map of shape {shape}: wanted is (batch, key "
            "head, key, width)"
        )
    v = xp.take(v, np.arange(heads) // (heads // v.shape[1]), 1)
    if projection is None:
        return (v**2).sum(-1) ** 0.5
    weight = xp.asarray(projection, xp.exact_dtype())
    if weight.ndim != 2 or weight.shape[1] != heads * v.shape[-1]:
        raise ShapeError(
            f"a projection of shape {tuple(weight.shape)} was given for {heads} heads of {v.shape[-1]}: "
            f"wanted is (channel, {heads * v.shape[-1]})"
        )
    weight = weight.reshape(len(weight), heads, -1).swapaxes(0, 1)
    inner = weight.swapaxes(-1, -2) @ weight  # ‖W v‖² = vᵀ Wᵀ W v
    return ((v @ inner) * v).sum(-1).clip(0) ** 0.5
