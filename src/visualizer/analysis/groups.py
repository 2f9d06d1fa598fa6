"""What parts of the input give one another: text and image, two sentences, special tokens and the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from visualizer.analysis.means import Floats, as_map, numbers, over_queries
from visualizer.errors import OptionError


def between_groups(a: Any, queries: Mapping[str, Any], keys: Mapping[str, Any] | None = None) -> Floats:
    """Return the mean weight of each group of queries on each group of keys, (..., group, group) in [0, 1].

    Parameters
    ----------
    a
        A map (..., query, key).
    queries, keys
        Groups by name: slices, lists or booleans, such as ``{"text": run.where(segment="text"), "image":
        run.where(segment="grid")}``; keys as queries unless given. A row of the result sums to 1 where the
        groups are all keys.

    Raises
    ------
    OptionError
        If there are no groups.
    ShapeError
        If a group has places that are not there.

    Examples
    --------
    >>> import numpy as np
    >>> halves = {"first": slice(0, 2), "last": slice(2, 4)}
    >>> between_groups(np.full((4, 4), 0.25), halves).tolist()
    [[0.5, 0.5], [0.5, 0.5]]
    """
    if not queries:
        raise OptionError("groups of queries were asked for, but there are none: {'text': slice(0, 5)}")
    a = as_map(a)
    mass = np.moveaxis(numbers(a.mass(queries if keys is None else keys)), -1, 0)
    found = [[over_queries(a, one, _members(a, group)) for one in mass] for group in queries.values()]
    return np.moveaxis(np.array(found), (0, 1), (-2, -1))


def _members(a: Any, group: Any) -> Any:
    member = np.zeros(a.shape[-2], bool)
    member[group] = True
    return member
