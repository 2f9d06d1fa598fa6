"""The plain way to everything: blocks of rows, formed and let go of. The reference of every fused way."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from visualizer.attention.arrays import Array
from visualizer.attention.indices import At, Box, blocks, take
from visualizer.errors import VisualizerError

BLOCK = 2**23
"""Bytes of rows that are formed at a time, their intermediate results included: few enough for a cache."""

COPIES = 2**28
"""Bytes that a fused way may take for copies of factors, masks and results of some heads or rows."""

FEWEST = 32  # rows at a time below which reading the keys costs more than forming the rows
PASSES = 4  # arrays as large as a block of rows that are alive at once while it is formed


def room(row: int) -> int:
    """Return how many bytes of rows are formed at a time, given those of one."""
    return max(BLOCK, min(FEWEST * row, COPIES))


class Source(ABC):
    """What holds a map: it gives rows, and applies the map as an operator.

    ``at`` picks from all axes but the key's, `Index` by `Index`; results have those axes in front.

    Attributes
    ----------
    shape
        (..., head, query, key)
    xp
        The library of its arrays.
    work, dtype
        The dtypes that rows are formed in and that results are given in.
    """

    shape: tuple[int, ...]
    xp: Any
    work: Any
    dtype: Any
    kind = "an array"
    signed = False  # whether its rows are no shares, as a gradient's are not
    narrow = 0  # how many columns `apply` reads by one pass of a kernel

    @property
    def sizes(self) -> Mapping[str, tuple[int, ...]]:
        """Shapes of what it is held as, such as q and k; nothing is read for them. Empty: not known."""
        return {}

    def narrowed(self, at: At) -> tuple[Source, At]:
        """Return what holds these places at least, and where in it they are: less where less can be read."""
        return self, at

    @property
    def quick(self) -> Source:
        """The same map, its rows formed in float32 where that is faster and within 1e-5."""
        return self

    @abstractmethod
    def check_unchanged(self) -> None:
        """Raise an error if what is held was changed since the call, where that can be told."""

    @abstractmethod
    def weights(self, at: At) -> Array:
        """Return rows (..., head, row, key) of the map in the dtype that they are formed in."""

    @abstractmethod
    def tensors(self) -> list[Array]:
        """Return every array that is held."""

    def logits(self, at: At) -> Array:  # noqa: ARG002
        """Return what the softmax was taken of; minus infinity where masked."""
        raise VisualizerError(
            f"logits were asked for of a map that is held as {self.kind}, which has none: ask the maps that "
            "it is made of, a.logits before heads() or a product"
        )

    def allowed(self, at: At) -> Array | None:  # noqa: ARG002
        """Return which keys these queries can see, broadcastable to the rows; None: all."""
        return None

    def query_valid(self, at: At) -> Array | None:  # noqa: ARG002
        """Return which queries are no padding, broadcastable to (..., head, row); None: all."""
        return None

    def rows(self, at: At, function: Callable[[Array, Box], Any]) -> Any:
        """Join what ``function(weights, places)`` makes of blocks of rows; it may return several arrays."""
        return self.join(at, lambda part, places: function(self.weights(part), places))

    def join(self, at: At, function: Callable[[At, Box], Any]) -> Any:
        """Join what ``function`` makes of parts of ``at``, and where in it these lie."""
        outs: list[Array] = []
        single = False
        for places, part in self.parts(at):
            found = function(part, places)
            single = not isinstance(found, tuple)
            results = (found,) if single else found
            outs = outs or [_like(self.xp, result, at) for result in results]
            for out, result in zip(outs, results, strict=True):
                out[places] = result
        return outs[0] if single else tuple(outs)

    def parts(self, at: At) -> Iterator[tuple[Box, At]]:
        """Cut ``at`` so that the rows of each part fit the block."""
        row = self.shape[-1] * 8 * PASSES
        yield from blocks(at, row, room(row))

    def apply(self, at: At, w: Array) -> Array:
        """Return the map times ``w`` (..., key, column)."""
        out = self._zeros(at, len(at[-1]), w.shape[-1])
        for places, part in self.parts(at):
            out[places] = self.weights(part) @ self._of(w, places, self.shape[-1])
        return out

    def apply_t(self, at: At, u: Array) -> Array:
        """Return the transposed map times ``u`` (..., query, column)."""
        out = self._zeros(at, self.shape[-1], u.shape[-1])
        for places, part in self.parts(at):
            mine = self._of(u, places, len(at[-1]))[..., places[-1], :]
            out[places[:-1]] += self.weights(part).swapaxes(-1, -2) @ mine
        return out

    def received(self, at: At, share: Array) -> Array:
        """Return the sum over queries, each times its ``share`` (..., query)."""
        return self.apply_t(at, share[..., None])[..., 0]

    def entropy(self, at: At) -> Array:
        """Return the entropy of each row in nats."""
        return self.rows(at, lambda weights, _part: entropy_of(self.xp, weights))

    def lse(self, at: At) -> Array:  # noqa: ARG002
        """Return the logarithm of each row's denominator."""
        raise VisualizerError(
            f"the log-sum-exp was asked for of a map that is held as {self.kind}: only factors have one"
        )

    def rest(self, at: At) -> Array:
        """Return what each row lacks to 1."""
        return self.rows(at, lambda weights, _part: 1 - weights.sum(-1))

    def _zeros(self, at: At, *last: int) -> Array:
        return self.xp.zeros((*(len(index) for index in at[:-1]), *last), self.work)

    def _of(self, w: Array, places: tuple[slice, ...], length: int) -> Array:
        """Return the part of an operand for some of the leading axes, in the dtype of the rows."""
        leading = tuple(range(place.start, place.stop) for place in places[:-1])
        return self.xp.cast(take(self.xp, w, (*leading, range(length))), self.work)


def entropy_of(xp: Any, weights: Array) -> Array:
    """Return the entropy of rows in nats; 0 log 0 is 0."""
    return -(weights * xp.log(xp.where(weights > 0, weights, xp.asarray(1.0, weights.dtype)))).sum(-1)


def _like(xp: Any, result: Array, at: At) -> Array:
    return xp.zeros((*(len(index) for index in at), *result.shape[len(at) :]), result.dtype)
