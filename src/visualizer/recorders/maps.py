"""From what recorders found to attention maps, in the shape that the module means and held as tightly."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from visualizer.attention import AttentionMap, Band, Dense, Factors, SampledLevel
from visualizer.errors import OptionError
from visualizer.recorders.batches import holds_heads
from visualizer.recorders.candidates import FormedMap
from visualizer.recorders.continuing import place_in_sequence
from visualizer.recorders.crossing import is_cross_attention
from visualizer.recorders.factored import held_factors
from visualizer.recorders.fused import FusedCall
from visualizer.recorders.holding import Holder, allowed_by

if TYPE_CHECKING:
    from visualizer.options import Options

_HEADS = ("num_heads", "num_attention_heads", "n_heads", "n_head", "heads", "nhead", "h")


class Made(NamedTuple):
    """A map or value, what goes with it into its call of that number, and the device that holds it."""

    content: Any
    first_key: int = 0
    sequence: int = 0
    value: Any = None
    traced: Any = None
    output: Any = None
    levels: tuple[SampledLevel, ...] = ()
    note: str = ""
    device: Any = None
    number: int = 0
    error: Any = None
    formed: bool = False
    split: tuple[int, ...] | None = None


def fused_map(call: FusedCall, module: Any, holder: Holder, options: Options) -> Made:
    """Return the map of a fused call, as factors."""
    if call.factors is not None:
        factors, first_key, sequence, value = held_factors(call.factors, module, holder, options)
        value = value if options.gradients or options.values else None
        return Made(AttentionMap(factors), first_key, sequence, value, note=call.note)
    query, mask = _unpacked(call.query, call.mask, call.key, module)
    key, value = _four(_grouped(call.key, module)), _four(_grouped(call.value, module))
    query, queries = _four(query), query.shape[-2]
    query, key = _broadcast(query, key)
    if value.shape[0] == 1 < key.shape[0] and value.dim() == key.dim():
        value = value.expand(*key.shape[:-3], *value.shape[-3:])
    seen = _seen_keys(mask) if mask is not None and queries < key.shape[-2] else None
    key, first_key, sequence = holder.hold_keys(key, (id(module), "k"), queries, seen)
    if options.values or options.gradients:
        value = holder.hold_keys(value, (id(module), "v"), queries, seen)[0]
    rows = options.rows(queries)
    valid = _valid_queries(mask, queries, key, holder)
    if valid is not None and is_cross_attention(module):  # its mask speaks of the other sequence's padding
        valid = None
    if rows is not None:
        query = query[..., rows, :]
        valid = valid[..., rows] if valid is not None else None
        mask = mask[..., rows, :] if mask is not None and mask.dim() >= 2 and mask.shape[-2] > 1 else mask
    factors = Factors(
        q=holder.hold(query),
        k=key,
        scale=call.scale,
        mask=holder.hold_mask(mask) if mask is not None else None,
        band=_causal(rows, queries) if call.causal else None,
        query_valid=valid,
        v=value if options.values else None,
    )
    kept = value if options.gradients or options.values else None
    return Made(AttentionMap(factors), first_key, sequence, kept)


def formed_map(found: FormedMap, module: Any, holder: Holder, options: Options) -> Made:
    """Return a map that the model formed itself, as it stands."""
    value = found.value.permute(found.order)[..., found.keys]
    heads = heads_of(module)
    if value.dim() == 3 and heads and heads > 1 and value.shape[0] % heads == 0:
        is_batch = holds_heads(value.shape[0], value.shape[1], heads, module) is False
        value = value.unsqueeze(1) if is_batch else value.reshape(-1, heads, *value.shape[1:])
    if not found.has_queries and value.dim() < 4:  # (batch, key) or (batch, row, key)
        value = value.reshape(value.shape[0], 1, -1, value.shape[-1])
    value = _four(value)
    values = _values(found.values, value, module)
    first_key, sequence = place_in_sequence(value, values, (id(module), "values"), holder)
    rows = None if found.levels else options.rows(value.shape[-2])
    valid = None
    if found.padded is not None and not is_cross_attention(module):
        valid = ~found.padded.unsqueeze(1)
        valid = valid if rows is None else valid[..., rows]
    held = holder.hold(value if rows is None else value[..., rows, :])
    map_ = AttentionMap(Dense(held, query_valid=valid))
    levels = tuple(replace(level, places=holder.hold(level.places)) for level in found.levels)
    return Made(map_, first_key, sequence, levels=levels, note=_note(found), formed=True)


def _values(values: torch.Tensor | None, map_: torch.Tensor, module: Any) -> torch.Tensor | None:
    """Return values with the axes of their map (..., query, key), each group's head once."""
    if values is None:
        return None
    shape = (*map_.shape[:-2], *values.shape[-2:])
    return _grouped(values.reshape(shape) if values.numel() == math.prod(shape) else values, module)


def _note(found: FormedMap) -> str:
    if found.levels:
        return _POINTS
    return "" if found.has_queries else _ADDITIVE


_ADDITIVE = "additive attention: weights of scores of the tokens alone, without queries"
_POINTS = "weights of sampled points, axes as the model has them: (batch, query, head, point)"


def _causal(rows: slice | list[int] | None, queries: int) -> Band:
    """Return the band of a causal call, aligned at the upper left, for the rows that are kept."""
    if rows is None:
        return Band(0, None, 0)
    kept = range(queries)[rows] if isinstance(rows, slice) else rows
    first = kept[0] if len(kept) else 0
    if list(kept) == list(range(first, first + len(kept))):
        return Band(first, None, 0)
    raise OptionError("queries= of a causal call must be neighbours: give a slice without a step")


def _seen_keys(mask: torch.Tensor) -> torch.Tensor:
    """Return which keys (key,) some query may attend to."""
    return allowed_by(mask).reshape(-1, mask.shape[-1]).any(0)


def _valid_queries(mask: Any, queries: int, key: torch.Tensor, holder: Holder) -> torch.Tensor | None:
    """Return which queries are no padding, where tokens attend to themselves and a mask says so."""
    if mask is None or not mask.dim() == key.dim() == 4 or mask.shape[-1] != key.shape[-2]:
        return None
    if queries != key.shape[-2] and (queries == 1 or mask.shape[-2] != queries):
        return None  # that do not say which keys are the queries' own
    if mask.shape[0] == 1 and mask.shape[1] != 1 and mask.shape[-2] != 1:
        return None  # a bias of each head, the same for the whole batch: it hides no key
    return holder.valid_queries(holder.hold_mask(mask))


def _four(tensor: torch.Tensor) -> torch.Tensor:
    """Give a tensor the axes batch and head where it lacks them."""
    if tensor.dim() == 3:
        return tensor.unsqueeze(0)
    return tensor.reshape(*[1] * (4 - tensor.dim()), *tensor.shape) if tensor.dim() < 3 else tensor


def _broadcast(query: torch.Tensor, key: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Give queries and keys the same leading axes, and a single query head those of the keys."""
    if query.shape[:-3] != key.shape[:-3]:
        leading = torch.broadcast_shapes(query.shape[:-3], key.shape[:-3])  # type: ignore[no-untyped-call]
        query, key = (tensor.expand(*leading, *tensor.shape[-3:]) for tensor in (query, key))
    if query.shape[-3] == 1 < key.shape[-3]:
        query = query.expand(*query.shape[:-3], key.shape[-3], *query.shape[-2:])
    return query, key


def _unpacked(query: Any, mask: Any, key: Any, module: Any) -> tuple[Any, Any]:
    """Undo the packing of grouped heads into the length axis, as transformers does for one query."""
    groups, heads = getattr(module, "num_key_value_groups", 1), heads_of(module)
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
    groups, heads = getattr(module, "num_key_value_groups", 1), heads_of(module)
    if not isinstance(groups, int) or groups < 2 or key.dim() != 4 or key.shape[1] != heads:
        return key
    grouped = key.reshape(key.shape[0], -1, groups, *key.shape[2:])
    sample = grouped[:, :, :, :: max(1, key.shape[2] // 16)]
    repeated = bool((sample == sample[:, :, :1]).all())  # waits for the device, as a wrong map must not be
    return grouped[:, :, 0] if repeated else key


def heads_of(module: Any) -> int | None:
    """Return how many heads a module says that it has, or its settings do; None where they do not."""
    for owner in (module, getattr(module, "config", None)):
        for name in _HEADS:
            value = getattr(owner, name, None)
            if isinstance(value, int) and not isinstance(value, bool):
                return value
    return None
