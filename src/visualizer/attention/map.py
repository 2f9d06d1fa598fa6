"""AttentionMap: a map as an array, as a linear operator, and through its read-outs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import log
from typing import Any

from visualizer.attention import pooling, readouts
from visualizer.attention.arrays import Array, arrays_of
from visualizer.attention.blocks import Source
from visualizer.attention.dense import Dense, DenseSource
from visualizer.attention.factors import Factors
from visualizer.attention.fused import FusedSource
from visualizer.attention.given import as_count
from visualizer.attention.indices import At, is_int
from visualizer.attention.lazy import View
from visualizer.attention.operator import Operator
from visualizer.attention.softmax import FactorSource
from visualizer.errors import OptionError, TargetError


class AttentionMap(Operator):
    """An attention map (..., head, query, key), lazy: held as factors, as an array, or as blocks of rows.

    It is an array (`shape`, indexing, `numpy.asarray`), a linear operator (``a @ w``, ``a.T @ u``) and a set
    of read-outs, whose axes are written without those that an int took away. Nothing as large as the map is
    formed unless it is asked for. Results are torch tensors on the factors' device, or numpy arrays where the
    factors are; float32, or float64 for factors of float64. Rows sum to at most 1: `rest` is what they lack.

    Parameters
    ----------
    source
        `Factors`, `Dense`, `LowRank` or `Stitched`.
    budget
        How many bytes the map as an array or another result may take, such as "4GB"; half of what is free
        unless given.
    precision
        "exact": rows are formed in float64 (MPS: float32), fused ways work in float32. "model": all in the
        factors' own dtype, faster and as inexact as the model.
    view
        What is looked at of the source; everything unless given.

    Raises
    ------
    TargetError
        If the source is none of those.
    OptionError
        If the precision is another word, or the budget is no size.

    Examples
    --------
    >>> import numpy as np
    >>> q, k = np.random.default_rng(0).normal(size=(2, 1, 4, 100, 16)).astype(np.float32)
    >>> a = AttentionMap(Factors(q, k, scale=0.25))
    >>> a
    <AttentionMap (1, 4, 100, 100) float32, held as factors, 51.2 kB, 160.0 kB dense>
    >>> a[0, 2].entropy().shape, a.pool(10).shape, a.received().sum()
    ((100,), (1, 4, 10, 10), np.float32(400.0))
    """

    def __init__(
        self,
        source: Factors | Dense | Source,
        *,
        budget: str | int | None = None,
        precision: str = "exact",
        view: View | None = None,
    ) -> None:
        super().__init__(open_source(source, precision), budget=budget, view=view)

    @property
    def rest(self) -> Array:
        """What each row lacks to 1, (..., query) in [0, 1]: what sinks or a softmax-plus-one took.

        Rows that are masked as a whole are zeros and lack all of it. Rows that are no shares, those of
        products, outer products and the maximum of heads, may sum to more than 1: then it is below 0.
        """
        self._need_shares("rest")
        return self._by_rows("rest", lambda source, at: source.rest(at))

    @property
    def masked_rows(self) -> Array:
        """Which queries can see no key at all, booleans (..., query).

        Their rows are what the model's kernel gives: zeros for minus infinity, uniform for a finite minimum.
        """
        return self._by_rows("masked_rows", readouts.masked_rows)

    @property
    def valid(self) -> Array:
        """Which queries are no padding, booleans (..., query)."""
        return self._by_rows("valid", readouts.valid)

    @property
    def keys_seen(self) -> Array:
        """How many keys each query can see, (..., query), floats: all unless masked."""
        return self._by_rows("keys_seen", readouts.keys_seen)

    def read_rows(self, function: Callable[[Array, At], Any]) -> Any:
        """Return what a function makes of rows, given to it block by block, joined: (..., query, ...).

        Parameters
        ----------
        function
            Given a block of rows (..., row, key), all axes of the source there, and where along each axis of
            this map but the key's these lie, ranges, it returns an array (..., row, ...), or a tuple of some.
            Rows are in float64 mostly, and of the library and on the device of what the map is held as.

        Examples
        --------
        >>> import numpy as np
        >>> a = AttentionMap(Dense(np.eye(3)[None, None]))
        >>> a.read_rows(lambda rows, at: rows[..., 0])
        array([[[1., 0., 0.]]])
        """
        kept = self._view.kept(len(self._view.at))

        def read(source: Source, at: At) -> Any:
            lengths = [range(len(index)) for index in at]
            return source.rows(
                at, lambda rows, places: function(rows, tuple(lengths[axis][places[axis]] for axis in kept))
            )

        return self._by_rows("read_rows", read)

    def row(self, query: int) -> Array:
        """Return the row of one query, (..., key).

        Raises
        ------
        ShapeError
            If there is no such query.
        """
        self._need(-2, "row")
        return self[..., query, :].array()

    def rows(self, queries: Any) -> Array:
        """Return the rows of some queries, (..., row, key): a list, a slice, or an int for a list of one.

        Raises
        ------
        ShapeError
            If there is no such query.
        MemoryBudgetError
            If they take more than the budget.
        """
        self._need(-2, "rows")
        found = self[..., queries, :].array()
        return found[..., None, :] if is_int(queries) else found

    def pool(self, h: int, w: int | None = None, *, how: str = "mean") -> Array:
        """Return (..., h, w): means or maxima over bins of queries and keys; ``w`` is ``h`` unless given.

        Bin i of n holds places ``i * N // n`` to ``(i + 1) * N // n``, so that sizes differ by one at most.
        Padded queries are left out; a bin of nothing else is NaN. Error 1e-5.

        Raises
        ------
        OptionError
            If there are fewer places than bins, they are no whole numbers, or ``how`` is neither "mean" nor
            "max".
        ShapeError
            If the query axis is gone, or columns were picked.

        Examples
        --------
        >>> import numpy as np
        >>> AttentionMap(Dense(np.eye(4))).pool(2)
        array([[0.5, 0. ],
               [0. , 0.5]])
        """
        self._need(-2, "pool")
        counts = (h, h if w is None else w)
        bins = tuple(as_count(count, "pool", "a.pool(16) or a.pool(16, 8)") for count in counts)
        self._check_columns("a.pool", *bins)
        return self._by_rows("pool", lambda source, at: pooling.pool(source, at, bins, how))

    def entropy(self, *, bits: bool = False) -> Array:
        """Return the entropy of each row, (..., query): −Σ a log a in nats, 0 to log N, or in bits.

        It is that of the keys alone where a sink took part. Error 1e-5.

        Examples
        --------
        >>> import numpy as np
        >>> AttentionMap(Dense(np.full((1, 8), 1 / 8))).entropy(bits=True)
        array([3.])
        """
        self._need_shares("entropy")
        found = self._by_rows("entropy", lambda source, at: source.entropy(at))
        return found / log(2) if bits else found

    def logsumexp(self) -> Array:
        """Return the logarithm of each row's denominator, (..., query), sinks included; error 1e-5.

        Raises
        ------
        VisualizerError
            If the map is not held as factors.
        """
        return self._by_rows("logsumexp", lambda source, at: source.lse(at))

    def received(self, *, how: str = "sum") -> Array:
        """Return what each key receives, (..., key): the sum, or the mean over the queries that can see it.

        Or the ``"count"`` of these queries. Padded ones are left out. The mean of a key that no query can see
        is 0. Error 1e-5 of itself.

        Raises
        ------
        OptionError
            If ``how`` is none of "sum", "mean" and "count".

        Examples
        --------
        >>> import numpy as np
        >>> from visualizer.attention import Band
        >>> nothing = np.zeros((1, 4, 1))
        >>> AttentionMap(Factors(nothing, nothing, 1.0, band=Band())).received(how="mean").round(2)
        array([[0.52, 0.36, 0.29, 0.25]])
        """
        return self._by_keys(lambda source, at: readouts.received(source, at, how))

    def mass(self, groups: Mapping[str, Any] | Sequence[Any]) -> Array:
        """Return the mass on groups of keys, (..., query, group) in [0, 1], in the order of ``groups``.

        Parameters
        ----------
        groups
            Slices, ints, lists of ints, or a bool for each key; named (a dict) or not. Error 1e-5.

        Raises
        ------
        OptionError
            If it is a single group, or none.
        ShapeError
            If there are no groups, or a group has keys that are not there.

        Examples
        --------
        >>> import numpy as np
        >>> AttentionMap(Dense(np.array([[0.5, 0.25, 0.25]]))).mass({"first": 0, "others": slice(1, None)})
        array([[0.5, 0.5]])
        """
        parts = readouts.parts_of(groups)
        self._check_rows("a.mass", len(parts))
        return self._by_rows("mass", lambda source, at: readouts.mass(source, at, parts))

    def topk(self, k: int) -> tuple[Array, Array]:
        """Return the ``k`` largest weights of each row, falling, and their keys, both (..., query, k).

        Raises
        ------
        OptionError
            If there are fewer keys, or ``k`` is no whole number.

        Examples
        --------
        >>> import numpy as np
        >>> AttentionMap(Dense(np.array([[0.1, 0.6, 0.3]]))).topk(2)
        (array([[0.6, 0.3]]), array([[1, 2]]))
        """
        count = as_count(k, "topk", "a.topk(8)")
        self._check_rows("a.topk", count, more=8)
        values, keys = self._by_rows("topk", lambda source, at: readouts.topk(source, at, count))
        return values, keys

    def argmax(self) -> Array:
        """Return the key with the largest weight of each row, integers (..., query).

        Raises
        ------
        ShapeError
            If there are no keys.
        """
        return self._by_rows("argmax", readouts.argmax)

    def quantile(self, p: float | Sequence[float]) -> Array:
        """Return quantiles of the weights in each row, (..., query), or (..., query, p) for several ``p``.

        Linear interpolation, as `numpy.quantile`.

        Raises
        ------
        OptionError
            If ``p`` is not from 0 to 1.
        ShapeError
            If there are no keys.
        """
        levels = readouts.levels_of(p)
        self._check_rows("a.quantile", levels.size)
        return self._by_rows("quantile", lambda source, at: readouts.quantile(source, at, levels))

    def expected_position(self) -> Array:
        """Return the mean key of each row, Σ a j / Σ a, (..., query) in [0, N − 1]; NaN for rows of zeros.

        Error 1e-5 of N.
        """
        self._need_shares("expected_position")
        return self._by_rows("expected_position", readouts.expected_position)

    def to_xarray(self) -> Any:
        """Return the map as an `xarray.DataArray` of axes "batch", "head", "query" and "key", formed.

        Coordinates are the places that are seen of it; `Run.to_xarray` adds what the tokens are.

        Raises
        ------
        MissingExtraError
            If xarray is not installed.
        """
        from visualizer.store import map_to_xarray

        return map_to_xarray(self)

    def _notes(self) -> list[str]:
        valid = self._source.query_valid(self._view.at)
        hidden = 0 if valid is None else int((~valid).sum())
        notes = [f"{hidden} padded queries left out"] if hidden else []
        return notes + (["some of its columns"] if len(self._view.keys) < self._source.shape[-1] else [])


def open_source(source: Any, precision: str) -> Source:
    """Return what reads a kind of map.

    Raises
    ------
    TargetError
        If it is no such kind.
    OptionError
        If the precision is neither "exact" nor "model".
    """
    if precision not in ("exact", "model"):
        raise OptionError(f'precision={precision!r} was asked for; it is "exact" or "model"')
    if isinstance(source, Factors):
        return _open_factors(source, exact=precision == "exact")
    if isinstance(source, Dense):
        return DenseSource(source)
    if isinstance(source, Source):
        return source
    raise TargetError(
        f"a map was to be made of a {type(source).__name__}: give Factors, Dense(array), LowRank or Stitched"
    )


def _open_factors(factors: Factors, *, exact: bool) -> Source:
    """Choose the fused way where there is a kernel that does what the factors ask for."""
    dtype = arrays_of(factors.q).kernel_dtype(factors.q.dtype, exact=exact)
    empty = 0 in (*factors.q.shape, *factors.k.shape)
    if dtype is None or empty or factors.score_mod is not None or factors.soft_cap:
        return FactorSource(factors, exact=exact)
    return FusedSource(factors, dtype, exact=exact)
