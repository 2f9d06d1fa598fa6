"""For which rows a kernel of float32 gives what is promised: the others are left to the blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from visualizer.attention.arrays import Array
from visualizer.attention.indices import At
from visualizer.attention.softmax import FactorSource

ENTROPY_SOUND = 16.0
"""The largest absolute log-sum-exp with which the kernel's entropy, a difference, stays within 1e-5."""

BACK_SOUND = 40.0
"""The same for the exchanged roles, whose logits have the log-sum-exp subtracted."""

PRODUCTS_SOUND = 128.0
"""The largest product of lengths, scale · |q| · |k|, with which the map in float32 stays within 1e-5."""

SUMS_SOUND = 64.0
"""The same for the log-sum-exp and what is made of it: errors of all keys add up where they are alike."""


def large_products(source: FactorSource) -> Array | None:
    """Return the largest product of lengths of each row, (..., head, query); None where all are small.

    Products cancel, with one another or with biases, where logits are small all the same; no bias that they
    cancel with is larger than they are.
    """
    factors, xp = source.factors, source.xp
    heads = np.arange(source.shape[-3]) // factors.group
    longest = xp.amax(xp.norms(factors.k), -1)
    scale = source.scale_at(tuple(map(range, source.shape[:-1])))
    rows = xp.norms(factors.q) * abs(scale[..., 0] if hasattr(scale, "ndim") and scale.ndim else scale)
    products = rows * xp.take(longest, heads, longest.ndim - 1)[..., None]
    return products if bool((products > SUMS_SOUND).any()) else None


def are_most(rows: Array) -> bool:
    """Tell whether more than half of some rows are chosen."""
    return 2 * int(rows.sum()) > int(rows.numel())


def chosen(xp: Any, at: At, rows: Array) -> Iterator[tuple[tuple[slice, ...], Any, At]]:
    """Yield each head that has chosen rows: where it lies, its rows, and what to pick for them."""
    for number in zip(*xp.as_numpy(rows.any(-1)).nonzero(), strict=True):
        mine = np.flatnonzero(xp.as_numpy(rows[number]))
        corner = tuple(slice(place, place + 1) for place in number)
        head = tuple(index[place] for index, place in zip(at, corner, strict=False))
        yield corner, mine, (*head, np.asarray(at[-1])[mine])
