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

Array = Any
"""A torch tensor or a numpy array."""

Function = Callable[..., Any]

_FAR_BELOW = -1e8
"""Models mask with -1e9, or with the lowest number; a bias by distance stays above."""


class NumpyArrays:
    """What a map asks of numpy; `TorchArrays` has the same names."""

    device: Any = "cpu"
    float32: Any = np.float32
    float64: Any = np.float64
    int32: Any = np.int32
    boolean: Any = np.bool_

    broadcast: Function = staticmethod(np.broadcast_to)
    concat: Function = staticmethod(np.concatenate)
    where: Function = staticmethod(np.where)
    amax: Function = staticmethod(np.max)
    exp: Function = staticmethod(np.exp)
    log: Function = staticmethod(np.log)
    log1p: Function = staticmethod(np.log1p)
    tanh: Function = staticmethod(np.tanh)
    isfinite: Function = staticmethod(np.isfinite)
    bincount: Function = staticmethod(np.bincount)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Compute without warnings: infinities are masks here."""
        with reading(), np.errstate(all="ignore"):
            yield

    def asarray(self, value: Any, dtype: Any = None) -> Array:
        """Return ``value`` as an array of this library, copied only where it must be."""
        return np.asarray(self.as_numpy(value), dtype)

    def as_numpy(self, array: Array) -> Any:
        """Return an array of either library as numpy; bfloat16, which it lacks, as float32."""
        if not hasattr(array, "detach"):
            return np.asarray(array)
        array = array.detach().cpu()
        return (array.float() if str(array.dtype) == "torch.bfloat16" else array).numpy()

    def zeros(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """Return zeros."""
        return np.zeros(shape, dtype)

    def take(self, array: Array, numbers: Any, axis: int) -> Array:
        """Pick places of an axis, by a numpy array of integers."""
        return np.take(array, numbers, axis)

    def sort(self, array: Array) -> Array:
        """Sort the last axis, rising."""
        return np.sort(array)

    def cast(self, array: Array, dtype: Any) -> Array:
        """Return an array in another dtype; itself where it has it."""
        return array.astype(dtype, copy=False)

    def exact_dtype(self) -> Any:
        """Return the dtype that rows are formed in."""
        return np.float64

    def kernel_dtype(self, dtype: Any, *, exact: bool) -> Any:  # noqa: ARG002 - torch's needs them
        """Return the dtype in which a kernel that gives the log-sum-exp takes factors; None: no kernel."""
        return None

    def largest(self, array: Array, count: int) -> tuple[Array, Array]:
        """Return the ``count`` largest of the last axis, falling, and their places."""
        part = np.argpartition(array, array.shape[-1] - count, -1)[..., array.shape[-1] - count :]
        values = np.take_along_axis(array, part, -1)
        order = np.argsort(-values, -1, kind="stable")
        return np.take_along_axis(values, order, -1), np.take_along_axis(part, order, -1)

    def each_cell(self, function: Function, score: Array | None, *places: Array) -> Array:
        """Call flex attention's function of (score,) batch, head, query and key for all cells at once."""
        grid = np.ix_(*places)
        found = function(*grid) if score is None else function(score, *grid)
        return np.broadcast_to(found, tuple(map(len, places)))

    def lowest(self, dtype: Any) -> float:
        """Return the most negative finite number of a dtype."""
        return float(np.finfo(dtype).min)

    def hiding(self, dtype: Any) -> float:
        """Return what hides a key when it is added: half of the lowest, or what is far below any score."""
        return max(self.lowest(dtype) / 2, _FAR_BELOW)

    def is_float(self, array: Array) -> bool:
        """Tell whether an array holds floats."""
        return bool(np.issubdtype(array.dtype, np.floating))

    def is_real(self, dtype: Any) -> bool:
        """Tell whether a dtype is one of real numbers or booleans."""
        return bool(np.can_cast(dtype, np.float64, "same_kind"))

    def is_whole(self, dtype: Any) -> bool:
        """Tell whether a dtype is one of integers or booleans."""
        return bool(np.dtype(dtype).kind in "biu")

    def itemsize(self, dtype: Any) -> int:
        """Return the bytes of one number."""
        return int(np.dtype(dtype).itemsize)

    def storage(self, array: Array) -> tuple[int, int]:
        """Return the address and the bytes of the memory behind an array or a view."""
        base = array
        while getattr(base, "base", None) is not None:
            base = base.base
        if hasattr(base, "untyped_storage"):
            return memory_of(base)
        try:
            base = base if isinstance(base, np.ndarray) else np.frombuffer(base, np.uint8)
        except (TypeError, ValueError):  # no buffer, or an empty one
            base = array
        return int(base.__array_interface__["data"][0]), int(base.nbytes)

    def version(self, array: Array) -> int:  # noqa: ARG002 - torch's needs it
        """Return how often an array was changed in place: numpy does not count."""
        return 0

    def free_bytes(self) -> int:
        """Return the bytes that could be taken now."""
        return free_bytes()


NUMPY = NumpyArrays()


def arrays_of(array: Array) -> Any:
    """Return the library of an array, bound to the array's device.

    Raises
    ------
    TargetError
        If it is neither a numpy array nor a torch tensor.

    Examples
    --------
    >>> arrays_of(np.zeros(3)).device
    'cpu'
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


def alike(first: Array, other: Any) -> Any:
    """Return an array in the library of another, as it is where it is in that; None is None.

    Examples
    --------
    >>> alike(np.zeros(3), np.ones(2))
    array([1., 1.])
    """
    xp = arrays_of(first)
    if other is None or type(arrays_of(other)) is type(xp):
        return other
    return xp.asarray(other)


def memory_of(tensor: Any) -> tuple[int, int]:
    """Return the address and the bytes of the memory behind a tensor."""
    storage = tensor.untyped_storage()
    return storage.data_ptr(), storage.nbytes()
