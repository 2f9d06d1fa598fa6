"""What was inferred of calls' tokens, in a store: once for all calls that have the same."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from visualizer.axes import Axis, Segment
from visualizer.families.written import Passage, Written
from visualizer.store.labelling import axis_json


@dataclass(frozen=True)
class Rows:
    """The axes of the rows of a batch, or one for all."""

    axes: tuple[Axis, ...]

    @property
    def length(self) -> int:
        """Number of tokens."""
        return self.axes[0].length

    def rows(self) -> tuple[Axis, ...]:
        """Return them."""
        return self.axes


class StoredIds(Written):
    """What one forward read, as it was written."""

    def __init__(self, rows: Sequence[Sequence[Segment]]) -> None:
        self._rows = list(rows)
        self._after: dict[int, Passage] = {}
        self.whole: Passage | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows, and of tokens in each."""
        return len(self._rows), sum(segment.length for segment in self._rows[0])

    def rows(self) -> Sequence[Sequence[Segment]]:
        """Return the segments of each row."""
        return self._rows


class TokenWriter:
    """Numbers what tokens are, and gives the lines of the log that say so.

    Parameters
    ----------
    first
        The first number.
    inputs
        Whether ids and texts are written; else there is only how many there are.
    """

    def __init__(self, first: int, *, inputs: bool) -> None:
        self._next, self._inputs = first, inputs
        self._known: dict[int, tuple[weakref.ref[Any], int]] = {}  # lines by identity, of what still lives
        self.lines: list[Any] = []

    def number(self, tokens: Any) -> int:
        """Return the number of what some tokens are."""
        if (known := self._line_of(tokens)) is not None:
            return known
        if isinstance(tokens, Passage):
            line = self._passage(tokens)
        else:
            line = {"rows": [axis_json(axis, inputs=self._inputs) for axis in tokens.rows()]}
        for one in (tokens, tokens.written) if "new" in line else (tokens,):
            self._know(one)
        self._next += 1
        self.lines.append({"type": "tokens", "id": self._next - 1, **line})
        return self._next - 1

    def _passage(self, passage: Passage) -> dict[str, Any]:
        before = None if passage.before is None else self.number(passage.before)
        new: Any = self._line_of(passage.written)
        if new is None:
            new = [axis_json(Axis(tuple(row)), inputs=self._inputs) for row in passage.written.rows()]
        line = {"new": new, "before": before, "begin": passage.begin}
        return line | {"slots": passage.slots} if passage.slots else line

    def _line_of(self, one: Any) -> int | None:
        """Return the line that has something; None where there is none."""
        found, number = self._known.get(id(one), (None, 0))
        return number if found is not None and found() is one else None

    def _know(self, one: Any) -> None:
        """Remember the next line as that of something, as long as that lives: a run has many forwards."""
        if self._line_of(one) is None:
            key, known = id(one), self._known
            known[key] = weakref.ref(one, lambda _: known.pop(key, None)), self._next


def read_tokens(line: Mapping[str, Any], known: Mapping[int, Any]) -> Any:
    """Return what tokens are, as a line of the log says."""
    if "rows" in line:
        return Rows(tuple(map(Axis.from_json, line["rows"])))
    if isinstance(line["new"], int):
        written = known[line["new"]].written
    else:
        written = StoredIds([Axis.from_json(row).segments for row in line["new"]])
    before = None if line["before"] is None else known[line["before"]]
    text = written.after(before)
    if before is not None:
        written.whole = text
    if slots := int(line.get("slots", 0)):
        return text.within(slots)
    return text.since(int(line["begin"])) if line["begin"] else text
