"""What of a run is shown as one map: a call, or the calls that continue one sequence, with its axes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from visualizer.attention import AttentionMap
from visualizer.axes import Axis
from visualizer.calls import Call
from visualizer.plots.asking import Options
from visualizer.plots.generations import continue_one
from visualizer.plots.sources import subject_of
from visualizer.run import Run

MOST = 1000
"""Maps of a run that a page is told of."""
LOOKED = 20_000
"""Calls of a run that are looked at, as later ones may continue earlier ones."""
REMEDY = "show a part of the run, such as run[1000:2000] or run['blocks.3.*']"


@dataclass(frozen=True)
class Exhibit:
    """One map (batch, head, query, key) of a run.

    ``queries`` and ``keys`` have an axis for each row of the batch, or one for all; ``places`` says where in
    the sequence each row is, if rows are not all of it.
    """

    run: int
    calls: tuple[Call, ...]
    map: AttentionMap
    queries: tuple[Axis, ...]
    keys: tuple[Axis, ...]
    places: tuple[int, ...] = ()

    @property
    def first(self) -> Call:
        """Its first call."""
        return self.calls[0]


def exhibits(run: Run, number: int = 0) -> tuple[list[Exhibit], str]:
    """Return what is shown of a run, in the order of its first calls, and a sentence on the rest, or "".

    What is no map is left out; of a run of very many calls the first are shown.
    """
    looked = run[:LOOKED]
    calls = [call for call in looked if isinstance(call.content, AttentionMap) and not call.levels]
    groups = sorted(_groups(calls), key=lambda group: group[0].order)
    left = sum(map(len, groups[MOST:])) + len(run) - len(looked)
    said = f"{left} of {len(run)} calls are not shown: {REMEDY}." if left else ""
    return [_exhibit(run, group, number) for group in groups[:MOST]], said


def omitted_of(run: Run) -> Iterator[str]:
    """Yield a sentence for each module whose maps the page does not draw."""
    for path in dict.fromkeys(call.path for call in run[:LOOKED] if call.levels):
        yield (
            f"{path or 'The model'} reads a feature map at points that it computes, which are no keys, so it "
            "is not drawn here: visualizer.plots.sampling draws them."
        )


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


def _exhibit(run: Run, calls: tuple[Call, ...], number: int) -> Exhibit:
    part = run._part(list(calls))  # noqa: SLF001  # a run of these calls alone
    subjects = [subject_of(part, Options(batch=row)) for row in range(calls[0].shape[0])]
    first = subjects[0]
    queries, keys = ([getattr(one, side) for one in subjects] for side in ("queries", "keys"))
    return Exhibit(number, calls, first.map, _common(queries), _common(keys), first.places)


def _common(axes: Sequence[Axis]) -> tuple[Axis, ...]:
    """Return one axis where all are the same."""
    return (axes[0],) if all(axis == axes[0] for axis in axes[1:]) else tuple(axes)
