"""The operations in which numpy and torch differ; what they share (`+`, `@`, `swapaxes`) is written plainly.

A library is found by the type of an array and never imported before: torch loads with the first tensor.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from visualizer.attention._reading import reading
from visualizer.errors import TargetError
from visualizer.memory import free_bytes

Array = Any  # a torch tensor or a numpy array


class NumpyArrays:
    """What a map asks of numpy."""

    name = "numpy"
    device = "cpu"
    float32: Any = np.float32
    float64: Any = np.float64
    boolean: Any = np.bool_
    integer: Any = np.int64

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Compute without warnings: infinities are masks here."""
        with reading(), np.errstate(all="ignore"):
            yield

    def asarray(self, value: Any, dtype: Any = None) -> Array:
        """Return ``value`` as an array of this library, copied only where it must be."""
        return np.asarray(self.as_numpy(value) if hasattr(value, "detach") else value, dtype)

    def as_numpy(self, array: Array) -> Any:
        """Return an array of this or the other library as numpy."""
        return array.detach().cpu().numpy() if hasattr(array, "detach") else np.asarray(array)

    def cast(self, array: Array, dtype: Any) -> Array:
        """Return an array in another dtype; itself where it has it."""
        return array.astype(dtype, copy=False)

    def exact_dtype(self, _dtype: Any) -> Any:
        """Return the dtype that rows are formed in."""
        return np.float64

    def zeros(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """Return zeros."""
        return np.zeros(shape, dtype)

    def arange(self, count: int, dtype: Any = None) -> Array:
        """Return 0, 1, ..."""
        return np.arange(count, dtype=dtype or np.int64)

    def take(self, array: Array, numbers: Any, axis: int) -> Array:
        """Pick places of an axis."""
        return np.take(array, numbers, axis)

    def broadcast(self, array: Array, shape: tuple[int, ...]) -> Array:
        """Return a view of another shape."""
        return np.broadcast_to(array, shape)

    def where(self, condition: Array, yes: Any, no: Any) -> Array:
        """Choose cell by cell."""
        return np.where(condition, yes, no)

    def exp(self, array: Array) -> Array:
        """Return e to the power of each cell."""
        return np.exp(array)

    def log(self, array: Array) -> Array:
        """Return natural logarithms."""
        return np.log(array)

    def logaddexp(self, one: Array, other: Array) -> Array:
        """Return the logarithm of a sum of powers of e."""
        return np.logaddexp(one, other)

    def tanh(self, array: Array) -> Array:
        """Return hyperbolic tangents."""
        return np.tanh(array)

    def isfinite(self, array: Array) -> Array:
        """Tell which cells are finite."""
        return np.isfinite(array)

    def amax(self, array: Array, axis: int) -> Array:
        """Return the largest along an axis."""
        return array.max(axis)

    def amin(self, array: Array, axis: int) -> Array:
        """Return the smallest along an axis."""
        return array.min(axis)

    def largest(self, array: Array, count: int) -> tuple[Array, Array]:
        """Return the ``count`` largest of the last axis, falling, and their places."""
        part = np.argpartition(array, array.shape[-1] - count, -1)[..., array.shape[-1] - count :]
        values = np.take_along_axis(array, part, -1)
        order = np.argsort(-values, -1, kind="stable")
        return np.take_along_axis(values, order, -1), np.take_along_axis(part, order, -1)

    def ordered(self, array: Array, places: list[int]) -> Array:
        """Return what would stand at some places of the last axis if that were sorted, rising."""
        return np.partition(array, places, -1)[..., places]

    def concat(self, arrays: list[Array], axis: int) -> Array:
        """Join arrays along an axis."""
        return np.concatenate(arrays, axis)

    def flip(self, array: Array, axis: int) -> Array:
        """Reverse an axis."""
        return np.flip(array, axis)

    def each_cell(self, function: Callable[..., Any], score: Array | None, *places: Array) -> Array:
        """Call flex attention's function of (score,) batch, head, query and key for all cells at once."""
        grid = np.ix_(*places)
        shape = tuple(map(len, places))
        return np.broadcast_to(function(*grid) if score is None else function(score, *grid), shape)

    def lowest(self, dtype: Any) -> float:
        """Return the most negative finite number of a dtype."""
        return float(np.finfo(dtype).min)

    def is_float(self, array: Array) -> bool:
        """Tell whether an array holds floats."""
        return bool(np.issubdtype(array.dtype, np.floating))

    def storage(self, array: Array) -> tuple[int, int]:
        """Return the identity and the bytes of the memory behind an array or a view."""
        while isinstance(array.base, np.ndarray):
            array = array.base
        return id(array), int(array.nbytes)

    def version(self, _array: Array) -> int:
        """Return how often an array was changed in place: numpy does not count."""
        return 0

    def free_bytes(self) -> int:
        """Return the bytes that could be taken now."""
        return free_bytes()

    def kernel_dtype(self, _dtype: Any, *, exact: bool) -> Any:  # noqa: ARG002 - torch's needs it
        """Return the dtype in which a fused kernel that gives the log-sum-exp takes factors; None: there is none."""
        return None


NUMPY = NumpyArrays()


def arrays_of(array: Array) -> Any:
    """Return the library of an array, bound to the array's device.

    Raises
    ------
    TargetError
        If it is neither a numpy array nor a torch tensor.

    Examples
    --------
    >>> arrays_of(np.zeros(3)).name
    'numpy'
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(array, torch.Tensor):
        from visualizer.attention.tensors import TorchArrays

        return TorchArrays(array.device)
    if isinstance(array, np.ndarray):
        return NUMPY
    raise TargetError(
        f"a map was to be made of a {type(array).__name__}: give torch tensors or numpy arrays (np.asarray)"
    )
