"""The metrics of a map as one array."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from visualizer.analysis import metrics
from visualizer.analysis.columns import MEASURES
from visualizer.attention import AttentionMap
from visualizer.run import Run
from visualizer.viewer.exhibits import Exhibit
from visualizer.viewer.forming import MOST, held

AT_ONCE = 2**26
"""Weights that are held while they are measured, as each measure reads all: 256 MiB of float32."""

Formed = Callable[[AttentionMap], AttentionMap]


def metrics_of(run: Run, shown: Exhibit, formed: Formed) -> Any:
    """Return (batch, head, measure), NaN where a measure has no meaning; means over calls that continue.

    ``formed`` may form a map that is small; of larger ones some heads are formed at a time.
    """
    heads, others = shown.map.shape[1], prod((shown.map.shape[0], *shown.map.shape[2:]))
    if heads * others <= MOST:
        return _of_heads(run, shown, None, formed)
    step = max(1, AT_ONCE // others)
    parts = [slice(begin, begin + step) for begin in range(0, heads, step)]
    return np.concatenate(
        [_of_heads(run, shown, part, lambda map_: held(map_, AT_ONCE)) for part in parts], 1
    )


def _of_heads(run: Run, shown: Exhibit, heads: slice | None, formed: Formed) -> Any:
    """Measure some heads, or the maps themselves: those that were formed before are known by identity."""
    calls = list(shown.calls)
    if heads is not None:
        calls = [replace(call, content=call.map[:, heads]) for call in calls]
    rows = metrics(run, (replace(call, content=formed(call.map)) for call in calls))
    values = np.array([[row[name] for name in MEASURES] for row in rows], np.float64)
    weights = np.array([call.shape[-2] for call in calls], np.float64)
    shape = (len(calls), *calls[0].shape[:2], len(MEASURES))
    return (values.reshape(shape) * (weights / weights.sum())[:, None, None, None]).sum(0)
