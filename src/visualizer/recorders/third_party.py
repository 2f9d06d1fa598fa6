"""Attention kernels of other libraries: flash-attn, xformers, the kernel hub and torch's own varlen.

They are operators of torch's dispatcher and followed as its own are. Layouts are (batch, length, head, d),
and (total, head, d) for sequences packed into one. None of this was run on a GPU.
"""

from __future__ import annotations

import fnmatch
import re
import sys
from functools import lru_cache, partial
from typing import Any, Protocol

import torch

from visualizer.attention import Band, Factors, is_reading, reading
from visualizer.recorders.dispatcher import Following, Named, Operation, overload
from visualizer.recorders.fused import FusedCall, scale_of
from visualizer.recorders.graph import GRAPH
from visualizer.recorders.packing import unpack
from visualizer.recorders.proceeding import Proceeding
from visualizer.recorders.schemas import read
from visualizer.recorders.writes import counting_writes

NAMES = (
    "flash_attn*::_flash_attn_forward",
    "flash_attn*::_flash_attn_varlen_forward",
    "*flash_attn*::fwd",
    "*flash_attn*::varlen_fwd",
    "*flash_attn*::fwd_kvcache",
    "_vllm_fa*_C::fwd",
    "_vllm_fa*_C::varlen_fwd",
    "_vllm_fa*_C::fwd_kvcache",
    "xformers_flash*::flash_fwd",
    "xformers::efficient_attention_forward_cutlass",
    "torch_attn::_varlen_attn",
)
"""Patterns of operators' names: builds of the kernel hub have a hash in theirs."""

_PATTERN = re.compile("|".join(map(fnmatch.translate, NAMES)))
NOTE = "read by its operator's schema; not run on a GPU"


class Surroundings(Protocol):
    """What the recorder asks of the installation."""

    def found_fused(self, call: FusedCall) -> None:
        """Take a call."""

    def failed(self, error: Exception) -> None:
        """Take an error of recording."""


class ThirdPartyCalls:
    """Recorder of other libraries' kernels: those that are registered when a recording begins."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings

    def install(self, following: Following) -> None:
        """Follow what is registered."""
        for name in registered():
            operator = overload(name)
            following.override(
                operator,
                partial(self._attend, operator, Proceeding(operator)),
                "BackendSelect",
                with_keyset=True,
            )

    def _attend(self, operator: Any, proceed: Proceeding, keys: Any, *args: Any, **kwargs: Any) -> Any:
        if is_reading():
            return proceed(keys, args, kwargs)
        with reading():  # a kernel may call another one, or torch's own
            result = proceed(keys, args, kwargs)
        try:
            with counting_writes():
                call = read_call(Operation(operator, args, kwargs, result))
        except Exception as error:  # noqa: BLE001  # the model must go on
            self._around.failed(error)
        else:
            if call.known is not None:
                GRAPH.reach(call.known, *(one for one in args if isinstance(one, torch.Tensor)))
            self._around.found_fused(call)
        return result


def registered() -> tuple[str, ...]:
    """Return the names of the operators that are there."""
    # Looking through the thousands of operators takes longer than a small model's forward: it is done
    # again only when something was imported, loaded or defined since.
    defined = frozenset(torch.library._defs)  # noqa: SLF001
    return _registered(len(sys.modules), len(torch.ops.loaded_libraries), defined)


@lru_cache(maxsize=1)
def _registered(*_changing: Any) -> tuple[str, ...]:
    names = torch._C._dispatch_get_all_op_names()  # noqa: SLF001
    return tuple(name for name in names if not name.startswith("aten::") and _PATTERN.fullmatch(name))


def read_call(operation: Operation) -> FusedCall:
    """Return a call of one of these operators."""
    given, refused = read(operation)
    refused = refused or _combination(given, operation.operator.name())
    result = operation.result
    output = result[0] if isinstance(result, tuple | list) else result
    if refused:
        return _fused(operation, given, output, refused=refused)
    packed = given.get("starts_q") is not None
    factors = _factors(given, packed=packed)
    arrange = partial(_heads_first, packed=packed)
    more = {"factors": factors, "note": NOTE, "known": output, "arrange": arrange}
    return _fused(operation, given, arrange(output), **more)


def _fused(operation: Operation, given: Named, output: Any, **more: Any) -> FusedCall:
    factors = more.get("factors")
    return FusedCall(
        query=factors.q if factors else output,
        key=factors.k if factors else output,
        value=factors.v if factors else output,
        mask=None,
        dropout=float(given.get("dropout") or 0.0),
        causal=False,
        scale=factors.scale if factors else 0.0,
        output=output,
        kernel=operation.operator.name(),
        **more,
    )


def _combination(given: Named, name: str) -> str:
    """Say which of the arguments do not go together here; "" where all do."""
    packed = [given.get(side) is not None for side in ("starts_q", "starts_k")]
    if any(packed) and not all(packed):
        return f"{name} was called with packed queries and keys that are not packed"
    if given.get("used_k") is not None and not all(packed):
        return f"{name} was called with lengths of a cache of keys"
    slopes = given.get("slopes")
    if all(packed) and (given.get("bias") is not None or (slopes is not None and slopes.dim() > 1)):
        return f"{name} was called with a bias for each of the packed sequences"
    return ""


def _factors(given: Named, *, packed: bool) -> Factors:
    q, k, v = (_heads_first(given[name], packed=packed) for name in ("query", "key", "value"))
    segments = None
    surplus: Any = k.shape[-2] - q.shape[-2]
    if packed:
        packing = unpack(given["starts_q"], given["starts_k"], q.shape[-2], k.shape[-2], given.get("used_k"))
        segments, surplus = (packing.queries, packing.keys), packing.surplus
    return Factors(
        q=q,
        k=k,
        scale=scale_of(given.get("scale"), q),
        bias=given.get("bias"),
        slopes=given.get("slopes"),
        band=_band(given, surplus),
        soft_cap=given.get("soft_cap") or None,
        sinks=given.get("sinks"),
        segments=segments,
        v=v,
    )


def _heads_first(tensor: torch.Tensor, *, packed: bool) -> torch.Tensor:
    """Return (batch, length, head, d) or (total, head, d) as (batch, head, length, d)."""
    tensor = tensor.detach()
    if packed and tensor.dim() == 3:
        tensor = tensor.unsqueeze(0)
    return tensor.transpose(1, 2)


def _band(given: Named, surplus: Any) -> Band | None:
    """Return the window and the causal mask, which these libraries align at the lower right."""
    window = given.get("window")
    left, right = given.get("left", -1), given.get("right", -1)
    if isinstance(window, list | tuple):
        left, right = window
    elif window:
        left = window - 1  # of xformers: the query's own key among them
    corner, causal = given.get("mask_type", 0), given.get("causal", False)
    if causal or corner:
        right = 0
    band = Band(0 if corner == 1 else surplus, left if left >= 0 else None, right if right >= 0 else None)
    return None if band.is_endless else band
