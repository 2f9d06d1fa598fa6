"""Whether a map is the model's: a few of its rows, times v, against the call's own output."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import torch

from visualizer.attention import Factors
from visualizer.attention.softmax import FactorSource
from visualizer.recorders.fused import FusedCall

ROWS = 2
_choice = random.Random(0)  # its own: the user's seeds stay as they are


def compare_rows(call: FusedCall, dtype: torch.dtype | None = None) -> Any:
    """Return by how much some rows of softmax(scale q kᵀ + mask) v differ at most from the output's own.

    The difference is relative to the largest number of those rows, and a tensor on the call's device: reading
    it, not making it, waits for the device. None where the output was made with dropout, or is empty.

    ``dtype`` is what factors are held as: the rows are those of what is held.
    """
    if call.factors is not None:
        return _compare_factored(call, call.factors if dtype is None else _held(call.factors, dtype))
    query, key, value = call.query, call.key, call.value
    if call.dropout or not call.output.numel() or query.is_nested:
        return None
    rows = _some_rows(query.shape[-2])
    batch = _choice.randrange(query.shape[0]) if query.dim() > 3 else None
    query, output = (_picked(tensor, batch)[..., rows, :] for tensor in (query, call.output))
    key, value = _picked(key, batch), _picked(value, batch)
    query, key = _cast(query, dtype), _cast(key, dtype)
    wide = torch.promote_types(output.dtype, torch.float32)
    logits = _product(query.to(wide) * call.scale, key.to(wide).mT)
    weights = torch.softmax(_masked(logits, call, rows, batch), -1)
    if call.mask is not None:
        weights = torch.nan_to_num(weights, nan=0.0)  # rows without any key are zeros in torch's kernels
    return _difference(_product(weights, value.to(wide)), output)


def _compare_factored(call: FusedCall, factors: Factors) -> Any:
    """Compare a call that is more than q, k and a mask, as `compare_rows` does."""
    if factors.v is None or call.dropout or not call.output.numel():
        return None
    heads, queries = factors.q.shape[-3:-1]
    rows, batch = _some_rows(queries), _choice.randrange(factors.q.shape[0])
    wide = torch.promote_types(factors.q.dtype, torch.float32)
    source = FactorSource(factors, exact=False, work=wide)
    with torch._C._EnableTorchFunction():  # noqa: SLF001  # indexing by cells needs it
        weights = source.weights((range(batch, batch + 1), range(heads), range(queries)[rows]))[0]
    expected = _product(weights.to(wide), factors.v[batch].to(wide))
    return _difference(expected, call.output[batch][:, rows])


def _difference(expected: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
    """Return the largest difference, relative to the largest number."""
    largest = expected.abs().amax().clamp_min(torch.finfo(expected.dtype).tiny)
    return (expected - output.to(expected.dtype)).abs().amax() / largest


def _held(factors: Factors, dtype: torch.dtype) -> Factors:
    names = [name for name in ("q", "k", "bias", "slopes", "sinks") if getattr(factors, name) is not None]
    cast: dict[str, Any] = {name: _cast(getattr(factors, name), dtype) for name in names}
    return replace(factors, **cast)


def _cast(tensor: torch.Tensor, dtype: torch.dtype | None) -> torch.Tensor:
    return tensor if dtype is None else tensor.to(dtype)


def _some_rows(queries: int) -> slice:
    """Choose rows by a slice with a step: no index is copied to the device, which would wait for it."""
    chosen = _choice.sample(range(queries), min(ROWS, queries))
    first, last = min(chosen), max(chosen)
    return slice(first, last + 1, max(last - first, 1))


def _product(rows: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    """Return (..., head, row, n) times (..., key head, n, m); no head is copied for those of its group."""
    if rows.dim() < 3 or factor.dim() < 3 or rows.shape[-3] <= factor.shape[-3]:
        return rows @ factor
    grouped = rows.reshape(*rows.shape[:-3], factor.shape[-3], -1, rows.shape[-1])
    return (grouped @ factor).reshape(*rows.shape[:-1], factor.shape[-1])


def _picked(tensor: torch.Tensor, batch: int | None) -> torch.Tensor:
    if batch is None:
        return tensor
    return tensor[batch if tensor.shape[0] > 1 else 0]


def _masked(logits: torch.Tensor, call: FusedCall, rows: slice, batch: int | None) -> torch.Tensor:
    if call.causal:
        keys = torch.arange(logits.shape[-1], device=logits.device)
        queries = torch.arange(rows.start, rows.stop, rows.step, device=logits.device)
        logits = logits.masked_fill(keys > queries.unsqueeze(-1), -torch.inf)
    mask = call.mask
    if mask is None:
        return logits
    if batch is not None and mask.dim() == call.query.dim():
        mask = _picked(mask, batch)
    if mask.dim() >= 2 and mask.shape[-2] > 1:
        mask = mask[..., rows, :]
    return logits.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else logits + mask
