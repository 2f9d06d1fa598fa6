"""The array face of a map that is never formed unasked: shape, indexing, and the whole within a budget."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from visualizer.attention.arrays import NUMPY, Array, arrays_of
from visualizer.attention.blocks import Source
from visualizer.attention.indices import At, Box, Index, full_key, is_int, pick, take_axis, whole
from visualizer.copying import OnlyCopied
from visualizer.errors import MemoryBudgetError, TargetError, require
from visualizer.memory import format_bytes, parse_bytes

if TYPE_CHECKING:
    from typing import Self

SMALL = 2**20
"""Bytes that are not compared with what is free: to ask for that takes longer than to read them out."""


@dataclass(frozen=True)
class View:
    """What is looked at of a source: places of its axes, of its keys, and the axes that an int took away."""

    at: At
    keys: Index
    dropped: frozenset[int] = frozenset()

    @classmethod
    def of_all(cls, source: Source) -> View:
        """Return the view of everything."""
        return cls(whole(source.shape[:-1]), range(source.shape[-1]))

    def kept(self, axes: int) -> list[int]:
        """Return which of the first ``axes`` axes are still there."""
        return [axis for axis in range(axes) if axis not in self.dropped]


class LazyMap(OnlyCopied):
    """An array (..., head, query, key) that is held as something smaller and computed by blocks of rows.

    Indexing gives another of these: places of batch, head and query narrow the factors, places of keys pick
    columns of the unchanged softmax. It takes ints, slices, an ellipsis and lists of ints or bools, each axis
    on its own (as `numpy.ix_` does).

    Parameters
    ----------
    source
        What gives rows.
    view
        What is looked at of it; everything unless given.
    budget
        How many bytes a result may take, such as "4GB"; half of what is free unless given.

    Examples
    --------
    >>> import numpy as np
    >>> from visualizer.attention import AttentionMap, Factors
    >>> logits = AttentionMap(Factors(np.eye(4)[None], np.eye(4)[None], scale=2.0)).logits
    >>> np.asarray(logits[0, 1, :3])
    array([0., 2., 0.])
    """

    __array_priority__ = 1000  # numpy leaves `array * a` and `array @ a` to this class

    def __init__(self, source: Source, *, view: View | None = None, budget: str | int | None = None) -> None:
        self._source = source
        self._view = view or View.of_all(source)
        self._budget = None if budget is None else parse_bytes(budget)

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        lengths = [len(index) for index in (*self._view.at, self._view.keys)]
        return tuple(lengths[axis] for axis in self._view.kept(len(lengths)))

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def axis_names(self) -> tuple[str, ...]:
        """What the axes are: "batch", "head", "query", "key", without those that an int took away."""
        return tuple(self._axis_name(axis) for axis in self._view.kept(len(self._source.shape)))

    @property
    def dtype(self) -> Any:
        """Dtype of results: float32, or float64 for factors of float64; a dtype of their library."""
        return self._source.dtype

    @property
    def device(self) -> Any:
        """Where the factors are and results will be; "cpu" for numpy."""
        return self._source.xp.device

    @property
    def nbytes(self) -> int:
        """Bytes that are held, memory that several factors share counted once; a view holds its whole."""
        return sum(self.storages().values())

    def storages(self) -> dict[int, int]:
        """Return the bytes of each piece of memory that is held, by its address: maps may share them."""
        return dict(arrays_of(array).storage(array) for array in self._source.tensors())

    @property
    def nbytes_dense(self) -> int:
        """Bytes that this map would take as an array."""
        return prod(self.shape) * int(self._source.xp.itemsize(self.dtype))

    def __len__(self) -> int:
        if not self.shape:
            raise TargetError("a map without axes has no length: float(a) is its number, a.tensor() a tensor")
        return self.shape[0]

    def __iter__(self) -> Iterator[Self]:
        return (self[place] for place in range(len(self)))

    def __getitem__(self, key: Any) -> Self:
        """Return what is seen of the map, as lazy as the map.

        Raises
        ------
        ShapeError
            If there is no such place or axis.
        """
        picked, dropped = [*self._view.at, self._view.keys], set(self._view.dropped)
        for axis, part in zip(self._view.kept(len(picked)), full_key(key, self.shape), strict=True):
            picked[axis] = pick(picked[axis], part, self._axis_name(axis))
            dropped |= {axis} if is_int(part) else set()
        view = View(tuple(picked[:-1]), picked[-1], frozenset(dropped))
        return type(self)(self._source, view=view, budget=self._budget)

    def array(self, budget: str | int | None = None) -> Array:
        """Return the map as an array of the factors' kind, on their device.

        Parameters
        ----------
        budget
            How many bytes it may take, such as "4GB"; the map's own budget unless given.

        Raises
        ------
        MemoryBudgetError
            If it would take more.
        VisualizerError
            If an array that it is made of was changed in place since the call.
        """
        self._check_budget(self.shape, budget)
        source, view, last = self._source, self._view, len(self._source.shape) - 1

        def columns(weights: Array, _places: Box) -> Array:
            return source.xp.cast(take_axis(source.xp, weights, view.keys, last), self.dtype)

        if 0 in self.shape:
            return source.xp.zeros(self.shape, self.dtype)
        with self._reading():
            return self._without(view.dropped, source.rows(view.at, columns))

    def tensor(self, budget: str | int | None = None) -> Any:
        """Return the map as a torch tensor; the rest is as for `array`.

        Raises
        ------
        MissingExtraError
            If torch is not installed.
        """
        array = self.array(budget)
        return require("torch", "torch", "A tensor").from_numpy(array) if self._source.xp is NUMPY else array

    def numpy(self, budget: str | int | None = None) -> Any:
        """Return the map as a numpy array of float32 or float64; the rest is as for `array`.

        Examples
        --------
        >>> import numpy as np
        >>> from visualizer.attention import AttentionMap, Factors
        >>> AttentionMap(Factors(np.zeros((1, 2, 8)), np.zeros((1, 4, 8)), scale=1.0)).numpy()
        array([[[0.25, 0.25, 0.25, 0.25],
                [0.25, 0.25, 0.25, 0.25]]])
        """
        return self._source.xp.as_numpy(self.array(budget))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if copy is False:
            raise ValueError("a map is computed when its array is asked for: copy=False cannot be had")
        array = self.numpy()
        return array if dtype is None else array.astype(dtype, copy=False)

    def __dlpack__(self, **how: Any) -> Any:
        return self.array().__dlpack__(**how)

    def __dlpack_device__(self) -> Any:  # torch asks for it before it asks for the array
        return self._source.xp.zeros((0,), self.dtype).__dlpack_device__()

    def __float__(self) -> float:
        if self.shape:
            raise TargetError(f"a map of shape {self.shape} is no single number: pick one, a[0, 2, -1, 0]")
        return float(self.array())

    def __repr__(self) -> str:
        dtype = str(self.dtype).rpartition(".")[2].strip("<>'")
        held = f"held as {self._source.kind}, {format_bytes(self.nbytes)}"
        dense = f"{format_bytes(self.nbytes_dense)} dense"
        return f"<{', '.join([f'{type(self).__name__} {self.shape} {dtype}', held, dense, *self._notes()])}>"

    def _notes(self) -> list[str]:
        return []

    def _axis_name(self, axis: int) -> str:
        back = len(self._source.shape) - axis
        return {1: "key", 2: "query", 3: "head", 4: "batch"}.get(back, f"leading ({axis})")

    @contextmanager
    def _reading(self) -> Iterator[None]:
        self._source.check_unchanged()
        with self._source.xp.reading():
            yield

    def _check_budget(
        self, shape: Sequence[int], budget: str | int | None = None, *, what: str = "a map", more: int = 0
    ) -> None:
        """Raise an error if an array takes more than the budget; ``more`` bytes stand beside each number."""
        given = self._budget if budget is None else budget
        size = prod(shape) * (int(self._source.xp.itemsize(self.dtype)) + more)
        if given is None and size <= SMALL:
            return
        limit = self._source.xp.free_bytes() // 2 if given is None else parse_bytes(given)
        if size > limit:
            raise MemoryBudgetError(
                f"{what} of shape {tuple(shape)} takes {format_bytes(size)} as an array, but the budget is "
                f"{format_bytes(limit)}: index it (a[0, 2], a[..., -1, :]), pool it (a.pool(256)), "
                "read it out (a.received(), a.topk(8), a.mass(groups), a @ w), or give a larger budget="
            )

    def _without(self, axes: frozenset[int], array: Array) -> Array:
        """Take away axes of length 1 that ints left."""
        return array[tuple(0 if axis in axes else slice(None) for axis in range(array.ndim))]
