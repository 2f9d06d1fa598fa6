"""The array face of a map that is never formed unasked: shape, indexing, rows, and the whole within a budget."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any, TypeVar


from visualizer.attention.arrays import NUMPY, Array, arrays_of
from visualizer.attention.blocks import Source
from visualizer.attention.indices import At, Index, pick, take_axis, whole
from visualizer.errors import MemoryBudgetError, ShapeError, require
from visualizer.memory import format_bytes, parse_bytes

Self = TypeVar("Self", bound="LazyMap")


@dataclass(frozen=True)
class View:
    """What is looked at of a source: places of its axes, of its keys, and the axes that an int took away."""

    at: At
    keys: Index
    dropped: frozenset[int] = frozenset()

    def kept(self, axes: int) -> list[int]:
        """Return which of the first ``axes`` axes are still there."""
        return [axis for axis in range(axes) if axis not in self.dropped]


class LazyMap:
    """An array (..., head, query, key) that is held as something smaller and computed by blocks of rows.

    Indexing is lazy and gives another of these: slices of queries, heads and batch narrow the factors, keys
    pick columns of the unchanged softmax. Each axis is indexed on its own (as by `numpy.ix_`).
    """

    def __init__(self, source: Source, view: View, budget: str | int | None = None) -> None:
        self._source = source
        self._view = view
        self._budget = budget

    # -- what it is ------------------------------------------------------------------------------------

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
    def dtype(self) -> Any:
        """Dtype of results: float32, or float64 for factors of float64; a dtype of their library."""
        return self._source.dtype

    @property
    def device(self) -> Any:
        """Where the factors are and results will be; "cpu" for numpy."""
        return self._source.xp.device

    @property
    def nbytes(self) -> int:
        """Bytes that are held, memory that several factors share counted once; views count the whole."""
        return sum(self.storages().values())

    def storages(self) -> dict[int, int]:
        """Return the bytes of each piece of memory that is held, by its address: maps may share them."""
        return dict(_storages(self._source.tensors()))

    @property
    def nbytes_dense(self) -> int:
        """Bytes that this map would take as an array."""
        return prod(self.shape) * (8 if self.dtype == self._source.xp.float64 else 4)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a map without axes has no length")
        return self.shape[0]

    def __iter__(self: Self) -> Iterator[Self]:
        return (self[place] for place in range(len(self)))

    def __repr__(self) -> str:
        name = str(self.dtype).rpartition(".")[2].strip("<>'")
        held = f"held as {self._source.kind}, {format_bytes(self.nbytes)}"
        dense = f"{format_bytes(self.nbytes_dense)} dense"
        words = [f"{type(self).__name__} {self.shape} {name}", held, dense, *self._notes()]
        return f"<{', '.join(words)}>"

    def _notes(self) -> list[str]:
        return []

    # -- indexing --------------------------------------------------------------------------------------

    def __getitem__(self: Self, key: Any) -> Self:
        picked = [*self._view.at, self._view.keys]
        dropped = set(self._view.dropped)
        for axis, part in zip(self._view.kept(len(picked)), self._full_key(key), strict=True):
            picked[axis] = pick(picked[axis], part, self._axis_name(axis))
            dropped |= {axis} if _is_int(part) else set()
        return self._seen_as(View(tuple(picked[:-1]), picked[-1], frozenset(dropped)))

    def _full_key(self, key: Any) -> list[Any]:
        parts = list(key) if isinstance(key, tuple) else [key]
        dots = [number for number, part in enumerate(parts) if part is Ellipsis]
        missing = self.ndim - len(parts) + len(dots)
        if missing < 0 or len(dots) > 1 or any(part is None for part in parts):
            raise ShapeError(
                f"the index {key!r} does not fit a map of shape {self.shape}: give a slice, int or list for "
                "each axis, and at most one ellipsis"
            )
        at = dots[0] if dots else len(parts)
        return [*parts[:at], *[slice(None)] * missing, *parts[at + len(dots) :]]

    def _axis_name(self, axis: int) -> str:
        back = len(self._source.shape) - axis
        return {1: "key", 2: "query", 3: "head", 4: "batch"}.get(back, f"leading ({axis})")

    def _seen_as(self: Self, view: View) -> Self:
        return type(self)(self._source, view, self._budget)  # subclasses that need more override it

    # -- the whole -------------------------------------------------------------------------------------

    def tensor(self, budget: str | int | None = None) -> Any:
        """Return the map as a torch tensor on the factors' device.

        Parameters
        ----------
        budget
            How many bytes it may take, such as "4GB"; half of what is free unless given.

        Raises
        ------
        MemoryBudgetError
            If it would take more.
        MissingExtraError
            If torch is not installed.
        """
        array = self._formed(budget)
        if self._source.xp is not NUMPY:
            return array
        return require("torch", "torch", "A tensor").from_numpy(array)

    def numpy(self, budget: str | int | None = None) -> Any:
        """Return the map as a numpy array of float32 or float64; `tensor` says the rest."""
        return self._source.xp.as_numpy(self._formed(budget))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if copy is False:
            raise ValueError("a map that is held as factors has no array to share: copy=False cannot be had")
        array = self.numpy()
        return array if dtype is None else array.astype(dtype, copy=False)

    def __float__(self) -> float:
        if self.shape:
            raise TypeError(f"a map of shape {self.shape} is no single number: pick one")
        return float(self._formed(None))

    def _formed(self, budget: str | int | None) -> Array:
        self._check_budget(self.nbytes_dense, budget, "this map")
        source, view = self._source, self._view
        last = len(self._source.shape) - 1

        def rows(at: At) -> Array:
            return source.xp.cast(take_axis(source.xp, source.weights(at), view.keys, last), self.dtype)

        with source.xp.reading():
            return self._without_dropped(source.join(view.at, rows), view.dropped)

    def _check_budget(self, size: int, budget: str | int | None, what: str) -> None:
        given = budget if budget is not None else self._budget
        limit = parse_bytes(given) if given is not None else self._source.xp.free_bytes() // 2
        if size > limit:
            raise MemoryBudgetError(
                f"{what} of shape {self.shape} takes {format_bytes(size)}, the budget is {format_bytes(limit)}: "
                "index it first (a[0, 2], a[..., -1, :]), pool it (a.pool(256)), read it out (a.received(), "
                "a.topk(8), a.mass(groups), a @ w), or give a larger budget="
            )

    def _without_dropped(self, array: Array, dropped: frozenset[int]) -> Array:
        """Take away the axes of length 1 that ints left."""
        return array[tuple(0 if axis in dropped else slice(None) for axis in range(array.ndim))]


def whole_view(source: Source) -> View:
    """Return the view of everything."""
    return View(whole(source.shape[:-1]), range(source.shape[-1]))


def _storages(arrays: list[Array]) -> Iterator[tuple[int, int]]:
    return (arrays_of(array).storage(array) for array in arrays)


def _is_int(part: Any) -> bool:
    return (
        not isinstance(part, slice)
        and getattr(part, "ndim", int(isinstance(part, list | tuple | range))) == 0
    )
