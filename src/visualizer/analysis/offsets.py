"""Heads that look at a fixed distance: at the token itself, the one before, the one after."""

from __future__ import annotations

from typing import Any

import numpy as np

from visualizer.analysis.means import Floats, as_map, over_queries


def offset(a: Any, by: int, *, first: int | None = None) -> Floats:
    """Return the mean weight on the key at a fixed distance from the query, (...) in [0, 1].

    Queries whose key would lie before the first or after the last take no part; NaN where that is all.

    Parameters
    ----------
    a
        A map (..., query, key).
    by
        -1: the token before, 1: the token after, 0: the token itself.
    first
        The key that is the first query's own token; unless given, the last query's is the last key.

    Examples
    --------
    >>> import numpy as np
    >>> float(offset(np.eye(4)[:, [1, 2, 3, 0]], by=-1))  # each row looks at the token before
    1.0
    """
    a = as_map(a)
    queries, keys = a.shape[-2:]
    own = np.arange(queries) + (keys - queries if first is None else first) + by
    inside = (own >= 0) & (own < keys)
    wanted = own.clip(0, keys - 1)

    def of_rows(rows: Any, at: Any) -> Any:
        places = wanted[np.asarray(at[-1])]
        return rows[..., np.arange(len(places)), places]

    return over_queries(a, a.read_rows(of_rows), inside)


def diagonal(a: Any) -> Floats:
    """Return the mean weight of a query on its own token, (...)."""
    return offset(a, 0)


def previous_token(a: Any) -> Floats:
    """Return the mean weight on the token before, (...): Voita et al. 2019, "positional heads"."""
    return offset(a, -1)


def next_token(a: Any) -> Floats:
    """Return the mean weight on the token after, (...)."""
    return offset(a, 1)
