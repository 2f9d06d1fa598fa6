"""Fused calls whose batch and heads are one axis, as timm's SAM makes them: two axes again."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from visualizer.recorders.batches import holds_heads
from visualizer.recorders.fused import FusedCall
from visualizer.recorders.maps import heads_of


def with_heads(call: FusedCall, module: Any) -> FusedCall:
    """Return a call of the axes (batch · head, token, width) with (batch, head, token, width).

    Where the first axis is the batch alone, as a module loops over its heads, each call has one head. It is
    left as it is where the module does not say how many heads of this width it has, or neither can be told.
    """
    sides = call.query, call.key, call.value
    if call.factors is not None or any(one.is_nested or one.dim() != 3 for one in sides):
        return call
    (merged, _, width), heads = call.query.shape, heads_of(module) or 1
    if getattr(module, "head_dim", None) != width or heads < 2 or merged % heads:
        return call
    holds = holds_heads(merged, call.query.shape[1], heads, module)
    if holds is None or any(one.shape[0] != merged for one in sides):
        return call
    split = partial(_split, heads=heads if holds else 1, merged=merged)
    query, key, value, output = map(split, (*sides, call.output))
    mask = split(call.mask) if call.mask is not None and call.mask.dim() == 3 else call.mask
    known = call.output if call.known is None else call.known
    return call._replace(
        query=query, key=key, value=value, output=output, mask=mask, known=known, arrange=split
    )


def _split(tensor: torch.Tensor, heads: int, merged: int) -> torch.Tensor:
    return tensor.reshape(-1, heads, *tensor.shape[1:]) if tensor.shape[0] == merged else tensor
