"""One table of what every head of a run does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from visualizer.analysis.distances import distance
from visualizer.analysis.entropies import entropy
from visualizer.analysis.means import over_queries
from visualizer.analysis.offsets import offset
from visualizer.analysis.repeats import duplicate_token, induction, same_token
from visualizer.analysis.sink_tokens import first_token, group_mass, sinks
from visualizer.attention import AttentionMap
from visualizer.axes import Axis, Ids, Patches, Special, Text
from visualizer.calls import Call
from visualizer.errors import CallsError, OptionError
from visualizer.images import Seen
from visualizer.readout_table import PLACES, Table, item_of
from visualizer.run import Run

Measure = Callable[[AttentionMap, "Axis | None", Any], Any]
"""Given a map, what its keys are, and the image's size, (..., head); None where it has no meaning."""


def _spatial(a: AttentionMap, axis: Axis | None, size: Any) -> Any:
    if size is None or axis is None or axis.length != a.shape[-2]:
        return None
    return distance(a, axis, size=size) if any(isinstance(one, Patches) for one in axis.segments) else None


def _special(a: AttentionMap, axis: Axis | None, _size: Any) -> Any:
    if axis is None:
        return None
    is_special = [isinstance(one, Special) for one in axis.segments for _ in range(one.length)]
    return group_mass(a, np.array(is_special)) if any(is_special) else None


def _repeating(measure: Callable[[AttentionMap, Sequence[str]], Any]) -> Measure:
    def of(a: AttentionMap, axis: Axis | None, _size: Any) -> Any:
        if axis is None or not any(isinstance(one, Text | Ids) for one in axis.segments):
            return None
        return measure(a, axis.names)

    return of


MEASURES: dict[str, Measure] = {
    "entropy": lambda a, _axis, _size: entropy(a),
    "relative_entropy": lambda a, _axis, _size: entropy(a, unit="relative"),
    "distance": lambda a, _axis, _size: distance(a),
    "distance_in_pixels": _spatial,
    "diagonal": lambda a, _axis, _size: offset(a, 0),
    "previous_token": lambda a, _axis, _size: offset(a, -1),
    "next_token": lambda a, _axis, _size: offset(a, 1),
    "first_token": lambda a, _axis, _size: first_token(a),
    "special_tokens": _special,
    "sinks": lambda a, _axis, _size: sinks(a).sum(-1),
    "rest": lambda a, _axis, _size: over_queries(a, a.rest),
    "same_token": _repeating(same_token),
    "duplicate_token": _repeating(duplicate_token),
    "induction": _repeating(induction),
}


def metrics(run: Run, calls: Iterable[Call] | None = None, measures: Sequence[str] | None = None) -> Table:
    """Return one row for each call, row of the batch and head, with a column for each measure.

    ============================  ==========================================================  ===============
    column                        the mean over queries of                                    unit
    ============================  ==========================================================  ===============
    ``entropy``                   −Σ a log a                                                  nats
    ``relative_entropy``          that over the log of how many keys the query sees           share
    ``distance``                  the distance to the keys                                    tokens
    ``distance_in_pixels``        the distance to the patches, of patches                     pixels
    ``diagonal``                  the weight on the token itself                              share
    ``previous_token``            the weight on the token before                              share
    ``next_token``                the weight on the token after                               share
    ``first_token``               the weight on the first key                                 share
    ``special_tokens``            the weight on class tokens, registers, ``[SEP]`` …          share
    ``sinks``                     (their number: keys that receive above 0.3 on average)      keys
    ``rest``                      what the weights lack to 1: sinks without a key took it     share
    ``same_token``                the weight on the query's own token, wherever it is         share
    ``duplicate_token``           the weight on it where it was before                        share
    ``induction``                 the weight on what followed it before                       share
    ============================  ==========================================================  ===============

    Of all calls of the run, or only of some; of all measures, or only of some. A value is NaN where it has
    no meaning: pixels without an image and patches (`Run.label`), tokens without their text or ids. Nothing
    as large as a map is formed.

    Raises
    ------
    OptionError
        If there is no such measure.
    CallsError
        If the run holds read-outs in the place of maps.

    Examples
    --------
    >>> import numpy, visualizer
    >>> run = visualizer.from_arrays({"layer.0": numpy.eye(4)[None]})
    >>> metrics(run, measures=["entropy", "diagonal"])
       path  call  item  batch  head  entropy  diagonal
    layer.0     0  None      0     0        0         1
    """
    measures = tuple(MEASURES) if measures is None else measures
    if unknown := [name for name in measures if name not in MEASURES]:
        raise OptionError(f"the measure {unknown[0]!r} was asked for; there are {', '.join(MEASURES)}")
    return Table(row for call in (run if calls is None else calls) for row in _rows(run, call, measures))


def _rows(run: Run, call: Call, measures: Sequence[str]) -> Iterator[dict[str, Any]]:
    a = call.map
    for batch in range(a.shape[0]):
        axis, size = _axis(run, call, batch), _size(run)
        found = {
            name: _values(MEASURES[name](a[batch : batch + 1], axis, size), a.shape[1]) for name in measures
        }
        for head in range(a.shape[1]):
            places = (call.path, call.number, item_of(call, batch), batch, head)
            yield dict(zip(PLACES, places, strict=True)) | {n: float(v[head]) for n, v in found.items()}


def _size(run: Run) -> Any:
    """Return height and width in pixels of what the model was given, where that is one image."""
    return run.seen.box[:1:-1] if isinstance(run.seen, Seen) else None


def _values(found: Any, heads: int) -> Any:
    return np.full(heads, np.nan) if found is None else np.asarray(found).reshape(heads)


def _axis(run: Run, call: Call, batch: int) -> Axis | None:
    try:
        return run.axis(call, row=batch)
    except CallsError:
        return None
