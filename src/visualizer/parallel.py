"""Runs of tensor-parallel models: each rank recorded its own heads, and `gather` joins them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import distributed

from visualizer.attention import AttentionMap, Dense, Factors
from visualizer.attention.softmax import FactorSource
from visualizer.calls import Call
from visualizer.errors import CallsError, ShapeError, VisualizerError

_HEAD_AXES = {"q": -3, "k": -3, "v": -3, "mask": -3, "bias": -3, "scale": -3, "slopes": -1, "sinks": -1}


def gathered(calls: Sequence[Call], group: Any = None) -> list[Call]:
    """Return the calls with the heads of all ranks, in the order of the ranks: a collective.

    Raises
    ------
    VisualizerError
        If no processes have been joined.
    CallsError
        If the ranks hold different calls.
    """
    if not distributed.is_available() or not distributed.is_initialized():
        raise VisualizerError(
            "the heads of all ranks were asked for, but torch.distributed has no process group here: call "
            "gather() on every rank, within the program that ran the model"
        )
    mine = [(call.path, call.number) for call in calls]
    of_ranks = _objects(mine, group)
    if any(other != mine for other in of_ranks):
        counts = ", ".join(str(len(of_rank)) for of_rank in of_ranks)
        raise CallsError(
            f"the heads of all ranks were asked for, but the ranks hold different calls ({counts}): "
            "record the same modules on every rank"
        )
    return [_joined(call, group) for call in calls]


def _axis(call: Call, group: Any) -> int | None:
    """Return the axis along which the ranks hold parts of a map; None where each holds all of it."""
    if call.split is not None:
        if len(call.split) > 1 or -1 in call.split:
            raise CallsError(
                f"the heads of all ranks were asked for, but {call.path or 'the model'} is split along axes "
                f"{call.split} of its output: read each rank's part"
            )
        return next(iter(call.split), None)
    digests = _objects(_digest(call.content), group)
    return None if len(set(digests)) == 1 else -3


def _digest(content: AttentionMap) -> str:
    """Return what tells maps apart by what they are held as."""
    digest = hashlib.sha256(repr(content.shape).encode())
    for tensor in content.opened()[0].tensors():
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


def _joined(call: Call, group: Any) -> Call:
    if not isinstance(call.content, AttentionMap):
        raise CallsError(
            f"the heads of all ranks were asked for, but {call.path or 'the model'} holds no map: gather() "
            "needs a run recorded with keep='factors' or keep='dense'"
        )
    axis = _axis(call, group)
    errors = _objects(None if call.error is None else float(call.error), group)
    error = max((one for one in errors if one is not None), default=None)
    whole = replace(call, error=error, traced=None, split=None)
    if axis is None:
        return whole
    if axis != -3:
        array = _cat(call.content.tensor(), axis, group)
        return replace(whole, content=AttentionMap(Dense(array)), output=None, v=None)
    output = _cat(call.output, -3, group) if call.output is not None else None
    value = _cat(call.v, -3, group) if call.v is not None else None
    return replace(whole, content=_map(call.content, group), output=output, v=value)


def _map(content: AttentionMap, group: Any) -> AttentionMap:
    """Join maps as factors; those that are held otherwise, or read the number of the head, as arrays."""
    source = content.opened()[0]
    factors = source.factors if isinstance(source, FactorSource) else None
    if factors is None or factors.score_mod is not None or factors.mask_mod is not None:
        return AttentionMap(Dense(_cat(content.tensor(), -3, group)))
    return AttentionMap(_factors(factors, group))


def _factors(factors: Factors, group: Any) -> Factors:
    held = {name: getattr(factors, name) for name in _HEAD_AXES}
    split: dict[str, Any] = {
        name: _cat(tensor, _HEAD_AXES[name], group)
        for name, tensor in held.items()
        if isinstance(tensor, torch.Tensor) and _is_split(tensor, name, factors.q.shape[-3])
    }
    return replace(factors, **split)


def _is_split(tensor: torch.Tensor, name: str, heads: int) -> bool:
    """Tell whether a tensor has a part for each head, or is one for all of them."""
    shared = name in {"mask", "bias", "scale"} and (tensor.dim() < 3 or tensor.shape[-3] != heads)
    return not shared


def _cat(tensor: torch.Tensor, axis: int, group: Any) -> torch.Tensor:
    """Return the tensors of all ranks, joined along an axis: as bytes, which every backend carries."""
    tensor = tensor.detach().movedim(axis, 0).contiguous()
    shapes = _objects(tuple(tensor.shape), group)
    if any(shape[1:] != shapes[0][1:] for shape in shapes):
        raise ShapeError(
            f"the heads of all ranks were asked for, but they differ in more than their heads: {shapes}"
        )
    room = tensor.new_empty((max(shape[0] for shape in shapes), *tensor.shape[1:]))
    room[: len(tensor)] = tensor
    sent = room.flatten().view(torch.uint8)
    parts = [torch.empty_like(sent) for _ in shapes]
    distributed.all_gather(parts, sent, group=group)
    rooms = [part.view(tensor.dtype).view(room.shape) for part in parts]
    joined = torch.cat([part[: shape[0]] for part, shape in zip(rooms, shapes, strict=True)])
    return joined.movedim(0, axis).contiguous()


def _objects(mine: Any, group: Any) -> list[Any]:
    found: list[Any] = [None] * distributed.get_world_size(group)
    distributed.all_gather_object(found, mine, group=group)
    return found
