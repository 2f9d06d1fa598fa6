"""Whether a map is the model's: a few of its rows, times v, against the call's own output."""

from __future__ import annotations

import random
from typing import Any

import torch

from visualizer.recorders.factored import compare_factored
from visualizer.recorders.fused import FusedCall

ROWS = 2
_choice = random.Random(0)  # its own: the user's seeds stay as they are


def compare_rows(call: FusedCall) -> Any:
    """Return by how much some rows of softmax(scale q kᵀ + mask) v differ at most from the output's own.

    The difference is relative to the largest number of those rows, and a tensor on the call's device: reading
    it, not making it, waits for the device. None where the output was made with dropout, or is empty.
    """
    if call.factors is not None:
        return compare_factored(call)
    query, key, value = call.query, call.key, call.value
    if call.dropout or not call.output.numel() or query.is_nested:
        return None
    rows = [_choice.randrange(query.shape[-2]) for _ in range(min(ROWS, query.shape[-2]))]
    batch = _choice.randrange(query.shape[0]) if query.dim() > 3 else None
    query, output = (_rows(_picked(tensor, batch), rows) for tensor in (query, call.output))
    key, value = _picked(key, batch), _picked(value, batch)
    wide = torch.promote_types(query.dtype, torch.float32)
    key, value = _for_heads(key, query), _for_heads(value, query)
    logits = (query.to(wide) * call.scale) @ key.to(wide).transpose(-1, -2)
    logits = _masked(logits, call, rows, batch)
    weights = torch.softmax(logits, -1)
    if call.mask is not None:
        weights = torch.nan_to_num(weights, nan=0.0)  # rows without any key are zeros in torch's kernels
    expected = weights @ value.to(wide)
    return (expected - output.to(wide)).abs().amax() / expected.abs().amax().clamp_min(torch.finfo(wide).tiny)


def _picked(tensor: torch.Tensor, batch: int | None) -> torch.Tensor:
    if batch is None:
        return tensor
    return tensor[batch if tensor.shape[0] > 1 else 0]


def _rows(tensor: torch.Tensor, rows: list[int]) -> torch.Tensor:
    """Return some rows; a list as an index would be copied to the device, which waits for it."""
    return torch.stack([tensor.select(-2, row) for row in rows], -2)


def _for_heads(tensor: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
    if tensor.dim() < 3 or 1 in {tensor.shape[-3], query.shape[-3]} or tensor.shape[-3] == query.shape[-3]:
        return tensor
    return tensor.repeat_interleave(query.shape[-3] // tensor.shape[-3], -3)


def _masked(logits: torch.Tensor, call: FusedCall, rows: list[int], batch: int | None) -> torch.Tensor:
    if call.causal:
        keys = torch.arange(logits.shape[-1], device=logits.device)
        logits = logits.masked_fill(torch.stack([keys > row for row in rows]), -torch.inf)
    mask = call.mask
    if mask is None:
        return logits
    if batch is not None and mask.dim() == call.query.dim():
        mask = _picked(mask, batch)
    if mask.dim() >= 2 and mask.shape[-2] > 1:
        mask = _rows(mask, rows)
    return logits.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else logits + mask
