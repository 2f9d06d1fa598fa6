"""The attention maps that a model holds in local variables: where they are, and what one pass put there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from visualizer.demo.readings import Floats
from visualizer.errors import NameNotBoundError, TargetError, require
from visualizer.instrument import Watch, watch

# What timm's and transformers' models call the map; in a call's last binding it has been through the softmax.
NAMES = ("attention_probs", "attn_probs", "attn_weights", "attn")


def record_attention(model: Any, *inputs: Any, **named_inputs: Any) -> list[Floats]:
    """Run a model and return its attention maps in the order in which its layers end.

    Parameters
    ----------
    model
        A torch module whose attention is not fused, so that the maps exist.
    inputs, named_inputs
        What it is called with: a batch of one.

    Returns
    -------
    list
        (head, query, key) for each call of an attention layer, float32. Of a layer that cuts its input into
        windows: the first window.

    Raises
    ------
    MissingExtraError
        If torch is not installed.
    TargetError
        If no part of the model binds a map to one of `NAMES`.
    """
    torch = require("torch", "demo", "Running a model")
    watches = _watches(model)
    with ExitStack() as stack, torch.inference_mode():
        for seen in watches:
            stack.enter_context(seen)
        model(*inputs, **named_inputs)
    maps = [_as_floats(value) for value in _distinct(watches) if _is_map(value)]
    if not maps:
        raise TargetError(_nothing_found(model, watches))
    return maps


def _watches(model: Any) -> list[Watch]:
    kinds = dict.fromkeys(type(part) for part in model.modules())
    return [seen for kind in kinds if (seen := _watch(kind)) is not None]


def _watch(kind: type) -> Watch | None:
    """Watch a class whose ``forward`` binds one of the names."""
    for name in NAMES:
        try:
            return watch(kind, name)
        except (NameNotBoundError, TargetError):
            continue
    return None


def _distinct(watches: Sequence[Watch]) -> Iterator[Any]:
    """Yield each value once: a part may hand its map on to a part around it, which binds it again."""
    yield from {id(record.value): record.value for seen in watches for record in seen}.values()


def _is_map(value: Any) -> bool:
    """Tell whether a value is (batch, head, query, key) with rows that sum to 1."""
    if getattr(value, "ndim", None) != 4:
        return False
    return bool(np.allclose(_as_floats(value).sum(-1), 1, atol=0.02))  # bfloat16 rows miss 1 by as much


def _as_floats(value: Any) -> Floats:
    floats: Floats = value[0].detach().float().cpu().numpy()
    return floats


def _nothing_found(model: Any, watches: Sequence[Watch]) -> str:
    names = f"{', '.join(NAMES[:-1])} or {NAMES[-1]}"
    kinds = {type(part).__name__ for part in model.modules()}
    called = [kind for kind in sorted(kinds) if re.search("attention|attn", kind, re.IGNORECASE)]
    there = f"its attention parts are {', '.join(called)}" if called else "no part of it is called attention"
    held = (
        f", and what {len(watches)} of its parts bind is no map of batch, head, query, key" if watches else ""
    )
    return (
        f"The demo draws the maps that a model's forward holds in a local named {names}, but "
        f"{type(model).__name__} has none: {there}{held}. visualizer.watch can point at any other name"
    )
