"""From what recorders found to attention maps, in the shape that the module means and held as tightly."""

from __future__ import annotations

from typing import Any

import torch

from visualizer.attention import AttentionMap, Band, Dense, Factors
from visualizer.recorders.fused import FusedCall
from visualizer.recorders.installation import FormedMap

_HEADS = ("num_heads", "num_attention_heads", "n_heads", "n_head", "heads", "nhead", "h")


def fused_map(call: FusedCall, module: Any, *, values: bool = False, queries: Any = None) -> AttentionMap:
    """Return the map of a fused call, as factors.

    Parameters
    ----------
    module
        The module that made the call: it knows how many heads it has.
    values
        Whether v is kept too.
    queries
        Rows to keep: a slice, or None for all.
    """
    query, mask = _unpacked(call.query, call.mask, call.key, module)
    rows = slice(None) if queries is None else queries
    first = range(query.shape[-2])[rows].start if queries is not None else 0
    if mask is not None and mask.dim() >= 2 and mask.shape[-2] > 1:
        mask = mask[..., rows, :]
    return AttentionMap(
        Factors(
            q=_four(_held(query[..., rows, :])),
            k=_four(_held(_grouped(call.key, module))),
            scale=call.scale,
            mask=_held(mask) if mask is not None else None,
            band=Band(first, None, 0) if call.causal else None,
            v=_four(_held(_grouped(call.value, module))) if values else None,
        )
    )


def formed_map(found: FormedMap, module: Any, *, queries: Any = None) -> AttentionMap:
    """Return a map that the model formed itself, as it stands."""
    value = found.value
    if found.axis != value.dim() - 1:
        value = value.movedim(found.axis, -1)
    heads = _heads(module)
    if value.dim() == 3 and heads and heads > 1 and value.shape[0] % heads == 0:
        value = value.reshape(-1, heads, *value.shape[1:])
    value = _four(value)
    if queries is not None:
        value = value[..., queries, :]
    return AttentionMap(Dense(_held(value)))


def _four(tensor: torch.Tensor) -> torch.Tensor:
    """Give a tensor the axes batch and head where it lacks them."""
    if tensor.dim() == 3:
        return tensor.unsqueeze(0)
    return tensor.reshape(1, 1, *tensor.shape) if tensor.dim() == 2 else tensor


def _held(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor that keeps no more alive than itself and cannot change unnoticed."""
    tensor = tensor.detach()
    storage = tensor.untyped_storage().nbytes()
    needed = tensor.numel() * tensor.element_size()
    repeated = any(
        stride == 0 and size > 1 for stride, size in zip(tensor.stride(), tensor.shape, strict=True)
    )
    # written into before, such as a cache: it will be again
    written = not tensor.is_inference() and tensor._version > 0  # noqa: SLF001
    if tensor.is_inference() or written or (not repeated and storage > needed):
        return tensor.clone(memory_format=torch.contiguous_format)
    return tensor


def _unpacked(query: Any, mask: Any, key: Any, module: Any) -> tuple[Any, Any]:
    """Undo the packing of grouped heads into the length axis, as transformers does for one query."""
    groups, heads = getattr(module, "num_key_value_groups", 1), _heads(module)
    packed = (
        query.dim() == 4
        and isinstance(groups, int)
        and groups > 1
        and query.shape[2] == groups
        and heads == query.shape[1] * groups
        and key.shape[1] == query.shape[1]
    )
    if not packed:
        return query, mask
    if mask is not None and mask.dim() == 4 and mask.shape[1] > 1:
        mask = mask.reshape(mask.shape[0], -1, 1, mask.shape[-1])
    return query.reshape(query.shape[0], -1, 1, query.shape[-1]), mask


def _grouped(key: torch.Tensor, module: Any) -> torch.Tensor:
    """Take each group's head once where the module repeated them for its kernel."""
    groups, heads = getattr(module, "num_key_value_groups", 1), _heads(module)
    if not isinstance(groups, int) or groups < 2 or key.dim() != 4 or key.shape[1] != heads:
        return key
    positions = slice(None, None, max(1, key.shape[2] // 16))
    sample = key[:, :, positions]
    sample = sample.reshape(sample.shape[0], -1, groups, *sample.shape[2:])
    if key.device.type == "cpu" and not bool((sample == sample[:, :, :1]).all()):
        return key
    return key[:, ::groups]


def _heads(module: Any) -> int | None:
    for owner in (module, getattr(module, "config", None)):
        for name in _HEADS:
            value = getattr(owner, name, None)
            if isinstance(value, int) and not isinstance(value, bool):
                return value
    return None
