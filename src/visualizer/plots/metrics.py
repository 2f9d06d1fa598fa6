"""A number of each head, by layer or call by call: read out of maps, or kept in their place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isnan
from typing import TYPE_CHECKING, Any

import numpy as np

from visualizer.attention import AttentionMap
from visualizer.calls import Call
from visualizer.errors import CallsError, OptionError
from visualizer.plots.arrays import Floats
from visualizer.plots.asking import PAGE, Options, takes
from visualizer.plots.graphs import Graphs
from visualizer.plots.paths import layer_names
from visualizer.plots.sheets import draw_sheet
from visualizer.plots.telling import Facts, layer_name
from visualizer.readout_table import PLACES, Table
from visualizer.run import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

UNITS = {
    "entropy": "entropy (nats)",
    "expected_position": "mean key",
    "distance": "distance (tokens)",
    "distance_in_pixels": "distance (pixels)",
}
OVER = ("layers", "calls")


@takes("layer", "sequence", *PAGE)
def curves(
    run: Run | Table,
    metric: str | Callable[..., Any] = "entropy",
    *,
    over: str = "layers",
    groups: Mapping[str, Any] | None = None,
    **options: Any,
) -> Figure:
    """Draw a read-out of each head, by layer or call by call, with the mean of a layer's heads as a line.

    Parameters
    ----------
    run
        A run, or a table of its heads that was made already: ``curves(run.metrics(), "first_token")``.
    metric
        What `Run.table` takes: "entropy", "rest", "mass" (with ``groups=``), a function of a map; of a run
        that kept read-outs in the place of maps, the name of one; of a table that of a column.
    over
        "layers", or "calls": over the steps of a generation, a line for each layer.
    groups
        Groups of keys by name, a line each.

    Raises
    ------
    CallsError
        If the run has neither a map nor such a read-out.
    OptionError
        If the read-out, column or an option is unknown, if a table has no row for each head, or if there are
        several groups of several layers over calls.

    Examples
    --------
    >>> import visualizer
    >>> run = visualizer.from_arrays({f"layer.{n}": np.full((4, 8, 8), 1 / 8) for n in range(3)})
    >>> curves(run).axes[0].get_ylabel()
    'entropy (nats)'
    >>> curves(run.metrics(), "first_token").axes[0].get_ylabel()
    'first_token'
    """
    asked = Options.read(options)
    if over not in OVER:
        raise OptionError(f"over={over!r} was asked for; give one of {', '.join(map(repr, OVER))}")
    calls = [] if isinstance(run, Table) else _read_calls(run, metric, asked)
    if isinstance(run, Table):
        table = _column(run, metric, {"path", "head", *(["call"] if over == "calls" else [])}, asked, groups)
    else:
        table = Run(calls).table(metric, **({} if groups is None else {"groups": groups}))
    graphs, told = (_by_layer if over == "layers" else _by_call)(table, metric)
    reading = [*told, *Facts(calls=tuple(calls)).checked]
    return draw_sheet([graphs], reading, asked)


def _column(table: Table, metric: Any, places: set[str], asked: Options, groups: Any) -> Table:
    """Return one column of a table of heads, with what says of which head each number is, where told."""
    if groups is not None or asked.layer is not None or asked.sequence is not None:
        raise OptionError("groups=, layer= and sequence= are for runs: make the table of what is to be drawn")
    if not {*places, metric} <= {*table.columns} or metric in PLACES:
        there = ", ".join(table.columns) or "no row"
        raise OptionError(
            f"the column {metric!r} was to be drawn of a row for each head; the table has {there}"
        )
    column = Table({name: row.get(name) for name in (*PLACES, metric)} for row in table)
    if all(isnan(row[metric]) for row in column):
        raise OptionError(f"the column {metric!r} was to be drawn, but has no number: see analysis.metrics")
    return column


def _read_calls(run: Run, metric: str | Callable[..., Any], asked: Options) -> list[Call]:
    """Return the calls that are asked for of which the map was kept, or this read-out."""
    asked_for = "*" if asked.layer is None else asked.layer
    found = [
        call for call in run.some_calls(asked_for, "to be drawn") if not call.levels
    ]  # points are no keys
    found = [call for call in found if asked.sequence in (None, call.sequence)]
    maps = [call for call in found if isinstance(call.content, AttentionMap)]
    kept = [call for call in found if isinstance(call.content, dict)]
    calls = maps or [call for call in kept if metric in call.content]
    if not calls and kept:
        there = ", ".join(map(repr, kept[0].content))
        raise CallsError(f"{metric!r} was to be drawn, but in the place of maps the run has {there}")
    if not calls:
        raise CallsError(f"maps of {asked_for!r} were to be drawn, but the run has none: {run!r:.200}")
    return calls


def _by_layer(table: Any, metric: str | Callable[..., Any]) -> tuple[Graphs, list[str]]:
    layers = list(dict.fromkeys(row["path"] for row in table))
    series = {name: _numbers(table, name, "path", layers) for name in _read(table)}
    names, shared = layer_names(layers)
    rows = len({(row["call"], row["item"], row["batch"]) for row in table})
    mean = f"Means over queries{f' and {rows} calls or rows of the batch' if rows > 1 else ''}."
    graphs = Graphs(series, names, "layer", _unit(metric))
    each = "Each dot is a head, the line the mean of a layer's heads."
    return graphs, [each, *_graded(graphs), mean, *shared]


def _by_call(table: Any, metric: str | Callable[..., Any]) -> tuple[Graphs, list[str]]:
    layers = list(dict.fromkeys(row["path"] for row in table))
    calls, read = sorted({row["call"] for row in table}), _read(table)
    if len(layers) > 1 and len(read) > 1:
        what = f"{len(read)} groups of {len(layers)} layers were to be drawn over calls"
        raise OptionError(f"{what}: give the layer= of one")
    if len(layers) == 1:
        series = {name: _numbers(table, name, "call", calls) for name in read}
        told = [*Facts({"layer": layer_name(layers[0])}).whence, "Each dot is a head, the line their mean."]
    else:
        names, shared = layer_names(layers)
        series = {
            name: _numbers([row for row in table if row["path"] == path], read[0], "call", calls)
            for name, path in zip(names, layers, strict=True)
        }
        told = ["Each line is a layer, the mean of its heads.", *shared]
    graphs = Graphs(series, [str(call) for call in calls], "call", _unit(metric), dots=len(layers) == 1)
    rows = len({(row["item"], row["batch"]) for row in table})
    mean = f"Means over a call's queries{f' and {rows} rows of the batch' if rows > 1 else ''}."
    return graphs, [*told, *_graded(graphs), mean]


def _graded(graphs: Graphs) -> list[str]:
    names = list(graphs.series)
    return [f"Lines go from {names[0]} (blue) to {names[-1]} (orange)."] if graphs.are_graded else []


def _read(table: Any) -> list[str]:
    return [name for name in table.columns if name not in PLACES]


def _unit(metric: str | Callable[..., Any]) -> str:
    word = metric if isinstance(metric, str) else getattr(metric, "__name__", "read-out")
    return UNITS.get(word, "read-out" if word == "<lambda>" else word)


def _numbers(rows: Sequence[dict[str, Any]], name: str, by: str, places: Sequence[Any]) -> Floats:
    """Return means (place, head) of a column over all rows of one place and head."""
    heads = 1 + max(row["head"] for row in rows)
    sums, counts = np.zeros((2, len(places), heads))
    numbered = {place: number for number, place in enumerate(places)}
    for row in rows:
        at = numbered[row[by]], row["head"]
        if not isnan(row[name]):  # a measure without a meaning there
            sums[at] += row[name]
            counts[at] += 1
    return np.where(counts > 0, sums / counts.clip(1), np.nan)
