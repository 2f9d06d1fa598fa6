"""Ids as a segment: what a text model was given, before a tokenizer says what they read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import index

from visualizer.axes.segments import Segment
from visualizer.errors import ShapeError


@dataclass(frozen=True)
class Ids(Segment):
    """Tokens of which only the ids are known.

    Examples
    --------
    >>> Ids([101, 7592]).name(1)
    'id 7592'
    """

    ids: Sequence[int]

    def __post_init__(self) -> None:
        try:
            ids = tuple(map(index, self.ids))
        except TypeError:
            raise ShapeError(f"Ids({self.ids!r:.80}) was asked for; give a list of whole numbers") from None
        object.__setattr__(self, "ids", ids)

    @property
    def length(self) -> int:
        """Number of tokens."""
        return len(self.ids)

    @property
    def counted(self) -> str:
        """As "12 ids", "1 id"."""
        return f"{self.length} id{'s' * (self.length != 1)}"

    def name(self, token: int) -> str:
        """Return a token's id."""
        return f"id {self.ids[token]}"
