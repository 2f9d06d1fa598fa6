"""What made a run, and what its metrics mean, in words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
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


def run_infos(runs: Sequence[Run]) -> list[RunInfo]:
    """Return each run's name, unlike the others', path and provenance as the page has them."""
    return [_info(run, name) for run, name in zip(runs, _names(runs), strict=True)]


def _names(runs: Sequence[Run]) -> list[str]:
    """Return the names of the models; where they are the same, with the runs' files, or numbers, too."""
    numbers = [f"run {number}" for number in range(len(runs))]
    models = [str(run.provenance.get("model") or number) for run, number in zip(runs, numbers, strict=True)]
    if len({*models}) == len(runs):
        return models
    files = [Path(run.stored_at).name if run.stored_at else "" for run in runs]
    more = files if len({*files}) == len(runs) and all(files) else numbers
    return [f"{model} · {one}" for model, one in zip(models, more, strict=True)]


def _info(run: Run, name: str) -> RunInfo:
    made = {name: _said(value) for name, value in run.provenance.items()}
    return RunInfo(visible(name), run.stored_at, sorted(made.items()), str(run.checks))  # written as UTF-8


def measures_told() -> list[Measure]:
    """Return the columns of metrics with their units."""
    return [Measure(name, *ABOUT[name]) for name in MEASURES]


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_said(one)}" for name, one in value.items())
    return str(value)
