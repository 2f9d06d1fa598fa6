"""Heads that look for the same token again: same token, duplicates, induction."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualizer.analysis.means import Floats, as_map, library, over_queries
from visualizer.attention import AttentionMap
from visualizer.attention.arrays import NUMPY, Array
from visualizer.errors import ShapeError


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
    a, ids = _checked(a, ids)
    return _on(a, ids, ids)


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
    a, ids = _checked(a, ids)
    return _on(a, ids, ids, before=0)


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
    a, ids = _checked(a, ids)
    nothing = np.full_like(ids[:, :1], -1)  # is before the first
    return _on(a, ids, np.concatenate([nothing, ids[:, :-1]], -1), before=1)


def repeated_tokens(vocabulary: int, length: int, *, times: int = 2, batch: int = 1, seed: int = 0) -> Any:
    """Return random ids, repeated, to find induction heads with: (batch, times * length).

    Examples
    --------
    >>> repeated_tokens(50, 3).shape
    (1, 6)
    """
    ids = np.random.default_rng(seed).integers(0, vocabulary, (batch, length))
    return np.tile(ids, times)


def _checked(a: Any, ids: Any) -> tuple[AttentionMap, NDArray[np.int64]]:
    """Return a map, and the ids of its keys as numbers from 0 on, (1 or batch, key)."""
    a = as_map(a)
    ids = NUMPY.as_numpy(ids) if hasattr(ids, "detach") else np.asarray(ids)
    if ids.ndim not in (1, 2) or ids.shape[-1] != a.shape[-1]:
        raise ShapeError(f"ids of shape {ids.shape} were given for a map of {a.shape[-1]} keys")
    if ids.ndim == 2 and len(ids) > 1 and (a.ndim < 3 or len(ids) != a.shape[0]):
        raise ShapeError(f"ids of {len(ids)} texts were given for a map of shape {a.shape}")
    known: dict[Any, int] = {}
    numbers = [known.setdefault(one, len(known)) for one in ids.ravel().tolist()]
    return a, np.reshape(np.array(numbers, np.int64), (-1, a.shape[-1]))


def _on(a: AttentionMap, ids: Any, of_keys: Any, before: int | None = None) -> Floats:
    """Return the mean weight on the keys of the query's own id, over the queries that have any.

    Where ``before`` is given, of the keys before the query alone, or, where it is 1, at the query too.
    """
    queries, keys = a.shape[-2:]
    xp = library(a)
    ids, of_keys, order = (xp.asarray(one) for one in (ids, of_keys, np.arange(keys)))

    def of_rows(rows: Array, at: Any) -> tuple[Array, Array]:
        texts = np.asarray(at[0]) if len(ids) > 1 else [0]
        places = np.asarray(at[-1]) + keys - queries  # the last query is the last key
        own = places % keys
        found = ids[texts][:, own][..., None] == of_keys[texts][:, None]
        found = found & xp.asarray(places >= 0)[:, None]
        if before is not None:
            found = found & (order < order[own][:, None] + before)
        found = found.reshape(len(texts), *(1,) * (rows.ndim - 3), *found.shape[-2:])
        found = found if rows.ndim > 2 else found[0]
        seen = xp.broadcast(found.any(-1), tuple(rows.shape[:-1]))
        return xp.where(found, rows, 0.0).sum(-1), seen

    weights, seen = a.read_rows(of_rows)
    return over_queries(a, weights, seen)
