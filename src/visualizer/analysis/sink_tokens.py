"""Attention sinks: keys that most queries look at, whatever they are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualizer.analysis.means import Floats, as_map, numbers, over_queries
from visualizer.attention import AttentionMap
from visualizer.attention.arrays import NUMPY

SINK = 0.3
"""The share above which Gu et al. 2024 call a token a sink."""


def first_token(a: Any) -> Floats:
    """Return the mean weight on the first key, (...) in [0, 1].

    Of a map with as many queries as keys, on the first that is no padding: texts may be padded on the left.
    Xiao et al. 2023, "Efficient Streaming Language Models with Attention Sinks", section 3.1.
    """
    a = as_map(a)
    valid = NUMPY.as_numpy(a.valid)
    first = valid.argmax(-1) if valid.shape[-1] == a.shape[-1] else np.zeros(valid.shape[:-1], np.intp)
    places, which = np.unique(first, return_inverse=True)
    mass = numbers(a.mass([int(place) for place in places]))  # (..., query, place)
    picked = np.take_along_axis(mass, which.reshape(first.shape)[..., None, None], -1)
    return over_queries(a, picked[..., 0])


def group_mass(a: Any, keys: Any) -> Floats:
    """Return the mean weight on some keys, (...) in [0, 1].

    Parameters
    ----------
    keys
        An int, a slice, a list of them, or a bool for each key, such as ``run.where(special="SEP")``.

    Examples
    --------
    >>> import numpy as np
    >>> float(group_mass(np.full((4, 4), 0.25), slice(0, 2)))
    0.5
    """
    a = as_map(a)
    return over_queries(a, numbers(a.mass([keys]))[..., 0])


def sinks(a: Any, *, above: float = SINK) -> NDArray[np.bool_]:
    """Tell which keys are sinks, booleans (..., key): those that receive more than a share on average.

    The mean weight that a key receives from the queries that can see it, αⱼ = Σᵢ aᵢⱼ / Σᵢ [i sees j], is
    compared with ``above``. Gu et al. 2024, "When Attention Sink Emerges in Language Models": the sink
    metric, with its ε = 0.3. Keys that one query alone can see, as the last of a causal map, are none.

    Examples
    --------
    >>> import numpy as np
    >>> sinks(np.array([[1, 0, 0], [0.9, 0.1, 0], [0.8, 0.1, 0.1]])).tolist()
    [True, False, False]
    """
    return _sinks(as_map(a), above)[0]


def sink_mass(a: Any, *, above: float = SINK) -> Floats:
    """Return the mean weight on the keys that are `sinks`, of each head its own, (...) in [0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> sink_mass(np.array([[1, 0, 0], [0.9, 0.1, 0], [0.8, 0.1, 0.1]])).round(3)
    np.float64(0.9)
    """
    a = as_map(a)
    found, received = _sinks(a, above)
    with np.errstate(invalid="ignore"):
        mass: Floats = (received * found).sum(-1) / NUMPY.as_numpy(a.valid).sum(-1)
    return mass


def _sinks(a: AttentionMap, above: float) -> tuple[NDArray[np.bool_], Floats]:
    """Return which keys are sinks, and what each receives, (..., key)."""
    received, onlookers = numbers(a.received()), numbers(a.received(how="count"))
    return (received > above * onlookers) & (onlookers > 1), received
