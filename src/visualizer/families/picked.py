"""Some of the tokens of an axis, as queries of which not all were kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from visualizer.axes import Axis, Ids, Segment, Special, Unknown
from visualizer.families.layouts import Tokens
from visualizer.families.written import merged_ids


@dataclass(frozen=True)
class Picked:
    """Those of some tokens that are named, by their numbers."""

    whole: Tokens
    tokens: tuple[int, ...]

    @property
    def length(self) -> int:
        """Number of tokens."""
        return len(self.tokens)

    def rows(self) -> tuple[Axis, ...]:
        """Return their axes, one for each row that the whole has."""
        return tuple(Axis(tuple(merged_ids(list(picked(axis, self.tokens))))) for axis in self.whole.rows())


def picked(axis: Axis, tokens: Sequence[int]) -> Iterator[Segment]:
    """Yield each token as a segment; what has a place among others keeps only its name."""
    each = [(segment, token) for segment in axis.segments for token in range(segment.length)]
    for number in tokens:
        segment, token = each[number]
        if isinstance(segment, Ids):
            yield Ids([segment.ids[token]])
        else:
            yield segment if isinstance(segment, Special) else Unknown(1, segment.name(token))
