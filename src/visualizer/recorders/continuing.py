"""Which sequence a formed map goes on with: told by the values that its product takes, step by step.

A generation's maps are dense and hold no keys, but each step's values are those of the step before and some
more. They are kept until the recording ends, and only where a map may be a step: causal, or with fewer
queries than keys.
"""

from __future__ import annotations

from typing import Any

import torch

from visualizer.recorders.holding import Holder


def place_in_sequence(
    value: torch.Tensor, values: torch.Tensor | None, slot: Any, holder: Holder
) -> tuple[int, int]:
    """Return the position of a map's first key, and the number of its sequence.

    Parameters
    ----------
    value
        The map (..., query, key).
    values
        What its product takes, (..., key, width), or None where that is not known.
    slot
        Whose maps may continue one another.
    holder
        Where values are kept.
    """
    queries, keys = value.shape[-2:]
    if values is None or values.shape[-2] != keys or not _may_be_a_step(value):
        return 0, holder.begin_keys(slot)
    seen = _seen_keys(value) if queries < keys else None
    _, first_key, sequence = holder.hold_keys(values, slot, queries, seen)
    return first_key, sequence


def _may_be_a_step(value: torch.Tensor) -> bool:
    """Tell whether a map has fewer queries than keys, or its last key is seen by the last query alone."""
    queries, keys = value.shape[-2:]
    return queries < keys or (queries == keys and not bool(_weight(value[..., -2:-1, :])[..., -1].any()))


def _seen_keys(value: torch.Tensor) -> torch.Tensor:
    """Return which keys (key,) have weight in any row."""
    return _weight(value).flatten(0, -2).any(0)


def _weight(value: torch.Tensor) -> torch.Tensor:
    """Return where a map has weight: rows that a mask hides whole are even, and have none."""
    smallest, largest = value.aminmax(dim=-1, keepdim=True)
    return (value > 0) & (smallest < largest)
