"""The metrics of a map as one array."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from visualizer.analysis import metrics
from visualizer.analysis.columns import MEASURES
from visualizer.attention import AttentionMap
from visualizer.run import Run
from visualizer.viewer.exhibits import Exhibit


def metrics_of(run: Run, shown: Exhibit, formed: Callable[[AttentionMap], AttentionMap]) -> Any:
    """Return (batch, head, measure), NaN where a measure has no meaning; means over calls that continue.

    ``formed`` may form a map, as each measure reads all of it.
    """
    shape = (len(shown.calls), *shown.map.shape[:2], len(MEASURES))
    calls = (replace(call, content=formed(call.map)) for call in shown.calls)
    values = np.array([[row[name] for name in MEASURES] for row in metrics(run, calls)], np.float64)
    weights = np.array([call.shape[-2] for call in shown.calls], np.float64)
    return (values.reshape(shape) * (weights / weights.sum())[:, None, None, None]).sum(0)
