"""Heads merged into one, as lazy as the map that they are of."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import add, or_
from typing import Any

import numpy as np

from visualizer.attention.arrays import Array
from visualizer.attention.blocks import Source
from visualizer.attention.derived import Derived
from visualizer.attention.indices import At, compose
from visualizer.errors import OptionError, ShapeError


class Merged(Derived):
    """The mean, maximum or minimum over heads, as one head; only the mean is an operator.

    A head in which a query is padding takes no part in that query's row, unless it is padding in all of them.
    A key can be seen where any head sees it.
    """

    def __init__(self, source: Source, at: At, how: str) -> None:
        super().__init__(source, at)
        if how not in ("mean", "max", "min"):
            raise OptionError(f'heads({how!r}) was asked for; it is "mean", "max" or "min"')
        if not len(at[-2]):
            raise ShapeError(f"heads were to be merged, but the map of shape {self.shape} has none")
        self.how = how
        self.shape = (*self.shape[:-3], 1, *self.shape[-2:])
        self.kind = f"{how} of {len(at[-2])} heads, {source.kind}"

    def heads(self, at: At) -> list[At]:
        """Return what to pick of the map beneath, for each of its heads."""
        every = self._every(at)
        return [(*every[:-2], every[-2][head : head + 1], every[-1]) for head in range(len(every[-2]))]

    def weights(self, at: At) -> Array:
        """Return the heads' rows, merged."""
        return self._mean(self.source.weights, at) if self.how == "mean" else self._extreme(at)

    def apply(self, at: At, w: Array) -> Array:
        """Return the mean of what the heads give."""
        if self._by_blocks:
            return super().apply(at, w)
        return self._mean(lambda head: self.source.apply(head, w), at)

    def apply_t(self, at: At, u: Array) -> Array:
        """Return the mean of what the heads give."""
        if self._by_blocks:
            return super().apply_t(at, u)
        parts = zip(self.heads(at), self._shares(at), strict=True)
        return reduce(add, (self.source.apply_t(head, u * share) for head, share in parts))

    @property
    def _by_blocks(self) -> bool:
        """Whether rows are formed anyway: then merged ones are multiplied once, not those of each head."""
        return self.how != "mean" or isinstance(self.source, Derived)

    def allowed(self, at: At) -> Array | None:
        """Return which keys these queries can see in any head."""
        every = self._every(at)
        first = self.source.allowed((*every[:-1], every[-1][:1]))
        if first is None or _is_shared(first, -3):
            return self.source.allowed(self.heads(at)[0])
        return reduce(or_, map(self.source.allowed, self.heads(at)))

    def query_valid(self, at: At) -> Array | None:
        """Return which queries are no padding in any head."""
        valid = self.source.query_valid(self._every(at))
        return valid if valid is None or _is_shared(valid, -2) else valid.any(-2)[..., None, :]

    def _every(self, at: At) -> At:
        mine = compose((*self.at[:-2], range(1), self.at[-1]), at)
        return (*mine[:-2], self.at[-2], mine[-1])

    def _mean(self, function: Callable[[At], Array], at: At) -> Array:
        parts = zip(self.heads(at), self._shares(at), strict=True)
        return reduce(add, (function(head) * share for head, share in parts))

    def _shares(self, at: At) -> list[Any]:
        """Return how much each head counts in the mean: a number, or broadcastable to (..., head, row, 1)."""
        taking, count = self._taking_part(at), len(self.at[-2])
        if taking is None:
            return [1 / count] * count
        share = self.xp.cast(taking, self.work) / taking.sum(-2)[..., None, :]
        return [share[..., head : head + 1, :, None] for head in range(count)]

    def _taking_part(self, at: At) -> Array | None:
        """Return which heads are merged for each query, (..., head, row); None: all of them."""
        valid = self.source.query_valid(self._every(at))
        if valid is None or _is_shared(valid, -2):
            return None
        return valid | ~valid.any(-2)[..., None, :]

    def _extreme(self, at: At) -> Array:
        taking = self._taking_part(at)
        none = self.xp.asarray(-np.inf if self.how == "max" else np.inf, self.work)
        found: Any = None
        for number, head in enumerate(self.heads(at)):
            rows = self.source.weights(head)
            if taking is not None:
                rows = self.xp.where(taking[..., number : number + 1, :, None], rows, none)
            found = rows if found is None else self._further(found, rows)
        return found

    def _further(self, one: Array, other: Array) -> Array:
        return self.xp.where(one > other if self.how == "max" else one < other, one, other)


def _is_shared(array: Array, axis: int) -> bool:
    """Tell whether what broadcasts to a map's rows is the same along one of their axes."""
    return array.ndim < -axis or int(array.shape[axis]) == 1
