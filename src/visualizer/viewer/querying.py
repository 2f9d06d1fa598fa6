"""Which rows of a map are those of queries that were asked for."""

from __future__ import annotations

from typing import Any

import numpy as np

from visualizer.plots.parts import tokens_asked
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
    places = shown.places or range(shown.map.shape[2])
    return np.flatnonzero(tokens_asked(asked, places, "queries")).tolist()
