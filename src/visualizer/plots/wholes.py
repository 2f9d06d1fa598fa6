"""Whole maps, and what is known of them: of a run or a call, of a map or an array."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from visualizer.calls import Call
from visualizer.errors import OptionError
from visualizer.plots.arrays import Floats, pooled
from visualizer.plots.asking import Options
from visualizer.plots.labels import axis_labels, token_labels
from visualizer.plots.sources import subject_of
from visualizer.plots.subjects import Subject
from visualizer.plots.telling import Facts
from visualizer.run import Run

USUAL = ("head", "query", "key")


@dataclass(frozen=True)
class Whole:
    """A map (query, key), or maps (head, query, key), of which the weights may be means of bins.

    ``size`` is how many queries and keys there are, ``names`` what the axes are, ``labels`` what the tokens
    of both are, where it is known.
    """

    weights: Floats
    size: tuple[int, int]
    names: Sequence[str] = USUAL
    labels: tuple[Sequence[str] | None, Sequence[str] | None] = (None, None)
    facts: Facts = field(default_factory=Facts)

    def labelled(
        self, tokens: Sequence[str] | None, queries: Sequence[str] | None, keys: Sequence[str] | None
    ) -> tuple[list[str] | None, list[str] | None]:
        """Return the labels that were given, or else those that are known, checked.

        Raises
        ------
        ShapeError
            If there are more or fewer than tokens.
        """
        given = [tokens if side is None else side for side in (queries, keys)]
        found = [known if one is None else one for one, known in zip(given, self.labels, strict=True)]
        rows, columns = self.size
        return token_labels(rows, found[0], "queries"), token_labels(columns, found[1], "keys")


def whole_of(
    shown: Any, asked: Options, names: Sequence[str] | None, most: int, read: Callable[[Any], Floats]
) -> Whole:
    """Return the map that is asked for, read as one or as several by ``read``, lazily pooled to ``most``.

    Raises
    ------
    OptionError
        If a layer or call is named, but no run is given.
    CallsError, ShapeError, TargetError
        As for `subject_of`, and from ``read``.
    """
    several = asked.head == "all"
    if isinstance(shown, Run | Call) or not (several or asked.head is None):
        return _known(subject_of(shown, asked), names, most, read, several=several)
    for name in ("layer", "call", "sequence"):
        if getattr(asked, name) is not None:
            raise OptionError(f"{name}= was given, but a {type(shown).__name__} has none: give the run")
    weights = read(pooled(shown, most))
    names = names or getattr(shown, "axis_names", None) or USUAL
    return Whole(weights, _size_of(shown, weights), _three(names))


def _known(
    subject: Subject, names: Sequence[str] | None, most: int, read: Callable[[Any], Floats], *, several: bool
) -> Whole:
    """Return a map of a run with what is known of it."""
    facts, found = subject.facts, subject.map[subject.batch] if subject.map.ndim == 4 else subject.map
    if several:
        facts = Facts({name: said for name, said in facts.said.items() if name != "head"}, facts.calls)
    weights = read(pooled(found, most) if several else subject.matrix(most))
    labels = axis_labels(subject.queries, subject.places), axis_labels(subject.keys)
    queries, keys = subject.map.shape[-2:]
    return Whole(weights, (int(queries), int(keys)), _three(names or USUAL), labels, facts)


def _three(names: Sequence[str]) -> Sequence[str]:
    return [*USUAL[: 3 - len(names)], *names[-3:]]


def _size_of(shown: Any, weights: Floats) -> tuple[int, int]:
    """Return how many queries and keys a map has, of which the weights may be means."""
    queries, keys = shown.shape[-2:] if hasattr(shown, "pool") else weights.shape[-2:]
    return int(queries), int(keys)
