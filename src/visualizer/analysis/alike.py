"""Which heads do the same."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualizer.analysis.means import Floats, as_map, exact, numbers
from visualizer.analysis.parts import summed
from visualizer.attention.arrays import Array
from visualizer.errors import ShapeError, require


def similarity(a: Any) -> Floats:
    """Return how alike each two heads' maps are, (..., head, head): the cosine of their weights, 0 to 1.

    ``Σᵢⱼ aᵢⱼ bᵢⱼ / (|a| |b|)``, over the queries that are padding in no head; NaN of a head whose weights are
    all 0.

    Raises
    ------
    ShapeError
        If the map has no heads.

    Examples
    --------
    >>> import numpy as np
    >>> similarity(np.stack([np.eye(3), np.eye(3), np.full((3, 3), 1 / 3)])).round(2).tolist()
    [[1.0, 1.0, 0.58], [1.0, 1.0, 0.58], [0.58, 0.58, 1.0]]
    """
    a = as_map(a)
    if a.ndim < 3:
        raise ShapeError(f"heads were to be compared, but a map of shape {a.shape} has none")
    counted = a.valid.all(-2)[..., None, :, None]

    def products_of(rows: Array, queries: slice) -> Array:
        each = exact(rows * counted[..., queries, :]).swapaxes(-3, -2)  # (..., row, head, key)
        return (each @ each.swapaxes(-1, -2)).sum(-3)

    products = numbers(summed(a, products_of))
    length = np.sqrt(np.diagonal(products, axis1=-2, axis2=-1))
    with np.errstate(invalid="ignore"):
        found: Floats = products / (length[..., :, None] * length[..., None, :])
    return found


def clusters(similar: Any, count: int) -> NDArray[np.int64]:
    """Return a number for each head, (head,): heads with the same one do the same.

    Average linkage of the distances 1 − similarity, cut into ``count`` clusters.

    Raises
    ------
    ShapeError
        If they are no matrix of two heads or more, such as one text's of a batch, or some are NaN.
    MissingExtraError
        If scipy is not installed.

    Examples
    --------
    >>> clusters([[1.0, 0.9, 0.1], [0.9, 1.0, 0.2], [0.1, 0.2, 1.0]], 2).tolist()
    [0, 0, 1]
    """
    hierarchy = require("scipy.cluster.hierarchy", "analysis", "clusters")
    apart = 1 - np.asarray(similar, np.float64)
    if apart.ndim != 2 or len(apart) != apart.shape[-1] or len(apart) < 2 or np.isnan(apart).any():
        raise ShapeError(
            f"similarities of shape {apart.shape} were to be put into clusters: wanted are numbers (head, "
            "head) of two heads or more, such as similarity(a)[0]"
        )
    upper = apart[np.triu_indices(len(apart), 1)].clip(0)
    found = hierarchy.fcluster(hierarchy.linkage(upper, "average"), count, "maxclust")
    _, first, found = np.unique(found, return_index=True, return_inverse=True)
    order: NDArray[np.int64] = np.argsort(np.argsort(first))  # numbered as they come
    return order[found]
