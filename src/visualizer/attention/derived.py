"""Maps made of maps, as lazy as these: logits, products cell by cell, what is positive of them."""

from __future__ import annotations

from typing import Any

from visualizer.attention.arrays import Array
from visualizer.attention.blocks import Source
from visualizer.attention.changes import Watched
from visualizer.attention.indices import At, compose, take


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


class Part(Derived):
    """What is picked of a map, in its place."""

    def weights(self, at: At) -> Array:
        """Return rows of what was picked."""
        return self.source.weights(compose(self.at, at))


class Clipped(Derived):
    """A map, its weights below a number raised to it."""

    def __init__(self, source: Source, at: At, low: float) -> None:
        super().__init__(source, at)
        self.low = low
        self.kind = f"{source.kind} from {low:g} up"

    def weights(self, at: At) -> Array:
        """Return rows, raised."""
        return self.source.weights(compose(self.at, at)).clip(self.low)


class Cells(Watched):
    """An array (..., head, query, key) that is broadcast to a map's shape."""

    signed = False

    def __init__(self, xp: Any, array: Array) -> None:
        self.xp, self.array = xp, array
        self.count_changes()

    def tensors(self) -> list[Array]:
        """Return the array."""
        return [self.array]

    def weights(self, at: At) -> Array:
        """Return its cells, broadcastable to rows."""
        return take(self.xp, self.array, at)


class Product(Derived):
    """A map times an array or another map of its shape, cell by cell."""

    def __init__(self, source: Source, at: At, other: Part | Cells) -> None:
        super().__init__(source, at)
        self.signed |= other.signed
        self.other = other
        self.kind = f"{source.kind} times another"

    def check_unchanged(self) -> None:
        """Ask both."""
        super().check_unchanged()
        self.other.check_unchanged()

    def tensors(self) -> list[Array]:
        """Return what both hold."""
        return [*super().tensors(), *self.other.tensors()]

    def weights(self, at: At) -> Array:
        """Return the product of rows."""
        return self.source.weights(compose(self.at, at)) * self.xp.asarray(self.other.weights(at), self.work)
