"""The calls of a layer that continue one sequence: which of its tokens their rows are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from visualizer.attention import AttentionMap, readouts
from visualizer.calls import Call


def continue_one(calls: Sequence[Call]) -> bool:
    """Tell whether calls are the steps of one sequence, as those of a generation are.

    Calls of a diffusion model, or of one picture after another, have one shape and more than one query.
    """
    if len(calls) < 2 or not all(isinstance(call.content, AttentionMap) for call in calls):
        return False
    alike = len({call.shape[-2:] for call in calls}) == 1
    return len({call.sequence for call in calls}) == 1 and (not alike or calls[0].shape[-2] == 1)


def places_of(calls: Sequence[Call], batch: int) -> tuple[int, ...]:
    """Return the place of each row in the sequence; () where rows are all of its tokens from the first on.

    Where some queries alone were kept, such as the last, a query's place is that of the last key that it can
    see. Where all see all keys, as in cross-attention, this says nothing, and rows are counted.
    """
    kept = sum(call.shape[-2] for call in calls)
    if kept >= max(map(_end, calls)):
        return ()
    places = [place for call in calls for place in _last_seen(call, batch)]
    rising = all(one < next_ for one, next_ in pairwise(places))
    return tuple(places) if rising and places != list(range(kept)) else ()


def grow(calls: Sequence[Call]) -> bool:
    """Tell whether later calls have keys that the first had not, as their own queries are."""
    return max(map(_end, calls)) > _end(calls[0])


def _end(call: Call) -> int:
    return call.first_key + call.shape[-1]


def _last_seen(call: Call, batch: int) -> list[int]:
    """Return the place of the last key that each query of a call can see."""
    source, at = call.map.opened()
    own: Any = (at[0][batch : batch + 1], at[1][:1], *at[2:])
    seen, (queries, keys) = readouts.seen(source, own), call.shape[-2:]
    if seen is None:
        return [call.first_key + keys - 1] * queries
    seen = np.broadcast_to(source.xp.as_numpy(seen), (1, 1, queries, keys))[0, 0]
    return [call.first_key + int(np.flatnonzero(row)[-1]) if row.any() else -1 for row in seen]
