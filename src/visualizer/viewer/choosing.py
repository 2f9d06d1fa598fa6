"""Which parts of a payload go into one file: all overviews, then the rows of the most telling heads."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from visualizer.analysis.columns import MEASURES
from visualizer.viewer.arrays import refs_of
from visualizer.viewer.payload import Payload
from visualizer.viewer.protocol import Absent, BlobRef, Factored, Formed, Manifest, MapInfo
from visualizer.viewer.writing import Written, written

SHARE = 0.6
"""Of the budget that overviews may take before maps are left out."""


@dataclass
class Choice:
    """What goes into a file: arrays by name as they are written, and maps with the rows that fit."""

    arrays: dict[str, Written] = field(default_factory=dict)
    taken: int = 0
    """Characters so far."""

    def take(self, payload: Payload, refs: Collection[BlobRef], budget: float) -> bool:
        """Take arrays unless all together go beyond a budget."""
        new = {one.name: written(payload.blob(one.name)) for one in refs if one.name not in self.arrays}
        size = sum(one.size for one in new.values())
        if self.taken + size > budget:
            return False
        self.arrays |= new
        self.taken += size
        return True


def chosen(payload: Payload, budget: int, heads: Collection[int] | None) -> tuple[Manifest, Choice]:
    """Return what the page is told of what goes into a file of a budget of characters, and its arrays.

    Overviews, metrics and images come first, then the rows of heads, the most concentrated ones that look
    elsewhere than at first and special tokens before the others.
    """
    told, choice = payload.manifest, Choice()
    images = [choice.take(payload, [one.blob], SHARE * budget) for one in told.images]
    maps = [one for one in told.maps if choice.take(payload, _small(one), SHARE * budget)]
    left = {one.id: _all_left(one) for one in maps}
    for number, place in _order(choice, maps, heads):
        rows = told.maps[number].rows
        if choice.take(payload, _parts(rows, place), budget):
            left[number][place] = True
    omitted = [*told.omitted, *_images_left(images), *_omitted(told.maps, maps, left, heads)]
    maps = [  # their numbers are places in the list, which is shorter now
        replace(one, id=place, rows=_kept(one.rows, left[one.id])) for place, one in enumerate(maps)
    ]
    return replace(told, maps=maps, omitted=omitted), choice


def _images_left(taken: Sequence[bool]) -> Iterator[str]:
    if not all(taken):
        yield (
            f"{len(taken) - sum(taken)} of {len(taken)} images were left out of this file, which a larger "
            "max_mb= or visualizer view RUN shows."
        )


def _small(one: MapInfo) -> list[BlobRef]:
    return [*refs_of(one.overview), *refs_of(one.metrics), *refs_of(one.padding)]


def _all_left(one: MapInfo) -> list[bool]:
    return [False] * (one.shape[0] * one.shape[1])


def _order(
    choice: Choice, maps: Sequence[MapInfo], heads: Collection[int] | None
) -> Iterator[tuple[int, int]]:
    """Yield map and place of every head that may be taken, the most telling first."""
    places = [
        (one.id, place)
        for one in maps
        for place in range(len(getattr(one.rows, "heads", ())))
        if heads is None or place % one.shape[1] in heads
    ]
    scores = {one.id: _telling(choice, one) for one in maps}
    return iter(sorted(places, key=lambda at: -scores[at[0]][at[1]]))


def _telling(choice: Choice, one: MapInfo) -> Any:
    """Return (batch and head,): how concentrated a head is, but on first and special tokens."""
    columns = list(MEASURES)
    if one.metrics is None:
        return np.ones(one.shape[0] * one.shape[1])
    values = np.nan_to_num(choice.arrays[one.metrics.name].blob.array().reshape(-1, len(columns)))
    entropy, first, special = (
        values[:, columns.index(name)] for name in ("relative_entropy", "first_token", "special_tokens")
    )
    return (1 - entropy) * (1 - np.maximum(first, special))


def _parts(rows: Any, place: int) -> list[BlobRef]:
    shared = [one for one in (getattr(rows, "bias", None), getattr(rows, "mask", None)) if one is not None]
    return [*refs_of(rows.heads[place]), *shared]


def _kept(rows: Any, kept: Sequence[bool]) -> Any:
    """Return rows without the heads that were left out."""
    if not isinstance(rows, Factored | Formed):
        return rows
    if not any(kept):
        return Absent("left out of this file")
    heads: Any = [one if keep else None for one, keep in zip(rows.heads, kept, strict=True)]
    return replace(rows, heads=heads)


def _omitted(
    every: Sequence[MapInfo],
    maps: Sequence[MapInfo],
    left: dict[int, list[bool]],
    heads: Collection[int] | None,
) -> Iterator[str]:
    remedy = "visualizer view RUN shows all of them, and modules=, heads= or a larger max_mb= choose others"
    if len(maps) < len(every):
        yield f"{len(every) - len(maps)} of {len(every)} maps were left out of this file: {remedy}."
    if some := [one for one in every if isinstance(one.rows, Formed) and one.rows.queries is not None]:
        counts = len(some[0].rows.queries), some[0].shape[2]  # type: ignore[union-attr,arg-type]  # as above
        yield (
            f"Only the rows of {counts[0]} of {counts[1]} queries are in this file, those of queries=: "
            "visualizer view RUN shows all of them."
        )
    flags = [flag for one in left.values() for flag in one]
    if heads is None and not all(flags):
        yield (
            f"The rows of {len(flags) - sum(flags)} of {len(flags)} heads were left out of this file, the "
            f"least telling ones; their overviews are here: {remedy}."
        )
