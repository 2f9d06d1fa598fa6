"""The metrics of a map as one array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from visualizer.analysis import metrics
from visualizer.analysis.columns import MEASURES
from visualizer.run import Run
from visualizer.viewer.exhibits import Exhibit


def metrics_of(run: Run, shown: Exhibit, measures: Sequence[str] = tuple(MEASURES)) -> Any:
    """Return (batch, head, measure), NaN where a measure has no meaning; means over calls that continue."""
    shape = (len(shown.calls), *shown.map.shape[:2], len(measures))
    rows = metrics(run, shown.calls, measures)
    values = np.array([[row[name] for name in measures] for row in rows], np.float64).reshape(shape)
    weights = np.array([call.shape[-2] for call in shown.calls], np.float64)
    return (values * (weights / weights.sum())[:, None, None, None]).sum(0)
