"""Attention to padding: a mask that was forgotten, or does not say what it should."""

from __future__ import annotations

from typing import Any

import numpy as np

from visualizer.analysis.means import Floats, as_map, numbers, over_queries
from visualizer.errors import ShapeError


def padding(a: Any, valid: Any) -> Floats:
    """Return the mean weight of real queries on padded keys, (batch, head) in [0, 1]: a bug unless 0.

    Parameters
    ----------
    a
        A map (batch, head, query, key).
    valid
        The model's attention mask (batch, key): 1 or True for tokens, 0 for padding. Where queries and keys
        are as many, padded queries take no part either.

    Raises
    ------
    ShapeError
        If it has another shape.

    Examples
    --------
    >>> import numpy as np
    >>> padding(np.full((1, 1, 4, 4), 0.25), [[1, 1, 1, 0]]).tolist()
    [[0.25]]
    """
    a = as_map(a)
    valid = np.asarray(valid.detach().cpu() if hasattr(valid, "detach") else valid).astype(bool)
    if a.ndim != 4 or valid.shape != (a.shape[0], a.shape[-1]):
        raise ShapeError(
            f"an attention mask of shape {valid.shape} was given for a map of shape {a.shape}: wanted are "
            "(batch, key) and (batch, head, query, key)"
        )
    weight = numbers(a @ (~valid)[:, None, :, None].astype(np.float32))[..., 0]
    return over_queries(a, weight, valid[:, None] if a.shape[-2] == a.shape[-1] else True)
