"""Heads that look for the same token again: same token, duplicates, induction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualizer.analysis.means import Floats, as_map, over_queries
from visualizer.attention.arrays import NUMPY, arrays_of
from visualizer.errors import ShapeError

Ids = NDArray[Any]
_Looked = Callable[[Ids, Ids, Any], NDArray[np.bool_]]  # of the keys' ids, the queries' ids and places


def same_token(a: Any, ids: Any) -> Floats:
    """Return the mean weight on the keys that are the query's own token, itself among them, (...).

    Parameters
    ----------
    a
        A map (batch, head, query, key), the keys of which are one sequence.
    ids
        Its ids (key,), or (batch, key); any numbers or texts that can be compared.

    Raises
    ------
    ShapeError
        If there are not as many ids as keys, or texts as rows of the batch.
    """
    return _on(a, ids, lambda ids, own, _at: own[..., None] == ids[..., None, :])


def duplicate_token(a: Any, ids: Any) -> Floats:
    """Return the mean weight on the query's token where it was before, over the queries that repeat one.

    Wang et al. 2022, "Interpretability in the Wild": duplicate token heads. The rest is as for `same_token`.

    Examples
    --------
    >>> import numpy as np
    >>> a = np.array([[1, 0, 0], [0.5, 0.5, 0], [0.6, 0.2, 0.2]])
    >>> float(duplicate_token(a, ["a", "b", "a"]))
    0.6
    """
    return _on(a, ids, lambda ids, own, at: (own[..., None] == ids[..., None, :]) & _before(ids, at, 0))


def induction(a: Any, ids: Any) -> Floats:
    """Return the mean weight on what followed the query's token before, over the queries that repeat one.

    Olsson et al. 2022, "In-context Learning and Induction Heads", "prefix matching score", which takes random
    tokens, repeated: `repeated_tokens` gives some. The rest is as for `same_token`.

    Examples
    --------
    >>> import numpy as np
    >>> a = np.zeros((4, 4))
    >>> a[2, 1] = 1  # the second "a" looks at what followed the first
    >>> float(induction(a, ["a", "b", "a", "c"]))
    1.0
    """

    def looked(ids: Ids, own: Ids, at: Any) -> Any:
        before = np.roll(ids, 1, -1)
        follows = own[..., None] == before[..., None, :]
        follows[..., 0] = False  # nothing is before the first
        return follows & _before(ids, at, 1)

    return _on(a, ids, looked)


def repeated_tokens(vocabulary: int, length: int, *, times: int = 2, batch: int = 1, seed: int = 0) -> Any:
    """Return random ids, repeated, to find induction heads with: (batch, times * length).

    Examples
    --------
    >>> repeated_tokens(50, 3).shape
    (1, 6)
    """
    ids = np.random.default_rng(seed).integers(0, vocabulary, (batch, length))
    return np.tile(ids, times)


def _before(ids: Ids, places: Ids, more: int) -> NDArray[np.bool_]:
    """Tell which keys lie before queries at some places, or at them where there is one ``more``."""
    keys: NDArray[np.bool_] = np.arange(ids.shape[-1])[None] < places[:, None] + more
    return keys


def _on(a: Any, ids: Any, looked: _Looked) -> Floats:
    """Return the mean weight on the keys that are looked for, over the queries that have any."""
    a = as_map(a)
    queries, keys = a.shape[-2:]
    ids = NUMPY.as_numpy(ids) if hasattr(ids, "detach") else np.asarray(ids)
    if ids.ndim not in (1, 2) or ids.shape[-1] != keys:
        raise ShapeError(f"ids of shape {ids.shape} were given for a map of {keys} keys")
    if ids.ndim == 2 and len(ids) > 1 and (a.ndim < 3 or len(ids) != a.shape[0]):
        raise ShapeError(f"ids of {len(ids)} texts were given for a map of shape {a.shape}")

    def of_rows(rows: Any, at: Any) -> tuple[Any, Any]:
        mine = ids[np.asarray(at[0])] if ids.ndim == 2 and len(ids) > 1 else np.atleast_2d(ids)
        places = np.asarray(at[-1]) + keys - queries
        found = looked(mine, mine[:, places], places)
        found = found.reshape(len(mine), *(1,) * (rows.ndim - 3), *found.shape[-2:])
        found = found if rows.ndim > 2 else found[0]
        xp = arrays_of(rows)
        seen = xp.asarray(np.broadcast_to(found.any(-1), rows.shape[:-1]).copy())
        return (rows * xp.asarray(found, rows.dtype)).sum(-1), seen

    weights, seen = a.read_rows(of_rows)
    return over_queries(a, weights, seen)
