"""Maps made of maps, as lazy as these: logits, products cell by cell."""

from __future__ import annotations

from collections.abc import Callable

from visualizer.attention.arrays import Array
from visualizer.attention.blocks import Source
from visualizer.attention.indices import At, compose


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
