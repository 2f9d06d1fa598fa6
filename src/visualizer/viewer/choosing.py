"""Which parts of a payload go into one file: all overviews, then the rows of the most telling heads."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from visualizer.analysis.columns import MEASURES
from visualizer.escaping import visible
from visualizer.viewer.arrays import refs_of
from visualizer.viewer.payload import Payload
from visualizer.viewer.protocol import (
    Absent,
    BlobRef,
    Factored,
    Formed,
    Manifest,
    MapInfo,
    Rows,
    SamplingInfo,
    plain,
)
from visualizer.viewer.writing import Written, embedded, written

SAID_OF_MAP = 50
"""Bytes for what is told of a map beside its arrays, its names and its heads."""
OF_PICTURES, OF_OVERVIEWS = 0.6, 0.95
"""Shares of the budget that images and points, and that overviews too, may take before some are left out."""
NAMED = 8
"""Paths that are named of what was left out."""


@dataclass
class Choice:
    """What goes into a file: arrays by name as they are written, and maps with the rows that fit."""

    budget: float
    arrays: dict[str, Written] = field(default_factory=dict)
    taken: int = 0
    """Bytes so far."""
    rates: dict[str, float] = field(default_factory=dict)
    """The fewest bytes for a byte that arrays of each role took so far."""

    def take(self, payload: Payload, refs: Collection[BlobRef], share: float = 1, told: int = 0) -> bool:
        """Take arrays unless all, with what is ``told`` of them in bytes, go beyond a share of the budget.

        What would go beyond it at the rate of the smallest before is not even made.
        """
        new = {one.name: one for one in refs if one.name not in self.arrays}
        if not self.may_take([(_role(one.name), one.nbytes) for one in new.values()], share):
            return False
        made = {name: written(name, payload.blob(name)) for name in new}
        for name, one in made.items():
            rate = one.size / max(1, new[name].nbytes)
            self.rates[_role(name)] = min(rate, self.rates.get(_role(name), rate))
        size = told + sum(one.size for one in made.values())
        if self.taken + size > share * self.budget:
            return False
        self.arrays |= made
        self.taken += size
        return True

    def may_take(self, sizes: Iterable[tuple[str, int]], share: float = 1) -> bool:
        """Tell whether arrays of roles and bytes may fit, as far as that can be told beforehand."""
        least = sum(size * self.rates.get(role, 0) for role, size in sizes)
        return self.taken + least <= share * self.budget


def chosen(payload: Payload, budget: int, heads: Collection[int] | None) -> tuple[Manifest, Choice]:
    """Return what the page is told of what goes into a file of a budget of bytes, and its arrays.

    Overviews, metrics and images come first, then the rows of heads, the most concentrated ones that look
    elsewhere than at first and special tokens before the others. Each is made, taken and let go of.
    """
    told, choice = payload.outline, Choice(budget)
    images = [choice.take(payload, [one.blob], OF_PICTURES) for one in told.images]
    maps = [
        one for one in told.maps if choice.take(payload, _small(one), OF_OVERVIEWS, _told(one) + SAID_OF_MAP)
    ]
    padding = {one.id: payload.padding(one.id) for one in maps}
    maps = [one for one in maps if choice.take(payload, list(refs_of(padding[one.id])))]
    samplings = [_sampled(payload, choice, one) for one in told.samplings]
    left = _heads_taken(payload, choice, maps, heads)
    omitted = [
        *told.omitted,
        *_images_left(images),
        *_points_left(samplings),
        *_omitted(payload, maps, left, heads),
    ]
    maps = [  # their numbers are places in the list, which is shorter now
        replace(one, id=place, padding=padding[one.id], rows=_kept(payload, one, left[one.id]))
        for place, one in enumerate(maps)
    ]
    return replace(told, maps=maps, samplings=samplings, omitted=omitted), choice


def _images_left(taken: Sequence[bool]) -> Iterator[str]:
    if not all(taken):
        yield (
            f"{len(taken) - sum(taken)} of {len(taken)} images were left out of this file, which a larger "
            "max_mb= or visualizer view RUN shows."
        )


def _sampled(payload: Payload, choice: Choice, one: SamplingInfo) -> SamplingInfo:
    """Return a call with those of its points that go into a file."""
    points = [
        [ref if ref and choice.take(payload, [ref], OF_PICTURES) else None for ref in row]
        for row in one.points
    ]
    return replace(one, points=points)


def _points_left(samplings: Sequence[SamplingInfo]) -> Iterator[str]:
    refs = [ref for one in samplings for row in one.points for ref in row]
    if None in refs:
        yield (
            f"The points of {refs.count(None) / len(refs):.0%} of the queries of deformable attention were "
            "left out of this file, which a larger max_mb= or visualizer view RUN shows."
        )


def _heads_taken(
    payload: Payload, choice: Choice, maps: Sequence[MapInfo], heads: Collection[int] | None
) -> dict[int, list[bool]]:
    """Take the rows of heads that fit, and return which of each map's."""
    left = {one.id: [False] * (one.shape[0] * one.shape[1]) for one in maps}
    sizes = {one.id: payload.least(one.id) for one in maps}
    for number, place in _order(choice, maps, heads):
        if not choice.may_take([sizes[number]]):
            continue
        rows = payload.rows(number)
        if not isinstance(rows, Factored | Formed):
            continue
        told = _told(rows.heads[place]) + (0 if any(left[number]) else _told(_only(rows, left[number])))
        left[number][place] = choice.take(payload, _parts(rows, place), told=told)
    return left


def _role(name: str) -> str:
    """Return what an array is of, the last part of its name: arrays of one role are packed alike."""
    return name.rpartition(".")[2]


def _small(one: MapInfo) -> list[BlobRef]:
    return [*refs_of(one.overview), *refs_of(one.metrics)]


def _order(
    choice: Choice, maps: Sequence[MapInfo], heads: Collection[int] | None
) -> Iterator[tuple[int, int]]:
    """Yield map and place of every head that may be taken, the most telling first."""
    places = [
        (one.id, place)
        for one in maps
        for place in range(one.shape[0] * one.shape[1])
        if heads is None or place % one.shape[1] in heads
    ]
    scores = {one.id: _telling(choice, one) for one in maps}
    return iter(sorted(places, key=lambda at: -scores[at[0]][at[1]]))


def _telling(choice: Choice, one: MapInfo) -> Any:
    """Return (batch and head,): how concentrated a head is, but on first and special tokens."""
    columns = list(MEASURES)
    if one.metrics is None:
        return np.ones(one.shape[0] * one.shape[1])
    values = np.nan_to_num(choice.arrays[one.metrics.name].array().reshape(-1, len(columns)))
    entropy, first, special = (
        values[:, columns.index(name)] for name in ("relative_entropy", "first_token", "special_tokens")
    )
    return (1 - entropy) * (1 - np.maximum(first, special))


def _parts(rows: Any, place: int) -> list[BlobRef]:
    shared = [one for one in (getattr(rows, "bias", None), getattr(rows, "mask", None)) if one is not None]
    return [*refs_of(rows.heads[place]), *shared]


def _kept(payload: Payload, one: MapInfo, kept: Sequence[bool]) -> Rows:
    """Return how the page comes by the rows of a map's heads that were kept."""
    if payload.rows_asked(one.id) == []:
        return payload.rows(one.id)
    if not any(kept):
        return Absent("they were left out of this file")
    return _only(payload.rows(one.id), kept)


def _only(rows: Any, kept: Sequence[bool]) -> Rows:
    """Return rows without the heads that were left out."""
    heads = [head if keep else None for head, keep in zip(rows.heads, kept, strict=True)]
    some: Rows = replace(rows, heads=heads)
    return some


def _told(part: Any) -> int:
    """Return how many bytes it takes to tell of rows, or of a head."""
    return len(embedded(plain(part)))


def _omitted(
    payload: Payload, maps: Sequence[MapInfo], left: dict[int, list[bool]], heads: Collection[int] | None
) -> Iterator[str]:
    remedy = "visualizer view RUN shows all of them, and modules=, heads= or a larger max_mb= choose others"
    every = payload.outline.maps
    if left_out := _named_left(every, maps):
        count = f"{len(every) - len(maps)} of {len(every)} maps"
        yield f"{count} were left out of this file, of {left_out}: {remedy}."
    if some := [(asked, one) for one in every if (asked := payload.rows_asked(one.id))]:
        asked, one = some[0]
        yield (
            f"Only the rows of {len(asked)} of {one.shape[2]} queries are in this file, those of queries=: "
            "visualizer view RUN shows all of them."
        )
    flags = [flag for one in left.values() for flag in one]
    if heads is None and not all(flags):
        yield (
            f"The rows of {len(flags) - sum(flags)} of {len(flags)} heads were left out of this file, the "
            f"least telling ones; their overviews are here, and About lists whose rows are: {remedy}."
        )


def _named_left(every: Sequence[MapInfo], maps: Sequence[MapInfo]) -> str:
    """Return the paths of maps that were left out, of many the first; "" where none was."""
    here = {one.id for one in maps}
    paths = list(dict.fromkeys(one.path or "model" for one in every if one.id not in here))
    more = f" and {len(paths) - NAMED} more" if paths[NAMED:] else ""
    return ", ".join(map(visible, paths[:NAMED])) + more
