"""AttentionMap: a map as an array, as a linear operator, and through its read-outs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import log
from typing import Any

from visualizer.attention import pooling, readouts
from visualizer.attention.arrays import Array, arrays_of
from visualizer.attention.blocks import Source
from visualizer.attention.dense import Dense, DenseSource
from visualizer.attention.derived import Logits, Merged, Product
from visualizer.attention.factors import Factors
from visualizer.attention.fused import FusedSource
from visualizer.attention.indices import At, compose, take, take_axis, whole
from visualizer.attention.lazy import LazyMap, View, whole_view
from visualizer.attention.softmax import FactorSource
from visualizer.attention.transposed import Transposed
from visualizer.errors import OptionError, ShapeError, TargetError


def open_source(source: Any, precision: str) -> Source:
    """Return what reads a kind of map."""
    if precision not in ("exact", "model"):
        raise OptionError(f'precision={precision!r} was asked for; it is "exact" or "model"')
    if isinstance(source, Factors):
        return _open_factors(source, exact=precision == "exact")
    if isinstance(source, Dense):
        return DenseSource(source)
    if isinstance(source, Source):
        return source
    raise TargetError(
        f"a map was to be made of a {type(source).__name__}: give Factors, Dense(array) or Stitched(blocks)"
    )


def _open_factors(factors: Factors, *, exact: bool) -> Source:
    """Choose the fused way where there is a kernel and the factors are no more than it takes."""
    dtype = arrays_of(factors.q).kernel_dtype(factors.q.dtype, exact=exact)
    if dtype is None or factors.score_mod is not None or factors.soft_cap:
        return FactorSource(factors, exact=exact)
    return FusedSource(factors, dtype, exact=exact)


class AttentionMap(LazyMap):
    """An attention map (..., head, query, key), lazy: held as factors, as an array, or as blocks of rows.

    It is an array (`shape`, indexing, `numpy.asarray`), a linear operator (``a @ w``, ``a.T @ u``) and a set
    of read-outs. Nothing of the size of the map is formed unless it is asked for. Results are torch tensors on
    the factors' device, or numpy arrays where the factors are; float32, or float64 for factors of float64.

    Parameters
    ----------
    source
        `Factors`, `Dense` or `Stitched`.
    budget
        How many bytes a request may take, such as "4GB"; half of what is free unless given.
    precision
        "exact": rows are formed in float64 (float32 on MPS), fused ways in float32. "model": in the factors'
        own dtype, faster and as inexact as the model.

    Raises
    ------
    TargetError
        If the source is none of those.
    OptionError
        If the precision is another word.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> q, k = rng.normal(size=(2, 1, 4, 100, 16))
    >>> a = AttentionMap(Factors(q, k, scale=0.25))
    >>> a.shape, a[0, 2].entropy().shape, a.pool(10).shape
    ((1, 4, 100, 100), (100,), (1, 4, 10, 10))
    """

    __array_priority__ = 1000

    def __init__(
        self,
        source: Factors | Dense | Source,
        view: View | None = None,
        budget: str | int | None = None,
        precision: str = "exact",
    ) -> None:
        opened = open_source(source, precision)
        super().__init__(opened, view or whole_view(opened), budget)
        self._precision = precision

    def _seen_as(self, view: View) -> AttentionMap:  # type: ignore[override]
        return AttentionMap(self._source, view, self._budget, self._precision)

    # -- operator --------------------------------------------------------------------------------------

    def __matmul__(self, w: Any) -> Array:
        """Return the map times ``w``: (..., query, column) for (..., key, column), (..., query) for (key,)."""
        operand, is_vector = self._operand(w, self._source.shape[-1], "key")
        found = self._by_rows("a @ w", lambda source, at: source.apply(at, operand))
        return found[..., 0] if is_vector else found

    @property
    def T(self) -> Transposed:  # noqa: N802  numpy's name
        """The transposed map: ``a.T @ u`` sums over queries."""
        return Transposed(self, self._apply_t)

    def _apply_t(self, u: Any) -> Array:
        self._need(-2, "a.T @ u")
        operand, is_vector = self._operand(u, len(self._view.at[-1]), "query")
        found = self._by_keys(lambda source, at: source.apply_t(at, operand), last=1)
        return found[..., 0] if is_vector else found

    def __mul__(self, other: Any) -> AttentionMap:
        """Return the map times an array or a map of its shape, cell by cell; lazy."""
        self._refuse_picked_keys("a * g")
        source, view = self._source, self._view
        if isinstance(other, AttentionMap):
            other._refuse_picked_keys("a * g")
            if other.shape != self.shape:
                raise ShapeError(f"maps of shape {self.shape} and {other.shape} were to be multiplied")
            theirs, mine = other._source, other._view.at
            if len(mine) != len(view.at) or other._view.dropped != view.dropped:
                return self * other._formed(None)
            made = Product(source, view.at, lambda at: theirs.weights(compose(mine, at)), theirs.tensors())
        else:
            array = source.xp.asarray(other)
            array = array.reshape(self._spread(array.shape, len(view.at) + 1))
            made = Product(source, view.at, lambda at: take(source.xp, array, at), [array])
        return AttentionMap(made, View(whole(made.shape[:-1]), view.keys, view.dropped), self._budget)

    __rmul__ = __mul__

    # -- parts -----------------------------------------------------------------------------------------

    @property
    def logits(self) -> LazyMap:
        """What the softmax was taken of, after soft cap, biases and masks; lazy as the map."""
        made = Logits(self._source, self._view.at)
        return LazyMap(made, View(whole(made.shape[:-1]), self._view.keys, self._view.dropped), self._budget)

    @property
    def rest(self) -> Array:
        """What each row lacks to 1, (..., query): what a sink or a softmax-plus-one took."""
        return self._by_rows("rest", lambda source, at: source.rest(at))

    @property
    def masked_rows(self) -> Array:
        """Which queries can see no key at all, (..., query): zeros, or uniform under a finite mask."""
        return self._by_rows("masked_rows", readouts.masked_rows)

    def heads(self, how: str = "mean") -> AttentionMap:
        """Return the heads merged into one: "mean", "max" or "min"; lazy, only the mean is an operator."""
        self._need(-3, "heads")
        made = Merged(self._source, self._view.at, how)
        return AttentionMap(
            made, View(whole(made.shape[:-1]), self._view.keys, self._view.dropped), self._budget
        )

    def row(self, query: int) -> Array:
        """Return the row of one query, (..., key)."""
        self._need(-2, "row")
        return self[..., query, :]._formed(None)

    def rows(self, queries: Any) -> Array:
        """Return the rows of some queries, (..., row, key): a list, a slice, or an int as a list of one."""
        self._need(-2, "rows")
        picked = [queries] if isinstance(queries, int) else queries
        return self[..., picked, :]._formed(None)

    # -- read-outs -------------------------------------------------------------------------------------

    def pool(self, h: int, w: int | None = None, *, how: str = "mean") -> Array:
        """Return (..., h, w): means or maxima over bins of queries and keys, of nearly equal size."""
        self._need(-2, "pool")
        bins = (h, h if w is None else w)
        return self._by_rows("pool", lambda source, at: pooling.pool(source, at, bins, how))

    def entropy(self, *, bits: bool = False) -> Array:
        """Return the entropy of each row, (..., query), in nats or bits."""
        found = self._by_rows("entropy", lambda source, at: source.entropy(at))
        return found / log(2) if bits else found

    def logsumexp(self) -> Array:
        """Return the logarithm of each row's denominator, (..., query)."""
        return self._by_rows("logsumexp", lambda source, at: source.lse(at))

    def received(self, *, how: str = "sum") -> Array:
        """Return what each key receives, (..., key): summed over queries, or meaned over those that see it."""
        return self._by_keys(lambda source, at: readouts.received(source, at, how))

    def mass(self, groups: Mapping[str, Any] | Sequence[Any]) -> Array:
        """Return the mass on groups of keys, (..., query, group): slices, indices or masks, named or not."""
        return self._by_rows("mass", lambda source, at: readouts.mass(source, at, groups))

    def topk(self, k: int) -> tuple[Array, Array]:
        """Return the k largest weights of each row and their keys, both (..., query, k), falling."""
        values, keys = self._by_rows("topk", lambda source, at: readouts.topk(source, at, k))
        return values, keys

    def argmax(self) -> Array:
        """Return the key with the largest weight of each row, (..., query)."""
        return self._by_rows("argmax", readouts.argmax)

    def quantile(self, p: Any) -> Array:
        """Return quantiles of each row's weights, (..., query), or (..., query, p) for several."""
        return self._by_rows("quantile", lambda source, at: readouts.quantile(source, at, p))

    def expected_position(self) -> Array:
        """Return the mean key of each row, (..., query), in keys; NaN for rows of zeros."""
        return self._by_rows("expected_position", readouts.expected_position)

    def opened(self) -> tuple[Source, At]:
        """Return what holds this map and what it picks of that: for what is made of maps.

        Raises
        ------
        ShapeError
            If columns were picked, or an axis was taken away by an int.
        """
        self._refuse_picked_keys("a part of a larger map")
        if self._view.dropped:
            raise ShapeError(
                f"a map with all its axes is wanted, but ints took some away: its shape is {self.shape}"
            )
        return self._source, self._view.at

    # -- beneath ---------------------------------------------------------------------------------------

    def _notes(self) -> list[str]:
        if self._view.keys != range(self._source.shape[-1]):
            return ["columns of it"]
        valid = self._source.query_valid(self._view.at)
        if valid is None or bool(valid.all()):
            return []
        queries = len(self._view.at[-1])
        count = int((~valid).sum()) * (queries if valid.shape[-1] == 1 else 1)
        return [f"{count} padded queries left out of sums and means over queries"]

    def _by_rows(self, name: str, function: Callable[[Source, At], Any]) -> Any:
        """Read something out of each row, and give it the axes and the dtype that a reader sees."""
        self._refuse_picked_keys(name)
        with self._source.xp.reading():
            found = function(self._source, self._view.at)
            parts = found if isinstance(found, tuple) else (found,)
            results = tuple(self._without_dropped(self._result(part), self._view.dropped) for part in parts)
        return results if isinstance(found, tuple) else results[0]

    def _by_keys(self, function: Callable[[Source, At], Array], last: int = 0) -> Array:
        """Read something out of each column."""
        view, axis = self._view, len(self._view.at) - 1
        with self._source.xp.reading():
            found = self._result(function(self._source, view.at))
            found = take_axis(self._source.xp, found, view.keys, axis)
        gone = {place for place in view.dropped if place < axis} | (
            {axis} if axis + 1 in view.dropped else set()
        )
        return self._without_dropped(found, frozenset(gone))

    def _result(self, array: Array) -> Array:
        return self._source.xp.cast(array, self.dtype) if self._source.xp.is_float(array) else array

    def _operand(self, value: Any, length: int, axis: str) -> tuple[Array, bool]:
        """Return an operand as (..., head, place, column) beside the source's axes, and whether it was a vector."""
        array = self._source.xp.asarray(value)
        is_vector = array.ndim == 1
        array = array[:, None] if is_vector else array
        if array.ndim < 2 or array.shape[-2] != length:
            raise ShapeError(
                f"a map of shape {self.shape} was to be multiplied by an array of shape {tuple(array.shape)}; "
                f"wanted is (..., {length}, column), a row for each {axis}"
            )
        leading = self._spread(array.shape[:-2], len(self._view.at) - 1)
        return array.reshape((*leading, *array.shape[-2:])), is_vector

    def _spread(self, lengths: Sequence[int], axes: int) -> list[int]:
        """Return lengths of the source's first axes for an array that fits what is seen of them."""
        kept, spread = self._view.kept(axes), [1] * axes
        if len(lengths) > len(kept):
            raise ShapeError(
                f"an array with {len(lengths)} axes before its last was given to a map of {self.shape}"
            )
        for place, length in zip(reversed(kept), reversed(lengths), strict=False):
            spread[place] = length
        return spread

    def _need(self, axis: int, name: str) -> None:
        if len(self._source.shape) + axis in self._view.dropped or len(self._source.shape) < -axis:
            missing = self._axis_name(len(self._source.shape) + axis)
            raise ShapeError(
                f"{name} was asked for of a map of shape {self.shape}, which has no {missing} axis"
            )

    def _refuse_picked_keys(self, name: str) -> None:
        if self._view.keys != range(self._source.shape[-1]):
            raise ShapeError(
                f"{name} was asked for of some columns of a map: a softmax row is read out whole; ask the map "
                f"itself, or for the mass on those keys: a.mass([keys])"
            )
