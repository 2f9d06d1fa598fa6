"""Which rows of a map are those of queries that were asked for."""

from __future__ import annotations

from typing import Any

import numpy as np

from visualizer.errors import OptionError
from visualizer.viewer.exhibits import Exhibit


def rows_asked(asked: Any, shown: Exhibit) -> list[int]:
    """Return the rows of a map that are some queries', in order; what it does not have is left out.

    Parameters
    ----------
    asked
        An int, a slice, what `Run.where` finds, or a list of these: places in the sequence.
    shown
        The map.

    Raises
    ------
    OptionError
        If they are something else.
    """
    places = np.array(shown.places or range(shown.map.shape[2]))
    every = np.arange(places.max(initial=-1) + 1)
    found = [_picked(every, one) for one in (asked if isinstance(asked, list | tuple) else [asked])]
    return np.flatnonzero(np.isin(places, np.concatenate([*found, []]))).tolist()


def _picked(every: Any, one: Any) -> Any:
    if not isinstance(one, slice):
        given, one = one, np.atleast_1d(one)
        if one.dtype.kind not in "iu":
            raise OptionError(
                f"queries={given!r:.60} was asked for; give an int, a slice, what run.where finds, or a list"
            )
        one = one[(one >= -len(every)) & (one < len(every))]
    return every[one]
