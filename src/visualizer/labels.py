"""Labels: which axes the maps of a run have, as they were stated, checked against what was recorded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from visualizer.attention import AttentionMap
from visualizer.axes import Axis, Text, Windows, as_axis
from visualizer.calls import Call
from visualizer.errors import CallsError, OptionError, ShapeError
from visualizer.tokens import given_ids, part_of, read_axis, text_of
from visualizer.windowing import windows_of

SIDES = ("queries", "keys")


@dataclass(frozen=True)
class Labels:
    """The axes of a run's maps: by module path and side; those under None are for all that have no other.

    Of calls that nothing was stated of, what was inferred holds, read by the tokenizer where it is text.
    """

    stated: Mapping[tuple[str | None, str], Axis] = field(default_factory=dict)
    tokenizer: Any = None
    _read: dict[Any, tuple[Axis, ...]] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def unread(self) -> Labels:
        """The same without the tokenizer: ids that were recorded stay ids."""
        return replace(self, tokenizer=None, _read={})

    def of(self, path: str | None, side: str) -> Axis | None:
        """Return the axis of a module's queries or keys; None where none was stated."""
        return self.stated.get((path, side), self.stated.get((None, side)))

    def states(self, path: str, side: str) -> bool:
        """Tell whether the axis of a module's queries or keys was stated."""
        return self.of(path, side) is not None

    def of_sampling(self, call: Call) -> Axis | None:
        """Return what the queries are of a call that samples points; None where they are not known.

        What was stated for maps of another length is not of them.
        """
        stated, inferred = self.of(call.path, "queries"), call.axes.get("queries")
        if stated is not None and stated.length == call.shape[1]:
            return stated
        return None if inferred is None else self._rows(inferred)[0]

    def with_whole(self, axis: Axis) -> Labels:
        """Return labels with one axis for both sides of all maps, unchecked: maps may see parts of a text."""
        return replace(self, stated={**self.stated, **{(None, side): axis for side in SIDES}})

    def with_axes(self, calls: Sequence[Call], axes: Mapping[str | None, Mapping[str, Axis]]) -> Labels:
        """Return labels with axes by path, under None for all that have none, and by side.

        Raises
        ------
        ShapeError
            If an axis has another length than a map; the message shows the arithmetic.
        """
        added = {(path, side): axis for path, sides in axes.items() for side, axis in sides.items()}
        labels = replace(self, stated={**self.stated, **added})
        for call in calls:
            for side in (side for side in SIDES if any(side == stated for _, stated in added)):
                check_axis(call, side, labels.of(call.path, side))
        return labels

    def with_text(
        self, calls: Sequence[Call], tokens: Sequence[str] | None, tokenizer: Any, input_ids: Any
    ) -> Labels:
        """Return labels with the text of tokens, or with a tokenizer and given ids or those of the calls.

        Raises
        ------
        OptionError
            If tokens are one text, or there are neither tokens nor a tokenizer with ids, or ids of several.
        ShapeError
            If they are fewer than any map has on a side.
        """
        if isinstance(tokens, str):
            raise OptionError(
                f"a run was to be labelled with {tokens!r}; give a list of texts, or, beside a path, "
                "what its axes are: axis=, queries= or keys="
            )
        if tokens is not None:
            return self.with_whole(_long_enough(Axis((Text([str(token) for token in tokens]),)), calls))
        tokenizer = getattr(tokenizer, "tokenizer", tokenizer)  # of a processor
        if tokenizer is None:
            raise OptionError("a run was to be labelled; give tokens=[...], or tokenizer=")
        if input_ids is not None:
            return self.with_whole(_long_enough(Axis(tuple(text_of(given_ids(input_ids), tokenizer))), calls))
        if not any(call.axes for call in calls):
            raise OptionError(
                "a run was to be labelled by a tokenizer, but no ids were recorded: give input_ids="
            )
        return replace(self, tokenizer=tokenizer, _read={})

    def knows(self, call: Call, side: str) -> bool:
        """Tell whether a call has an axis of its own."""
        return self.of(call.path, side) is not None or side in call.axes

    def shared(self, calls: Sequence[Call], side: str, row: int | None = None) -> Axis:
        """Return the one axis that these calls have, all calls where there are none yet.

        Parameters
        ----------
        calls, side
            Whose queries or keys.
        row
            Which row of the batch, where they have axes of their own.

        Raises
        ------
        OptionError
            If the side is neither "queries" nor "keys".
        CallsError
            If they have none, or several.
        ShapeError
            If there is no such row.
        """
        if side not in SIDES:
            raise OptionError(f"the axis of {side!r} was asked for; give 'queries' or 'keys'")
        found = {self._of_call(call, side) for call in calls} or {self.of(None, side)}
        of = f"the {side} of {_some(paths_of(calls))} were asked for, but"
        if found == {None}:
            raise CallsError(f"{of} have no axis: run.label(...) first{noted(calls)}")
        if len(found) > 1 and (whole := joined(calls, side)) is not None:
            found = {whole}
        if len(found) > 1:
            raise CallsError(f"{of} have {len(found)} different axes: give the path of one, or one call")
        return one_row(self._rows(found.pop()), row, of)

    def _of_call(self, call: Call, side: str) -> Any:
        return self.of(call.path, side) or call.axes.get(side)

    def _rows(self, tokens: Any) -> tuple[Axis, ...]:
        """Return the axes of the rows of a batch, with their ids read."""
        if isinstance(tokens, Axis):
            return (tokens,)
        if tokens not in self._read:
            self._read[tokens] = tuple(self._text_of(tokens))
        return self._read[tokens]

    def _text_of(self, tokens: Any) -> Iterator[Axis]:
        """Yield the axis of each row, read with the tokens before it where these are known."""
        context = tokens if self.tokenizer is None else getattr(tokens, "context", tokens)
        for axis in context.rows():
            read = read_axis(axis, self.tokenizer)
            yield (
                read if context is tokens else part_of(read, range(axis.length - tokens.length, axis.length))
            )


def joined(calls: Sequence[Call], side: str) -> Any:
    """Return what the keys or queries of calls are all together, where they continue one sequence."""
    said = [call.axes[side] for call in calls if side in call.axes]
    if side == "queries":
        said = [getattr(one, "whole", one) for one in said]
    longest: Any = max(said, key=lambda one: _text(one).length, default=None)
    if not hasattr(longest, "parts"):
        return None
    wanted = {_text(call.axes.get(side)) for call in calls}
    found = longest.uncut if side == "keys" else longest.text
    return found if wanted <= longest.parts(side) else None


def _text(tokens: Any) -> Any:
    """Return tokens with those that a sliding window left behind, without the free slots of a cache."""
    return getattr(tokens, "text", tokens)


def one_row(rows: Sequence[Axis], row: int | None, of: str) -> Axis:
    """Return the axis of one row of a batch, or the one that all have.

    Raises
    ------
    CallsError
        If they differ, and none is named.
    ShapeError
        If there is no such row.
    """
    if row is not None and len(rows) > 1 and not -len(rows) <= row < len(rows):
        raise ShapeError(f"{of} row {row} is not one of the batch's {len(rows)}")
    if row is None and len(set(rows)) > 1:
        raise CallsError(f"{of} the {len(rows)} rows of the batch have axes of their own: give row=")
    return rows[row or 0] if len(rows) > 1 else rows[0]


def stated_axes(
    calls: Sequence[Call], path: str | None, axes: Mapping[str, Any]
) -> dict[str | None, dict[str, Axis]]:
    """Return what was stated for calls under a path, or for all, as axes by path and side.

    Raises
    ------
    OptionError
        If things that exclude one another are stated, or something that is no axis.
    """
    given = {name: value for name, value in axes.items() if value is not None}
    if not any(given.keys() <= way for way in ({"axis"}, set(SIDES), {"windows", "grid"})):
        raise OptionError(
            f"{', '.join(given)} were given; give axis=, or queries= and keys=, or windows= and grid="
        )
    if given.keys() <= {"windows", "grid"}:
        found = windows_of(calls, given.get("windows"), given.get("grid"))
        return {one: dict.fromkeys(SIDES, Axis((windows,))) for one, windows in found.items()}
    sides = {side: as_axis(value) for side, value in given.items()}
    sides = dict.fromkeys(SIDES, sides["axis"]) if "axis" in sides else sides
    return {None: sides} if path is None else dict.fromkeys(paths_of(calls), sides)


def paths_of(calls: Sequence[Call]) -> list[str]:
    """Return the modules' paths, in the order of their first calls."""
    return list(dict.fromkeys(call.path for call in calls))


def check_axis(call: Call, side: str, axis: Axis | None) -> None:
    """Compare an axis with the map of a call; read-outs and locals are left out.

    Raises
    ------
    ShapeError
        If it is longer or shorter, or if the batch is no whole number of items in windows.
    """
    if axis is None or not isinstance(call.content, AttentionMap):
        return
    batch, heads, *_, queries, keys = call.shape  # between them blocks, where there are any
    queries = heads if call.levels else queries  # deformable: (batch, query, head, point)
    of = f"the map of {call.path or 'the model'} has"
    axis.check({"queries": queries, "keys": keys}[side], f"{of} {{}} {side}")
    for windows in (one for one in axis.segments if isinstance(one, Windows)):
        if batch % windows.count:
            raise ShapeError(f"{windows.divided}, but {of} a batch of {batch}")


def _long_enough(axis: Axis, calls: Sequence[Call]) -> Axis:
    """Return the axis of a whole text, of which a map may see a part, unless each map sees more."""
    maps = [call for call in calls if isinstance(call.content, AttentionMap) and not call.levels]
    least = min((length for call in maps for length in call.shape[2:] if length > 1), default=0)
    if 0 < axis.length < least:
        raise ShapeError(f"{axis.arithmetic}, but no map has so few: the smallest has {least}")
    return axis


def noted(calls: Iterable[Call]) -> str:
    """Return what was noted of calls, the first thing of the first."""
    return next((f"; what was noted while recording: {call.note}" for call in calls if call.note), "")


def _some(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return ", ".join(path or "the model" for path in paths[:3]) + more or "the run"
