"""Ids that text models read, forward by forward: those of a generation follow one another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, cast

from visualizer.axes import Axis, Ids, Segment, Unknown
from visualizer.families.layouts import Given, Part
from visualizer.families.slots import FREE, NONE, Slots, slots_of

MOVED = ", lost here as the keys before them changed (the beams of a beam search change places)"
BEFORE = 8
"""Tokens before others that are read with them: a piece may go on a word, or a byte a character."""
Lay = Callable[[Sequence[Sequence[int]]], Sequence[Sequence[Segment]]]
"""Gives the segments of each row of ids."""


class Written:
    """The ids (batch, token) that one forward read: its queries, and with those before them its keys.

    Parameters
    ----------
    ids
        A tensor, copied, as a model may write the next ones into it.
    memory
        Which text each module's keys were last, by module: (number of the sequence, text).
    lay
        What the ids are, where some stand for parts of an image.
    slots
        Those of the static cache that holds the keys, if one does.
    """

    def __init__(self, ids: Any, memory: dict[Any, Any], lay: Lay | None = None, slots: Slots = NONE) -> None:
        import torch

        # below what tools wrap, which would take it for one of the model's calls
        self._ids, self._memory = torch.ops.aten.clone.default._op(ids), memory  # noqa: SLF001
        self._lay = lay or (lambda rows: [[Ids(row)] for row in rows])
        self._slots, self._lost = slots, ""
        self._after: dict[int, Passage] = {}
        self._rows: Sequence[Sequence[Segment]] = ()
        self.whole: Passage | None = None  # the text that they end, once keys have shown it

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows, and of tokens in each."""
        batch, length = self._ids.shape
        return batch, length

    @property
    def arithmetic(self) -> str:
        """How many queries they are, and which keys."""
        ids = _ids(self.shape[1])
        return f"{ids} for queries, and for keys the one text that they end, as it was read{self._lost}"

    def rows(self) -> Sequence[Sequence[Segment]]:
        """Return the segments of each row; the device is waited for."""
        self._rows = self._rows or self._lay(self._ids.tolist())
        return self._rows

    def after(self, before: Passage | None) -> Passage:
        """Return the text that ends with these ids, always the same one after the same text."""
        return self._after.setdefault(id(before), Passage(before, self))

    def fit(self, part: Part) -> Passage | None:
        """Return these ids as queries, or the text up to them as keys, where it is as long as they are."""
        if part.side == "queries":
            return self.after(None) if part.length in {None, self.shape[1]} else None
        if (found := self._keys(part)) is None:
            return None
        module, number = part.sequence
        self._memory[module], self.whole = (number, found), found
        return found.since(part.first) if part.first else found.within(part.length or 0)

    def _keys(self, part: Part) -> Passage | None:
        """Return the text up to these ids, whole, where it is as long as keys are, or in their slots."""
        in_slots = part.length in self._slots.lengths and not part.first
        begins = part.length == self.shape[1] or (in_slots and not self._slots.filled)
        if begins and not part.first:
            return self.after(None)
        module, number = part.sequence
        last, before = self._memory.get(module, (None, None))
        if before is None or before.shape[0] != self.shape[0]:
            return None
        found = self.after(before.before if before.written is self else before)
        wanted = self._slots.filled + self.shape[1] if in_slots else part.first + (part.length or 0)
        if found.length != wanted:
            return None
        self._lost = MOVED if last != number else ""
        return found if last == number else None


class Other:
    """The ids that another model read, as keys of cross-attention."""

    def __init__(self, written: Written) -> None:
        self._written = written

    @property
    def arithmetic(self) -> str:
        """As "4 ids of an encoder"."""
        return f"{_ids(self._written.shape[1])} of an encoder"

    def fit(self, part: Part) -> Passage | None:
        """Return them where they are as many."""
        return self._written.after(None) if part.length == self._written.shape[1] else None


class Passage:
    """A text: what was read before, and then what one forward read.

    Or what of it follows ``begin``, or with it those of ``slots`` that it does not fill.
    """

    def __init__(self, before: Passage | None, written: Written, begin: int = 0, slots: int = 0) -> None:
        self.before, self.written, self.begin, self.slots = before, written, begin, slots
        self._since: dict[int, Passage] = {}
        self._within: dict[int, Passage] = {}

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows, and of tokens in each."""
        batch, length = self.written.shape
        read = length + (self.before.shape[1] if self.before is not None else 0)
        return batch, self.slots or read - self.begin

    @property
    def length(self) -> int:
        """Number of tokens."""
        return self.shape[1]

    @property
    def text(self) -> Passage:
        """All of the text, and nothing but it."""
        return self.written.after(self.before)

    @property
    def whole(self) -> Passage:
        """All of the text that queries end, where keys have shown what is before them; else these ids."""
        return self.text if self.before is not None else self.written.whole or self.text

    @property
    def context(self) -> Passage:
        """The ids with the few before them that they are read with."""
        before = self.whole.length - self.length
        return self.whole.since(max(before - BEFORE, 0)) if self.before is None and before else self

    @property
    def uncut(self) -> Passage:
        """The same with the beginning of the text."""
        return self if self.slots else self.text

    def since(self, begin: int) -> Passage:
        """Return what follows the first tokens, always the same one."""
        return self._since.setdefault(begin, Passage(self.before, self.written, begin))

    def within(self, slots: int) -> Passage:
        """Return the text and the free slots after it, always the same one; itself where there are none."""
        if slots == self.length:
            return self
        return self._within.setdefault(slots, Passage(self.before, self.written, slots=slots))

    def parts(self, side: str) -> set[Passage]:
        """Return what the queries, or the keys, of the calls are that this text came from."""
        each = [one.text for one in self._each()]
        return set(each) if side == "keys" else {one.written.after(None) for one in each}

    def rows(self) -> tuple[Axis, ...]:
        """Return the axis of each row of the batch."""
        steps = [one.written.rows() for one in reversed(list(self._each()))]
        rows = [[segment for step in steps for segment in step[row]] for row in range(self.shape[0])]
        free = [Unknown(self.slots - self.text.length, FREE)] if self.slots else []
        return tuple(Axis((*_cut(merged_ids(row), self.begin), *free)) for row in rows)

    def _each(self) -> Iterator[Passage]:
        found: Passage | None = self
        while found is not None:
            yield found
            found = found.before


def as_written(given: Given, lay: Lay | None = None, named: str = "input_ids") -> Written | None:
    """Return the ids that a model was given by a name; None where it was given none."""
    ids = given.get(named)
    if ids is None or ids.dim() != 2 or ids.is_floating_point():
        return None
    return Written(ids, given.memory, lay, slots_of(given.get("past_key_values"), ids.shape[1]))


def merged_ids(segments: Sequence[Segment]) -> Iterator[Segment]:
    """Yield segments, ids that follow one another as one, and so what is not known."""
    for kind, alike in groupby(segments, lambda one: (type(one), getattr(one, "note", ""))):
        if kind[0] is Ids:
            yield Ids([one for segment in alike for one in cast("Ids", segment).ids])
        elif kind[0] is Unknown:
            yield Unknown(sum(one.length for one in alike), kind[1])
        else:
            yield from alike


def _cut(segments: Iterator[Segment], begin: int) -> Iterator[Segment]:
    """Yield what follows the first tokens; only ids and what is not known are cut."""
    for segment in segments:
        if begin and isinstance(segment, Ids) and segment.length > begin:
            yield Ids(segment.ids[begin:])
        elif begin and isinstance(segment, Unknown) and segment.length > begin:
            yield Unknown(segment.length - begin, segment.note)
        elif not begin:
            yield segment
        begin -= min(begin, segment.length)


def _ids(count: int) -> str:
    return f"{count} id{'s' * (count != 1)}"
