"""The same operations in torch, and its fused kernels: the one file of this package that imports torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from visualizer.attention._reading import reading
from visualizer.attention.arrays import Array, NumpyArrays
from visualizer.memory import free_bytes

HALVES = (torch.float16, torch.bfloat16)

# What scaled_dot_product_attention calls; only these give the log-sum-exp.
CPU_KERNEL = "_scaled_dot_product_flash_attention_for_cpu"
CUDA_KERNEL = "_scaled_dot_product_efficient_attention"


class TorchArrays(NumpyArrays):
    """What a map asks of torch, on one device."""

    name = "torch"
    float32 = torch.float32
    float64 = torch.float64
    boolean = torch.bool
    integer = torch.int64

    def __init__(self, device: Any) -> None:
        self.device = device

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Compute without gradients and without autocast, and seen by no recorder."""
        with reading(), torch.no_grad(), torch.autocast(self.device.type, enabled=False):
            yield

    def asarray(self, value: Any, dtype: Any = None) -> Array:
        if not isinstance(value, torch.Tensor):
            value = torch.from_numpy(np.array(value))
        return value.to(self.device, dtype)

    def as_numpy(self, array: Array) -> Any:
        array = array.detach().cpu()
        return (array.float() if array.dtype == torch.bfloat16 else array).numpy()

    def cast(self, array: Array, dtype: Any) -> Array:
        return array.to(dtype)

    def exact_dtype(self, _dtype: Any) -> Any:
        return torch.float32 if self.device.type == "mps" else torch.float64  # MPS has no float64

    def zeros(self, shape: tuple[int, ...], dtype: Any) -> Array:
        return torch.zeros(shape, dtype=dtype, device=self.device)

    def arange(self, count: int, dtype: Any = None) -> Array:
        return torch.arange(count, dtype=dtype or torch.int64, device=self.device)

    def take(self, array: Array, numbers: Any, axis: int) -> Array:
        return array.index_select(axis, torch.as_tensor(numbers, device=array.device))

    def broadcast(self, array: Array, shape: tuple[int, ...]) -> Array:
        return array.expand(shape)

    def where(self, condition: Array, yes: Any, no: Any) -> Array:
        return torch.where(condition, yes, no)

    def exp(self, array: Array) -> Array:
        return array.exp()

    def log(self, array: Array) -> Array:
        return array.log()

    def logaddexp(self, one: Array, other: Array) -> Array:
        return torch.logaddexp(one, other)

    def tanh(self, array: Array) -> Array:
        return array.tanh()

    def isfinite(self, array: Array) -> Array:
        return array.isfinite()

    def amax(self, array: Array, axis: int) -> Array:
        return array.amax(axis)

    def amin(self, array: Array, axis: int) -> Array:
        return array.amin(axis)

    def largest(self, array: Array, count: int) -> tuple[Array, Array]:
        values, places = array.topk(count, -1)
        return values, places

    def ordered(self, array: Array, places: list[int]) -> Array:
        if self.device.type == "cpu":  # numpy does in one pass what torch does in one for each place
            return torch.from_numpy(super().ordered(array.numpy(), places))
        return array.sort(-1).values[..., places]

    def concat(self, arrays: list[Array], axis: int) -> Array:
        return torch.cat(arrays, axis)

    def flip(self, array: Array, axis: int) -> Array:
        return array.flip(axis)

    def each_cell(self, function: Callable[..., Any], score: Array | None, *places: Array) -> Array:
        """Call a function of single cells for all of them, as flex attention does: by `torch.vmap`."""
        leading = () if score is None else (0,)
        for axis in range(len(places) - 1, -1, -1):
            mapped = (*leading, *(0 if other == axis else None for other in range(len(places))))
            function = torch.vmap(function, in_dims=mapped)
        return function(*(() if score is None else (score,)), *places)

    def lowest(self, dtype: Any) -> float:
        return torch.finfo(dtype).min

    def is_float(self, array: Array) -> bool:
        return bool(array.dtype.is_floating_point)

    def storage(self, array: Array) -> tuple[int, int]:
        storage = array.untyped_storage()
        return storage.data_ptr(), storage.nbytes()

    def version(self, array: Array) -> int:
        return 0 if array.is_inference() else array._version  # noqa: SLF001 - torch's own name for it

    def free_bytes(self) -> int:
        return torch.cuda.mem_get_info(self.device)[0] if self.device.type == "cuda" else free_bytes()

    def kernel_dtype(self, dtype: Any, *, exact: bool) -> Any:
        wanted = torch.float32 if exact and dtype in HALVES else dtype
        names = {"cpu": CPU_KERNEL, "cuda": CUDA_KERNEL}
        there = hasattr(torch.ops.aten, names.get(self.device.type, "no kernel"))
        return wanted if there and (self.device.type == "cpu" or wanted != torch.float64) else None

    def kernel(self, q: Array, k: Array, v: Array, mask: Array | None, causal: bool) -> tuple[Array, Array]:
        """Return ``softmax(q @ k.T + mask) @ v`` and the log-sum-exp, all of d columns; minus infinity hides."""
        shape = q.shape
        q, k, v = (_in_rows(array.reshape(-1, *array.shape[-3:])) for array in (q, k, v))
        if mask is not None:
            mask = self._four_axes(mask, shape[:-3])
        out, lse = (_on_cuda if self.device.type == "cuda" else _on_cpu)(q, k, v, mask, causal)
        return out.reshape(shape), lse.reshape(shape[:-1]).to(q.dtype)

    def widen(self, array: Array, width: int) -> Array:
        """Append columns of zeros."""
        return torch.nn.functional.pad(array, (0, width - array.shape[-1]))

    def _four_axes(self, mask: Array, leading: Any) -> Array:
        """Return a mask with one leading axis, as kernels want it."""
        if mask.ndim > 4:
            mask = mask.expand(*leading, *mask.shape[-3:]).reshape(-1, *mask.shape[-3:])
        return _in_rows(mask.reshape((1,) * (4 - mask.ndim) + tuple(mask.shape)))


def _in_rows(array: Array) -> Array:
    """Return an array whose last axis lies in one piece: kernels take that for granted, unchecked."""
    return array if array.stride(-1) == 1 else array.contiguous()


def _on_cpu(q: Array, k: Array, v: Array, mask: Array | None, causal: bool) -> tuple[Array, Array]:
    out, lse = getattr(torch.ops.aten, CPU_KERNEL)(q, k, v, 0.0, causal, attn_mask=mask, scale=1.0)
    return out, lse


def _on_cuda(q: Array, k: Array, v: Array, mask: Array | None, causal: bool) -> tuple[Array, Array]:
    if mask is not None:
        keys = mask.shape[-1]
        mask = torch.nn.functional.pad(mask, (0, -keys % 8))[
            ..., :keys
        ]  # rows begin at multiples of 16 bytes
        mask = mask.expand(*q.shape[:-1], keys)
    kernel = getattr(torch.ops.aten, CUDA_KERNEL)
    out, lse, *_ = kernel(q, k, v, mask, True, 0.0, causal, scale=1.0)
    return out, lse[..., : q.shape[-2]]  # its log-sum-exp is padded to whole tiles
