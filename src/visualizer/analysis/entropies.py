"""Entropy: over how many keys a head spreads its attention."""

from __future__ import annotations

from typing import Any

import numpy as np

from visualizer.analysis.means import Floats, as_map, numbers, over_queries
from visualizer.errors import OptionError

_UNITS = ("nats", "bits", "relative")


def entropy(a: Any, *, unit: str = "nats") -> Floats:
    """Return each head's mean entropy over its queries, (...): −Σ a log a.

    Parameters
    ----------
    a
        A map (..., query, key).
    unit
        "nats", 0 to log N; "bits", 0 to log2 N; "relative", 0 to 1: over the largest that the mask leaves a
        query, the log of how many keys it can see. Queries that see one key alone are left out of that mean.

    Raises
    ------
    OptionError
        If the unit is another word.

    Examples
    --------
    >>> import numpy as np
    >>> float(entropy(np.full((4, 4), 0.25), unit="bits"))
    2.0
    """
    if unit not in _UNITS:
        raise OptionError(f"entropy(unit={unit!r}) was asked for; it is one of {', '.join(_UNITS)}")
    a = as_map(a)
    if unit != "relative":
        return over_queries(a, a.entropy(bits=unit == "bits"))
    seen = numbers(a.keys_seen)
    return over_queries(a, numbers(a.entropy()) / np.log(seen.clip(2)), seen > 1)
