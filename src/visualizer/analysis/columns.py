"""The columns of `metrics`: a measure of a head, where it has a meaning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualizer.analysis.distances import distance
from visualizer.analysis.entropies import entropy
from visualizer.analysis.means import numbers, over_queries
from visualizer.analysis.offsets import offset
from visualizer.analysis.repeats import duplicate_token, induction, same_token
from visualizer.analysis.sink_tokens import first_token, group_mass, sink_mass, sinks
from visualizer.attention import AttentionMap
from visualizer.axes import Axis, Frames, Ids, Patches, Special, Text, Volume, Windows


@dataclass(frozen=True)
class Tokens:
    """What is known of a map's tokens.

    Attributes
    ----------
    queries, keys
        What they are; None where nothing says that.
    unread
        The keys before a tokenizer read them: a token may read otherwise where it begins a text, and several
        that make up one character read alike.
    size
        Height and width of the image in pixels; None where there is not one image.
    batch
        The row of the batch, as that of a window says where it lies.
    padding
        Names of tokens that fill texts up to one length.
    """

    queries: Axis | None
    keys: Axis | None
    unread: Axis | None
    size: Sequence[float] | None
    batch: int
    padding: frozenset[str]

    @cached_property
    def are_of_one_sequence(self) -> bool:
        """Whether queries are the last of the keys, as they are taken to be where nothing is known."""
        if self.queries is None or self.keys is None:
            return self.queries is self.keys
        return self.keys.names[-self.queries.length :] == self.queries.names


Measure = Callable[[AttentionMap, Tokens], Any]
"""Given a map and what its tokens are, (..., head); None where it has no meaning."""


def _of_one_sequence(measure: Callable[[AttentionMap], Any]) -> Measure:
    """Return a measure of where keys lie from the query's own place: of cross-attention it is None."""

    def of(a: AttentionMap, tokens: Tokens) -> Any:
        return measure(a) if a.shape[-2] <= a.shape[-1] and tokens.are_of_one_sequence else None

    return of


def _in_pixels(a: AttentionMap, tokens: Tokens) -> Any:
    axes = tokens.queries, tokens.keys
    if tokens.size is None or not all(axis is not None and _is_of_an_image(axis) for axis in axes):
        return None
    return distance(a, axes[0], keys=axes[1], size=tokens.size, batch=tokens.batch)


def _is_of_an_image(axis: Axis) -> bool:
    kinds = {
        kind
        for one in axis.segments
        for kind in (Patches | Windows, Frames | Volume)
        if isinstance(one, kind)
    }
    return kinds == {Patches | Windows} and axis.images == 1


def _specials(axis: Axis, names: frozenset[str] | None = None) -> NDArray[np.bool_]:
    """Tell which tokens are special, and bear one of some names, booleans (token,)."""
    is_special = [isinstance(one, Special) for one in axis.segments for _ in range(one.length)]
    is_named = [names is None or name in names for name in axis.names]
    found: NDArray[np.bool_] = np.array(is_special) & np.array(is_named)
    return found


def _special(a: AttentionMap, tokens: Tokens) -> Any:
    if tokens.keys is None:
        return None
    is_special = _specials(tokens.keys)
    is_some = is_special.any() and not is_special.all()  # object queries are not apart from others
    return group_mass(a, is_special) if is_some else None


def _padding(a: AttentionMap, tokens: Tokens) -> Any:
    """Return the weight of real queries on padded keys, whatever the mask of the model says."""
    if tokens.keys is None or not (padded := _specials(tokens.keys, tokens.padding)).any():
        return None
    is_real = True if tokens.queries is None else ~_specials(tokens.queries, tokens.padding)
    return over_queries(a, numbers(a.mass([padded]))[..., 0], is_real)


def _repeating(measure: Callable[[AttentionMap, Sequence[str]], Any]) -> Measure:
    def of(a: AttentionMap, tokens: Tokens) -> Any:
        keys = tokens.unread
        if keys is None or not any(isinstance(one, Text | Ids) for one in keys.segments):
            return None
        return _of_one_sequence(lambda a: measure(a, keys.names))(a, tokens)

    return of


MEASURES: dict[str, Measure] = {
    "entropy": lambda a, _: entropy(a),
    "relative_entropy": lambda a, _: entropy(a, unit="relative"),
    "distance": _of_one_sequence(distance),
    "distance_in_pixels": _in_pixels,
    "diagonal": _of_one_sequence(lambda a: offset(a, 0)),
    "previous_token": _of_one_sequence(lambda a: offset(a, -1)),
    "next_token": _of_one_sequence(lambda a: offset(a, 1)),
    "first_token": lambda a, _: first_token(a),
    "special_tokens": _special,
    "padding": _padding,
    "sinks": lambda a, _: sinks(a).sum(-1),
    "sink_mass": lambda a, _: sink_mass(a),
    "rest": lambda a, _: over_queries(a, a.rest),
    "same_token": _repeating(same_token),
    "duplicate_token": _repeating(duplicate_token),
    "induction": _repeating(induction),
}

OF_POINTS: dict[str, Callable[[AttentionMap], Any]] = {
    "entropy": lambda a: a.entropy(),
    "relative_entropy": lambda a: numbers(a.entropy()) / np.log(max(a.shape[-1], 2)),
    "rest": lambda a: a.rest,
}
"""What of the above can be said of deformable attention, (batch, query, head, point): points are no keys.

Given a map, for each query, (batch, query, head).
"""
