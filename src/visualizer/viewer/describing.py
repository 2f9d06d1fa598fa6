"""What made a run, and what its metrics mean, in words."""

from __future__ import annotations

from typing import Any

from visualizer.analysis.columns import MEASURES
from visualizer.escaping import visible
from visualizer.run import Run
from visualizer.viewer.protocol import Measure, RunInfo

ABOUT = {
    "entropy": ("nats", "how spread the weights are: −Σ a log a, mean over queries"),
    "relative_entropy": ("share", "that over the log of how many keys the query sees; 1 is uniform"),
    "distance": ("tokens", "mean distance from a query to its keys"),
    "distance_in_pixels": ("pixels", "mean distance from a patch to the patches it attends to"),
    "diagonal": ("share", "weight on the token itself"),
    "previous_token": ("share", "weight on the token before"),
    "next_token": ("share", "weight on the token after"),
    "first_token": ("share", "weight on the first key"),
    "special_tokens": ("share", "weight on class tokens, registers, [SEP] and the like"),
    "padding": ("share", "weight on padding, of real queries: a bug unless 0"),
    "sinks": ("keys", "number of keys that receive above 0.3 on average"),
    "sink_mass": ("share", "weight on the keys that receive above 0.3 on average"),
    "rest": ("share", "what the weights lack to 1: a sink without a key took it"),
    "same_token": ("share", "weight on the query's own token, wherever it is"),
    "duplicate_token": ("share", "weight on the query's own token where it was before"),
    "induction": ("share", "weight on what followed the query's token before"),
}
"""Of each measure its unit, and what it says."""


def run_info(run: Run, number: int) -> RunInfo:
    """Return a run's name, path and provenance as the page has them."""
    made = {name: _said(value) for name, value in run.provenance.items()}
    name = visible(str(run.provenance.get("model") or f"run {number}"))  # which is written as UTF-8
    return RunInfo(name, run.stored_at, sorted(made.items()), str(run.checks))


def measures_told() -> list[Measure]:
    """Return the columns of metrics with their units."""
    return [Measure(name, *ABOUT[name]) for name in MEASURES]


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_said(one)}" for name, one in value.items())
    return str(value)
