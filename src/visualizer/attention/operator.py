"""The map as a linear operator, and maps made of it: its transpose, products, merged heads, logits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from visualizer.attention import readouts
from visualizer.attention.arrays import Array
from visualizer.attention.blocks import Source
from visualizer.attention.dense import Dense, DenseSource
from visualizer.attention.derived import Cells, Clipped, Logits, Part, Product
from visualizer.attention.given import as_numbers
from visualizer.attention.indices import At, is_whole, take_axis, with_axes
from visualizer.attention.lazy import LazyMap, View
from visualizer.attention.merged import Merged
from visualizer.attention.transposed import Transposed
from visualizer.errors import ShapeError, VisualizerError

if TYPE_CHECKING:
    from typing import Self


class Operator(LazyMap):
    """A lazy map that is applied without being formed."""

    def __matmul__(self, w: Any) -> Array:
        """Return the map times ``w``: (..., query, column) for (..., key, column), (..., query) for (key,).

        Error 1e-5 of the largest ``w``, by one pass of a fused kernel for up to d columns.

        Raises
        ------
        ShapeError
            If ``w`` has not a row for each key, or columns of the map were picked.
        TargetError
            If it is no array of real numbers.
        MemoryBudgetError
            If the result takes more than the budget.

        Examples
        --------
        >>> import numpy as np
        >>> from visualizer.attention import AttentionMap, Factors
        >>> a = AttentionMap(Factors(np.zeros((1, 3, 8)), np.zeros((1, 4, 8)), scale=1.0))
        >>> a @ np.arange(4.0)
        array([[1.5, 1.5, 1.5]])
        """
        operand, is_vector = self._operand(w, self._source.shape[-1], "key", "a @ w")
        self._check_rows("a @ w", operand.shape[-1])
        found = self._by_rows("a @ w", lambda source, at: source.apply(at, operand))
        return found[..., 0] if is_vector else found

    def __rmatmul__(self, u: Any) -> Array:
        """Return ``u`` (..., query) or (..., row, query) times the map."""
        u = as_numbers(self._source.xp, "u @ a", u)
        return self.T @ u if u.ndim < 2 else (self.T @ u.swapaxes(-1, -2)).swapaxes(-1, -2)

    @property
    def T(self) -> Transposed:  # noqa: N802  numpy's name
        """The transposed map: ``a.T @ u`` sums over queries, (..., key, column) for (..., query, column).

        All queries take part, padded ones too. Error 1e-5 of the largest ``u`` times what the key receives.
        """
        self._need(-2, "a.T")
        return Transposed(self, self._apply_t)

    def _apply_t(self, u: Any) -> Array:
        operand, is_vector = self._operand(u, len(self._view.at[-1]), "query", "a.T @ u")
        self._check_columns("a.T @ u", len(self._view.keys), operand.shape[-1])
        found = self._by_keys(lambda source, at: source.apply_t(at, operand))
        return found[..., 0] if is_vector else found

    def __mul__(self, other: Any) -> Self:
        """Return the map times an array or a map of its shape, cell by cell; lazy, rows by blocks.

        Raises
        ------
        ShapeError
            If shapes do not fit, or columns of the map were picked.
        TargetError
            If it is neither an array of real numbers nor a map.
        """
        at = self._whole_keys("a * g")
        if isinstance(other, Operator) and other._view.dropped == self._view.dropped:
            self._same_shape(other.shape)
            factor: Part | Cells = Part(other._source, other._whole_keys("a * g"))
        else:
            xp = self._source.xp
            array = as_numbers(xp, "a * g", other.array() if isinstance(other, LazyMap) else other)
            factor = Cells(xp, array.reshape(self._spread(array.shape, len(at) + 1)))
        product: Self = self._made(type(self), Product(self._source, at, factor))
        return product

    __rmul__ = __mul__

    def clip(self, low: float) -> Self:
        """Return the map, its weights below ``low`` raised to it; lazy, rows by blocks.

        What is positive of attention times its gradient is ``(a * gradient).clip(0)``.

        Raises
        ------
        ShapeError
            If columns of the map were picked.
        """
        clipped: Self = self._made(type(self), Clipped(self._source, self._whole_keys("a.clip"), low))
        return clipped

    @property
    def logits(self) -> LazyMap:
        """What the softmax was taken of, after soft cap, biases and masks (minus infinity); lazy as the map.

        Raises
        ------
        VisualizerError
            When it is read of a map that was recorded dense and without them, or made of maps.
        """
        logits: LazyMap = self._made(LazyMap, Logits(self._source, self._view.at))
        return logits

    def heads(self, how: str = "mean") -> Self:
        """Return the heads merged into one: their "mean", "max" or "min"; lazy, only the mean is an operator.

        Where a query is padding in some heads only, these take no part in its row; where it is in all, it is
        padding. A key can be seen where any head sees it.

        Raises
        ------
        OptionError
            If ``how`` is another word.
        ShapeError
            If the map has no head axis.

        Examples
        --------
        >>> import numpy as np
        >>> from visualizer.attention import AttentionMap, Dense
        >>> AttentionMap(Dense(np.stack([np.eye(2), np.ones((2, 2)) / 2]))).heads().numpy()
        array([[[0.75, 0.25],
                [0.25, 0.75]]])
        """
        self._need(-3, "heads")
        merged: Self = self._made(type(self), Merged(self._source, self._view.at, how))
        return merged

    def dense(self, budget: str | int | None = None) -> Self:
        """Return the same map held as an array, with its rest and what was masked; the factors are let go of.

        Raises
        ------
        MemoryBudgetError
            If it would take more than the budget.
        """
        at = self._whole_keys("a.dense()")
        self._check_budget(self.shape, budget)
        source, axes = self._source, frozenset[int]()
        with self._reading():
            array = LazyMap(source, view=View(at, self._view.keys, axes), budget=budget or self._budget)
            rest = source.xp.cast(source.rest(at), self.dtype)
            valid = source.query_valid(at)
            valid = None if valid is None else with_axes(valid, len(at))
            seen, signed = readouts.seen(source, at), source.signed
            made = Dense(array.array(budget), rest, query_valid=valid, allowed=seen, signed=signed)
        dense: Self = self._made(type(self), DenseSource(made))
        return dense

    @property
    def signed(self) -> bool:
        """Whether its rows are no shares of one, but numbers of any sign, as a gradient's are."""
        return self._source.signed

    def opened(self) -> tuple[Source, At]:
        """Return what holds this map and what it picks of that: for what is made of whole maps.

        Raises
        ------
        ShapeError
            If columns were picked, or an int took an axis away.
        """
        at = self._whole_keys("a part of a larger map")
        if self._view.dropped:
            raise ShapeError(f"a map with all its axes is wanted, but ints left this one {self.shape}")
        return self._source, at

    def _made(self, kind: type[Any], source: Source) -> Any:
        """Return a map made of this one, in which the same axes are gone and the same keys are seen."""
        view = View(View.of_all(source).at, self._view.keys, self._view.dropped)
        return kind(source, view=view, budget=self._budget)

    def _by_rows(self, name: str, function: Callable[[Source, At], Any]) -> Any:
        """Read something out of each row, and give it the axes and the dtype that a reader sees."""
        at = self._whole_keys(name)
        with self._reading():
            found = function(*self._source.narrowed(at))
            parts = found if isinstance(found, tuple) else (found,)
            results = tuple(self._without(self._view.dropped, self._result(part)) for part in parts)
        return results if isinstance(found, tuple) else results[0]

    def _by_keys(self, function: Callable[[Source, At], Array]) -> Array:
        """Read something out of each column: (..., head, key) with or without more axes."""
        view, axis = self._view, len(self._view.at) - 1
        if 0 in map(len, view.at):
            raise ShapeError(f"columns of a map of shape {self.shape} were to be summed, which has no rows")
        with self._reading():
            found = self._result(function(*self._source.narrowed(view.at)))
            found = take_axis(self._source.xp, found, view.keys, axis)
        key_is_gone = {axis} if axis + 1 in view.dropped else set()
        return self._without(frozenset({*range(axis)} & view.dropped | key_is_gone), found)

    def _check_rows(self, name: str, count: int, more: int = 0) -> None:
        """Raise an error if so many numbers for each row take more than the budget."""
        self._check_budget([*self._lengths(len(self._view.at)), count], what=name, more=more)

    def _check_columns(self, name: str, *lengths: int) -> None:
        """Raise an error if an array of some lengths for each head takes more than the budget."""
        self._check_budget([*self._lengths(len(self._view.at) - 1), *lengths], what=name)

    def _lengths(self, axes: int) -> list[int]:
        return [len(self._view.at[axis]) for axis in self._view.kept(axes)]

    def _result(self, array: Array) -> Array:
        return self._source.xp.cast(array, self.dtype) if self._source.xp.is_float(array) else array

    def _operand(self, value: Any, length: int, axis: str, name: str) -> tuple[Array, bool]:
        """Return an operand as (..., head, place, column) of the source, and whether it was a vector."""
        array = as_numbers(self._source.xp, name, value)
        is_vector = array.ndim == 1
        array = array[:, None] if is_vector else array
        if array.ndim < 2 or array.shape[-2] != length:
            raise ShapeError(
                f"a map of shape {self.shape} was to be multiplied by an array of {tuple(array.shape)}; "
                f"wanted is (..., {length}, column), a row for each {axis}"
            )
        leading = self._spread(array.shape[:-2], len(self._view.at) - 1)
        return array.reshape((*leading, *array.shape[-2:])), is_vector

    def _spread(self, lengths: Sequence[int], axes: int) -> list[int]:
        """Return lengths of the source's first axes for an array that broadcasts to what is seen of them."""
        kept, spread = self._view.kept(axes), [1] * axes
        for place, length in zip(reversed(kept), reversed(lengths), strict=False):
            spread[place] = length
        seen = [len(index) for index in (*self._view.at, self._view.keys)]
        fits = all(length in (1, seen[axis]) for axis, length in enumerate(spread))
        if len(lengths) > len(kept) or not fits:
            self._same_shape(tuple(lengths))
        return spread

    def _same_shape(self, shape: tuple[int, ...]) -> None:
        if shape != self.shape:
            raise ShapeError(f"an array with axes {shape} does not fit a map of shape {self.shape}")

    def _need_shares(self, name: str) -> None:
        if self._source.signed:
            raise VisualizerError(
                f"{name} was asked for of a gradient, or of its product with a map, whose rows are no shares "
                "of one: read its rows, received(), mass(), pool(), topk() or a product with a vector"
            )

    def _need(self, axis: int, name: str) -> None:
        place = len(self._source.shape) + axis
        if place < 0 or place in self._view.dropped:
            missing = {-2: "query", -3: "head"}[axis]
            raise ShapeError(
                f"{name} was asked for of a map of shape {self.shape}, which has no {missing} axis"
            )

    def _whole_keys(self, name: str) -> At:
        if not is_whole((self._view.keys,), self._source.shape[-1:]):
            raise ShapeError(
                f"{name} was asked for of some columns of a map, but a softmax row is read out whole: ask "
                "the map itself, or for the mass on those keys, a.mass([keys])"
            )
        if 0 in map(len, self._view.at):
            raise ShapeError(f"{name} was asked for of a map of shape {self.shape}, which has no rows")
        return self._view.at
