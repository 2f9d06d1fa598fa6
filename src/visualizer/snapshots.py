"""Copies of recorded values that later changes cannot reach.

No framework is imported: a value is known by the methods of its type (`detach`, `cpu`, `numpy`,
`__array__`). They are looked up on the type, never on the instance, so that an object which answers to
every name, as a tracing proxy does, is refused and not followed.

Limits: values that exist only while a program is being traced (jax tracers, fake tensors), tensors on the
meta device and device arrays without a way to the host (cupy) have no numpy form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from visualizer.memory import PLAIN


class NoCopyError(Exception):
    """A value holds a leaf that cannot be copied; the message names its type, and what went wrong."""

    def __init__(self, leaf: object, cause: Exception | None = None) -> None:
        kind = type(leaf)
        name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
        failed = f"could not be copied ({type(cause).__name__}: {cause})".replace("\n", " ")
        found = f"it holds a {name}, which {failed if cause else 'has no numpy form'}"
        super().__init__(f'{found}; keep="reference" keeps any object as it is')


def copy_as_numpy(value: object) -> Any:
    """Return a copy of ``value`` in which every array and tensor is a numpy array on the host.

    Lists, tuples and mappings of any class become plain lists, tuples and dicts of such copies. dtypes
    stay, but for those that numpy lacks: bfloat16 and float8 become float32, complex32 becomes complex64.
    Sparse and quantised tensors become dense, nested ones lists of arrays; conjugate and negative views
    are resolved. Strings, numbers and None stay as they are.

    Raises
    ------
    NoCopyError
        If a leaf has no numpy form.

    Examples
    --------
    >>> ones = np.ones(2)
    >>> copy = copy_as_numpy({"weights": (ones, None)})
    >>> ones[:] = 0
    >>> copy
    {'weights': (array([1., 1.]), None)}
    """
    return _copy(value, _as_numpy)


def copy_around_tensors(value: object) -> Any:
    """Return a copy of ``value`` whose tensors are the very objects, with their graph.

    Containers and numpy arrays are copied as by `copy_as_numpy`.

    Raises
    ------
    NoCopyError
        If a leaf is neither a tensor nor has a numpy form.
    """
    return _copy(value, lambda leaf: leaf if _is_tensor(leaf) else _as_numpy(leaf))


def keep_reference(value: object) -> Any:
    """Return ``value`` itself."""
    return value


COPIES = {"numpy": copy_as_numpy, "tensor": copy_around_tensors, "reference": keep_reference}
"""The choices of ``get_local.activate(keep=...)``."""


def _copy(value: object, copy_leaf: Callable[[Any], Any]) -> Any:
    try:
        return _copy_node(value, copy_leaf)
    except NoCopyError:
        raise
    except Exception as error:  # foreign code: whatever it raises, this value is the one
        raise NoCopyError(value, error) from error


def _copy_node(value: Any, copy_leaf: Callable[[Any], Any]) -> Any:
    if isinstance(value, PLAIN) and not isinstance(value, np.generic):
        return value
    if isinstance(value, Mapping):
        return {key: _copy(item, copy_leaf) for key, item in value.items()}
    if isinstance(value, list):
        return [_copy(item, copy_leaf) for item in value]
    if isinstance(value, tuple):
        return tuple(_copy(item, copy_leaf) for item in value)
    return copy_leaf(value)


def _as_numpy(leaf: Any) -> Any:
    kind = type(leaf)
    if all(hasattr(kind, method) for method in ("detach", "cpu", "numpy")):
        return _tensor_as_numpy(leaf)
    if isinstance(leaf, np.generic):
        return leaf.copy()
    if hasattr(kind, "__array__") or hasattr(kind, "__array_interface__") or _has_buffer(leaf):
        return _array_as_numpy(leaf)
    if hasattr(kind, "numpy"):
        return _array_as_numpy(leaf.numpy())
    raise NoCopyError(leaf)


def _is_tensor(leaf: object) -> bool:
    """Tell whether ``leaf`` is a framework's own array: one to hand out live."""
    kind = type(leaf)
    is_numpy = isinstance(leaf, np.ndarray | np.generic)
    return hasattr(kind, "detach") or (hasattr(kind, "__array__") and not is_numpy)


def _has_buffer(leaf: Any) -> bool:
    try:
        memoryview(leaf).release()
    except TypeError:
        return False
    return True


def _tensor_as_numpy(tensor: Any) -> Any:
    if getattr(tensor, "is_nested", False):
        return [_tensor_as_numpy(part) for part in tensor.detach().unbind()]
    host = _strided(tensor.detach()).cpu()
    for resolve in ("resolve_conj", "resolve_neg"):
        host = getattr(host, resolve)() if hasattr(type(host), resolve) else host
    array = _numpy_of(host)
    came_from_a_device = getattr(getattr(tensor, "device", None), "type", "cpu") != "cpu"
    return array if came_from_a_device else _array_as_numpy(array)  # on the CPU numpy() shares memory


def _strided(tensor: Any) -> Any:
    if getattr(tensor, "is_quantized", False):
        return tensor.dequantize()
    if str(getattr(tensor, "layout", "torch.strided")) != "torch.strided":
        return tensor.to_dense()
    return tensor


def _numpy_of(host: Any) -> Any:
    try:
        return host.numpy()
    except TypeError:  # a dtype that numpy lacks: bfloat16, the float8 family, complex32
        return (host.cfloat() if host.is_complex() else host.float()).numpy()


def _array_as_numpy(source: Any) -> Any:
    if isinstance(source, np.ma.MaskedArray):
        return source.copy()  # a plain array would show what is masked
    array = np.asarray(source).copy()
    if array.dtype == object:
        for index in np.ndindex(array.shape):
            array[index] = copy_as_numpy(array[index])
    return array.astype(_portable(array.dtype), copy=False)


def _portable(dtype: Any) -> Any:
    """Replace a dtype that only another package knows: ml_dtypes' bfloat16, float8, int4, as jax has them."""
    if dtype.isbuiltin != 2:  # 2: registered from outside
        return dtype
    return next(
        (np.dtype(wide) for short, wide in (("float", "f4"), ("int", "i1")) if short in dtype.name), dtype
    )
