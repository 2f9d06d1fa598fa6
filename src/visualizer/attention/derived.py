"""Maps made of maps, as lazy as these: logits, products cell by cell, heads merged, an outer product."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

from visualizer.attention.arrays import Array
from visualizer.attention.blocks import Source
from visualizer.attention.indices import At, compose
from visualizer.errors import OptionError


class Derived(Source):
    """A map made of part of another."""

    def __init__(self, source: Source, at: At) -> None:
        self.source, self.at = source, at
        self.shape = (*(len(index) for index in at), source.shape[-1])
        self.xp, self.work, self.dtype, self.kind = source.xp, source.work, source.dtype, source.kind
        self.signed = source.signed

    def check_unchanged(self) -> None:
        """Ask the map beneath."""
        self.source.check_unchanged()

    def tensors(self) -> list[Array]:
        """Return what the map beneath holds."""
        return self.source.tensors()

    def allowed(self, at: At) -> Array | None:
        """Ask the map beneath."""
        return self.source.allowed(compose(self.at, at))

    def query_valid(self, at: At) -> Array | None:
        """Ask the map beneath."""
        return self.source.query_valid(compose(self.at, at))


class Logits(Derived):
    """The logits of a map in the place of its weights."""

    def weights(self, at: At) -> Array:
        """Return the logits."""
        return self.source.logits(compose(self.at, at))


class Product(Derived):
    """A map times an array or another map of its shape, cell by cell."""

    def __init__(
        self, source: Source, at: At, other: Callable[[At], Array], held: list[Array], *, signed: bool = False
    ) -> None:
        super().__init__(source, at)
        self.signed |= signed
        self.other, self.held = other, held
        self.kind = f"{source.kind} times another"

    def tensors(self) -> list[Array]:
        """Return what both hold."""
        return [*super().tensors(), *self.held]

    def weights(self, at: At) -> Array:
        """Return the product of rows."""
        return self.source.weights(compose(self.at, at)) * self.xp.cast(self.other(at), self.work)


class Merged(Derived):
    """The mean, maximum or minimum over heads, as one head; only the mean is an operator."""

    def __init__(self, source: Source, at: At, how: str) -> None:
        super().__init__(source, at)
        if how not in ("mean", "max", "min"):
            raise OptionError(f'heads({how!r}) was asked for; it is "mean", "max" or "min"')
        self.how = how
        self.shape = (*self.shape[:-3], 1, *self.shape[-2:])
        self.kind = f"{how} of {len(at[-2])} heads, {source.kind}"

    def heads(self, at: At) -> list[At]:
        """Return what to pick of the map beneath, for each of its heads."""
        mine = compose((*self.at[:-2], range(1), self.at[-1]), at)
        count = len(self.at[-2])
        return [(*mine[:-2], self.at[-2][head : head + 1], mine[-1]) for head in range(count)]

    def weights(self, at: At) -> Array:
        """Return the heads' rows, merged."""
        return self._merge(self.source.weights, at)

    def apply(self, at: At, w: Array) -> Array:
        """Return the mean of what the heads give."""
        if self.how != "mean":
            return super().apply(at, w)
        return self._merge(lambda head: self.source.apply(head, w), at)

    def apply_t(self, at: At, u: Array) -> Array:
        """Return the mean of what the heads give."""
        if self.how != "mean":
            return super().apply_t(at, u)
        return self._merge(lambda head: self.source.apply_t(head, u), at)

    def allowed(self, at: At) -> Array | None:
        """Ask the map beneath."""
        return self.source.allowed(self.heads(at)[0])

    def query_valid(self, at: At) -> Array | None:
        """Ask the map beneath."""
        return self.source.query_valid(self.heads(at)[0])

    def _merge(self, function: Callable[[At], Array], at: At) -> Array:
        heads = self.heads(at)
        total = reduce(self._join, map(function, heads))
        return total / len(heads) if self.how == "mean" else total

    def _join(self, one: Array, other: Array) -> Array:
        if self.how == "mean":
            return one + other
        return self.xp.where(one > other if self.how == "max" else one < other, one, other)
