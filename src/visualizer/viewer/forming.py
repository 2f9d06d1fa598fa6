"""Holds the map that is being read as an array, if it is small: what is asked of it then forms it once."""

from __future__ import annotations

from math import prod

from visualizer.attention import AttentionMap
from visualizer.errors import MemoryBudgetError

MOST = 2**24
"""Weights of a map that is held: 64 MiB of float32."""


class Forming:
    """The last map that was asked for.

    Examples
    --------
    >>> import numpy as np
    >>> from visualizer.attention import Factors
    >>> map_, forming = AttentionMap(Factors(np.eye(3)[None], np.eye(3)[None], 1.0)), Forming()
    >>> forming.formed(map_) is forming.formed(map_)
    True
    """

    def __init__(self) -> None:
        self._last: tuple[AttentionMap, AttentionMap] | None = None

    def formed(self, map_: AttentionMap) -> AttentionMap:
        """Return a map held as an array; as it is if it is large, or more than memory is to hold."""
        if prod(map_.shape) > MOST:
            return map_
        last = self._last  # another thread may ask for another map meanwhile
        if last is None or last[0] is not map_:
            self._last = last = map_, held(map_, MOST)
        return last[1]


def held(map_: AttentionMap, most: int) -> AttentionMap:
    """Return a map held as an array; as it is if it has more weights, or memory is not to hold them.

    Examples
    --------
    >>> import numpy as np
    >>> from visualizer.attention import Factors
    >>> map_ = AttentionMap(Factors(np.eye(3)[None], np.eye(3)[None], 1.0))
    >>> held(map_, 9) is map_, held(map_, 8) is map_
    (False, True)
    """
    try:
        return map_.dense() if prod(map_.shape) <= most else map_
    except MemoryBudgetError:
        return map_
