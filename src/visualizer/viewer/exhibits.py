"""What of a run is shown as one map: a call, or the calls that continue one sequence, with its axes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from visualizer.attention import AttentionMap
from visualizer.axes import Axis
from visualizer.calls import Call
from visualizer.plots.asking import Options
from visualizer.plots.generations import continue_one, grow
from visualizer.plots.sources import subject_of
from visualizer.run import Run

MOST = 20_000
"""Calls of a run that a page is told of."""
REMEDY = "show a part of the run, such as run[20000:40000] or run['blocks.3.*']"


@dataclass(frozen=True)
class Exhibit:
    """One map (batch, head, query, key) of a run.

    ``queries`` and ``keys`` have an axis for each row of the batch, or one for all; ``places`` says where in
    the sequence each row is, if rows are not all of it; ``options`` name it for `visualizer.plots`.
    """

    run: int
    calls: tuple[Call, ...]
    map: AttentionMap
    queries: tuple[Axis, ...]
    keys: tuple[Axis, ...]
    places: tuple[int, ...] = ()
    options: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def first(self) -> Call:
        """Its first call."""
        return self.calls[0]

    @property
    def steps(self) -> list[int] | None:
        """The first query of each call; None of one call."""
        counts = [call.shape[-2] for call in self.calls]
        return list(accumulate(counts[:-1], initial=0)) if len(counts) > 1 else None

    @property
    def grows(self) -> bool:
        """Whether queries of a call are keys of the next, as in a generation, not in cross-attention."""
        return len(self.calls) > 1 and grow(self.calls)


def exhibits(run: Run, number: int = 0) -> tuple[list[Exhibit], str]:
    """Return what is shown of a run, in the order of its first calls, and a sentence on the rest, or "".

    What is no map is left out; of a run of very many calls the first are shown.
    """
    looked = run[:MOST]
    calls = [call for call in looked if isinstance(call.content, AttentionMap) and not call.levels]
    groups = sorted(_groups(calls), key=lambda group: group[0].order)
    left = len(run) - len(looked)
    said = f"{left} of {len(run)} calls are not shown: {REMEDY}." if left else ""
    beside: dict[str, list[Call]] = {}
    for call in looked:
        beside.setdefault(call.path, []).append(call)
    return [_exhibit(run, group, number, beside[group[0].path]) for group in groups], said


def options_of(calls: Sequence[Call], beside: Sequence[Call]) -> dict[str, str | int]:
    """Return the options of `visualizer.plots` that name calls which are one map, of all calls of a module.

    Examples
    --------
    >>> import numpy, visualizer
    >>> run = visualizer.from_arrays({"layer.0": numpy.eye(4)[None]})
    >>> options_of(run.calls("layer.0"), run.calls("layer.0"))
    {'layer': 'layer.0'}
    """
    first = calls[0]
    named: dict[str, str | int] = {"layer": first.path}
    if len(calls) > 1:
        sequences = {call.sequence for call in beside}
        return named | ({"sequence": first.sequence} if len(sequences) > 1 else {})
    number = bisect_left(beside, first.order, key=lambda call: call.order)
    return named | ({"call": number} if len(beside) > 1 else {})


def _groups(calls: Sequence[Call]) -> Iterator[tuple[Call, ...]]:
    """Return calls of one module and sequence together where they continue one another."""
    sequences: dict[tuple[str, Any, int], list[Call]] = {}
    for call in calls:
        sequences.setdefault((call.path, repr(call.item), call.sequence), []).append(call)
    for group in sequences.values():
        if continue_one(group):
            yield tuple(group)
        else:
            yield from ((call,) for call in group)


def _exhibit(run: Run, calls: tuple[Call, ...], number: int, beside: Sequence[Call]) -> Exhibit:
    part = run._part(list(calls))  # noqa: SLF001  # a run of these calls alone
    subjects = [subject_of(part, Options(batch=row)) for row in range(calls[0].shape[0])]
    first = subjects[0]
    queries, keys = ([getattr(one, side) for one in subjects] for side in ("queries", "keys"))
    options = options_of(calls, beside)
    return Exhibit(number, calls, first.map, _common(queries), _common(keys), first.places, options)


def _common(axes: Sequence[Axis]) -> tuple[Axis, ...]:
    """Return one axis where all are the same."""
    return (axes[0],) if all(axis == axes[0] for axis in axes[1:]) else tuple(axes)
