"""The same operations in torch, and its fused kernels: the one file of this package that imports torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import Any

import numpy as np
import torch

from visualizer.attention._reading import reading
from visualizer.attention.arrays import Array, Function, NumpyArrays, memory_of
from visualizer.attention.indices import with_axes

# What scaled_dot_product_attention calls: of its kernels these give the log-sum-exp.
KERNELS = {
    "cpu": "_scaled_dot_product_flash_attention_for_cpu",
    "cuda": "_scaled_dot_product_efficient_attention",
}


class TorchArrays(NumpyArrays):
    """What a map asks of torch, on one device; `NumpyArrays` says what each name means."""

    float32 = torch.float32
    float64 = torch.float64
    int32 = torch.int32
    boolean = torch.bool

    broadcast: Function = staticmethod(torch.broadcast_to)
    concat: Function = staticmethod(torch.cat)
    where: Function = staticmethod(torch.where)
    amax: Function = staticmethod(torch.amax)
    exp: Function = staticmethod(torch.exp)
    log: Function = staticmethod(torch.log)
    log1p: Function = staticmethod(torch.log1p)
    tanh: Function = staticmethod(torch.tanh)
    isfinite: Function = staticmethod(torch.isfinite)
    bincount: Function = staticmethod(torch.bincount)
    logaddexp: Function = staticmethod(torch.logaddexp)

    def __init__(self, device: torch.device) -> None:
        self.device = device

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Compute without gradients and autocast, and seen by no recorder."""
        with reading(), torch.no_grad(), torch.autocast(self.device.type, enabled=False):
            yield

    def asarray(self, value: Any, dtype: Any = None) -> Array:
        """Return ``value`` as a tensor on the device, in a dtype that it has."""
        if not isinstance(value, torch.Tensor):
            value = torch.from_numpy(np.array(value))
        if dtype is None and value.dtype == torch.float64:
            dtype = self.exact_dtype()
        return value.detach().to(self.device, dtype)

    def zeros(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """Return zeros on the device."""
        return torch.zeros(shape, dtype=dtype, device=self.device)

    def take(self, array: Array, numbers: Any, axis: int) -> Array:
        """Pick places of an axis, by a numpy array of integers."""
        return array.index_select(axis, torch.as_tensor(numbers, device=array.device))

    def sort(self, array: Array) -> Array:
        """Sort the last axis, rising."""
        if self.device.type == "cpu":  # numpy does it in a third of the time
            return torch.from_numpy(np.sort(self.as_numpy(array))).to(array.dtype)
        return array.sort(-1).values

    def cast(self, array: Array, dtype: Any) -> Array:
        """Return a tensor in another dtype, on this device: steps of a generation may lie on several."""
        return array.to(self.device, dtype)

    def exact_dtype(self) -> Any:
        """Return float64, which MPS lacks."""
        return torch.float32 if self.device.type == "mps" else torch.float64

    def kernel_dtype(self, dtype: Any, *, exact: bool) -> Any:
        """Return float32 for halves unless the model's precision will do; CUDA's kernel takes no float64."""
        wanted = torch.float32 if exact and dtype.itemsize == 2 else dtype
        is_there = hasattr(torch.ops.aten, KERNELS.get(self.device.type, "no kernel"))
        return wanted if is_there and (self.device.type == "cpu" or wanted != torch.float64) else None

    def largest(self, array: Array, count: int) -> tuple[Array, Array]:
        """Return the largest of the last axis and their places."""
        values, places = array.topk(count, -1)
        return values, places

    def each_cell(self, function: Function, score: Array | None, *places: Array) -> Array:
        """Call a function of single cells for all of them as flex attention does: by `torch.vmap`."""
        scores = () if score is None else (score,)
        for axis in reversed(range(len(places))):
            own = (None,) * axis + (0,) + (None,) * (len(places) - 1 - axis)
            function = torch.vmap(function, in_dims=((0,) * len(scores) + own))
        with _indexing_by_cells():
            return function(*scores, *places)

    def lowest(self, dtype: Any) -> float:
        """Return the most negative finite number of a dtype."""
        return torch.finfo(dtype).min

    def is_float(self, array: Array) -> bool:
        """Tell whether a tensor holds floats."""
        return bool(array.dtype.is_floating_point)

    def is_real(self, dtype: Any) -> bool:
        """Tell whether a dtype is one of real numbers or booleans."""
        return not dtype.is_complex

    def is_whole(self, dtype: Any) -> bool:
        """Tell whether a dtype is one of integers or booleans."""
        return not (dtype.is_floating_point or dtype.is_complex)

    def itemsize(self, dtype: Any) -> int:
        """Return the bytes of one number."""
        return int(dtype.itemsize)

    def storage(self, array: Array) -> tuple[int, int]:
        """Return the address and the bytes of the memory behind a tensor or a view."""
        return memory_of(array)

    def version(self, array: Array) -> int:
        """Return how often a tensor was changed in place."""
        return times_written(array)

    def free_bytes(self) -> int:
        """Return the bytes that could be taken now on the device, what torch keeps in reserve among them."""
        if self.device.type == "mps":
            return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
        if self.device.type not in {"cuda", "xpu"}:
            return super().free_bytes()
        memory: Any = torch.cuda if self.device.type == "cuda" else torch.xpu
        reserve = memory.memory_reserved(self.device) - memory.memory_allocated(self.device)
        return int(memory.mem_get_info(self.device)[0] + reserve)

    def norms(self, array: Array) -> Array:
        """Return the lengths of vectors, which lie along the last axis, in float32."""
        return torch.linalg.vector_norm(array, dim=-1, dtype=torch.float32)

    def flip(self, array: Array, axis: int) -> Array:
        """Reverse an axis."""
        return array.flip(axis)

    def widen(self, array: Array, width: int) -> Array:
        """Append columns of zeros."""
        return torch.nn.functional.pad(array, (0, width - array.shape[-1]))

    def kernel(
        self, q: Array, k: Array, v: Array, mask: Array | None, *, causal: bool
    ) -> tuple[Array, Array]:
        """Return ``softmax(q @ k.T + mask) @ v`` and the log-sum-exp; q, k and v have the same width."""
        shape = q.shape
        q, k, v = (_in_rows(array.reshape(-1, *array.shape[-3:])) for array in (q, k, v))
        mask = None if mask is None else _four_axes(mask, shape[:-3])
        out, lse = (_on_cuda if self.device.type == "cuda" else _on_cpu)(q, k, v, mask, causal)
        return out.reshape(shape), lse.reshape(shape[:-1]).to(q.dtype)


def times_written(tensor: torch.Tensor) -> int:
    """Return how often a tensor was written into; those of inference mode do not count that."""
    return 0 if tensor.is_inference() else tensor._version  # noqa: SLF001 - torch's own name for it


def _indexing_by_cells() -> AbstractContextManager[Any]:
    """Have ``table[h, i - j]`` look up a place for each cell, as it does within flex attention itself."""
    if _vmap_takes_indices():
        return nullcontext()
    from torch._dynamo._trace_wrapped_higher_order_op import TransformGetItemToIndex

    mode: AbstractContextManager[Any] = TransformGetItemToIndex()
    return mode


@cache
def _vmap_takes_indices() -> bool:
    """Tell whether a single cell's place is an index under vmap: in torch 2.6 not yet, in 2.13 it is."""
    place = torch.zeros(1, dtype=torch.int64, device="cpu")
    try:
        torch.vmap(place.__getitem__)(place)
    except RuntimeError:
        return False
    return True


def _in_rows(array: Array) -> Array:
    """Return an array whose last axis lies in one piece: kernels take that for granted, unchecked."""
    return array if array.stride(-1) == 1 else array.contiguous()


def _four_axes(mask: Array, leading: Any) -> Array:
    """Return a mask with one leading axis, as kernels want it."""
    mask = with_axes(mask, 4)
    if mask.shape[:-3].numel() > 1:
        mask = mask.expand(*leading, *mask.shape[-3:])
    return _in_rows(mask.reshape(-1, *mask.shape[-3:]))


def _on_cpu(q: Array, k: Array, v: Array, mask: Array | None, causal: bool) -> tuple[Array, Array]:
    kernel = getattr(torch.ops.aten, KERNELS["cpu"])
    out, lse = kernel(q, k, v, 0.0, causal, attn_mask=mask, scale=1.0)
    return out, lse


def _on_cuda(q: Array, k: Array, v: Array, mask: Array | None, causal: bool) -> tuple[Array, Array]:
    pad, width = torch.nn.functional.pad, q.shape[-1]
    q, k, v = (pad(array, (0, -width % 8)) for array in (q, k, v))  # rows of 16 bytes each, the mask's too
    if mask is not None:
        keys = k.shape[-2]
        mask = pad(mask.expand(*mask.shape[:-1], keys), (0, -keys % 8))[..., :keys].expand(
            *q.shape[:-1], keys
        )
    out, lse, *_ = getattr(torch.ops.aten, KERNELS["cuda"])(q, k, v, mask, True, 0.0, causal, scale=1.0)
    return out[..., :width], lse[..., : q.shape[-2]]  # the log-sum-exp comes in whole tiles
