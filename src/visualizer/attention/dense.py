"""Maps that are held as they are: recorded dense, or smaller than their factors."""

from __future__ import annotations

from dataclasses import dataclass

from visualizer.attention.arrays import Array, arrays_of
from visualizer.attention.blocks import Source
from visualizer.attention.changes import Watched
from visualizer.attention.given import check_array
from visualizer.attention.indices import At, take, valid_queries
from visualizer.attention.shapes import check_broadcast
from visualizer.errors import ShapeError, VisualizerError


@dataclass(frozen=True, eq=False)
class Dense(Watched):
    """A map that is held as an array.

    Parameters
    ----------
    array
        The map (..., head, query, key), at least (query, key): a torch tensor or a numpy array.
    rest
        What a sink took of each row, (..., head, query); 1 minus the row's sum unless given.
    logits
        What the softmax was taken of, in the map's shape.
    query_valid
        Booleans (..., query) or (..., head, query): False is padding.
    allowed
        Booleans that broadcast to (..., head, query, key): False where a query could not see a key.
    signed
        Whether its rows are no shares of one, but numbers of any sign, as a gradient's are.

    Raises
    ------
    ShapeError
        If shapes do not fit.
    TargetError
        If something is neither a numpy array nor a torch tensor, or holds no real numbers.

    Examples
    --------
    >>> import numpy as np
    >>> Dense(np.eye(3)).array.shape
    (3, 3)
    """

    array: Array
    rest: Array | None = None
    logits: Array | None = None
    query_valid: Array | None = None
    allowed: Array | None = None
    signed: bool = False

    def __post_init__(self) -> None:
        arrays_of(self.array)
        check_array("a map", self.array)
        for name in ("rest", "logits", "query_valid", "allowed"):
            if getattr(self, name) is not None:
                check_array(name, getattr(self, name))
        if self.array.ndim < 2:
            raise ShapeError(
                f"a map of shape {tuple(self.array.shape)} was given; wanted is (..., head, query, key)"
            )
        for name, shape in (("rest", self.array.shape[:-1]), ("logits", self.array.shape)):
            array = getattr(self, name)
            if array is not None and tuple(array.shape) != tuple(shape):
                raise ShapeError(f"{name} has shape {tuple(array.shape)}, but the map's is {tuple(shape)}")
        check_broadcast("query_valid", self.query_valid, tuple(self.array.shape[:-1]), self.array.shape)
        check_broadcast("allowed", self.allowed, tuple(self.array.shape), self.array.shape)
        self.count_changes()

    def tensors(self) -> list[Array]:
        """Return every array that is held."""
        held = (self.array, self.rest, self.logits, self.query_valid, self.allowed)
        return [array for array in held if array is not None]


class DenseSource(Source):
    """A map held as an array."""

    def __init__(self, dense: Dense) -> None:
        self.dense, self.signed = dense, dense.signed
        self.shape = tuple(dense.array.shape)
        self.xp = arrays_of(dense.array)
        own = dense.array.dtype
        self.work = self.xp.exact_dtype()
        self.dtype = own if own == self.xp.float64 else self.xp.float32

    def tensors(self) -> list[Array]:
        """Return every array that is held."""
        return self.dense.tensors()

    def check_unchanged(self) -> None:
        """Compare the arrays' version counters with those when they were given."""
        self.dense.check_unchanged()

    def weights(self, at: At) -> Array:
        """Return rows of the array."""
        return self.xp.cast(take(self.xp, self.dense.array, at, exact=True), self.work)

    def logits(self, at: At) -> Array:
        """Return the logits that were given."""
        if self.dense.logits is None:
            raise VisualizerError(
                "logits were asked for, but this map was recorded without them: np.log(np.asarray(a)) is the "
                "same up to one number for each row"
            )
        return self.xp.cast(take(self.xp, self.dense.logits, at, exact=True), self.work)

    def rest(self, at: At) -> Array:
        """Return what was given, or 1 minus the sums."""
        if self.dense.rest is None:
            return super().rest(at)
        return self.xp.cast(take(self.xp, self.dense.rest[..., None], at, exact=True), self.work)[..., 0]

    def allowed(self, at: At) -> Array | None:
        """Return which keys these queries could see."""
        if self.dense.allowed is None:
            return None
        return take(self.xp, self.xp.asarray(self.dense.allowed, self.xp.boolean), at)

    def query_valid(self, at: At) -> Array | None:
        """Return which queries are no padding."""
        return valid_queries(self.xp, self.dense.query_valid, at)
