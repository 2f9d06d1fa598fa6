"""Which tokens of an axis hold a piece of text, bear a name, are a cell or make a segment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from visualizer.axes.cells import Cells
from visualizer.axes.ids import Ids
from visualizer.axes.segments import Segment, Special
from visualizer.axes.text import Text
from visualizer.axes.windows import Windows
from visualizer.errors import CallsError

Begun = Sequence[tuple[int, Segment]]
"""Segments, and with which token each begins."""


def find_tokens(segments: Begun, kind: str, value: Any) -> list[slice]:
    """Return all slices of tokens that are ``value``, of one kind of what can be looked for."""
    found = enumerate(FINDERS[kind](number, one, value) for number, (_, one) in enumerate(segments))
    return [
        slice(segments[number][0] + tokens.start, segments[number][0] + tokens.stop)
        for number, places in found
        for tokens in places
    ]


def chosen(found: list[slice], value: Any, nth: int | str | None, there: str) -> slice | list[slice]:
    """Return the only place of several, the nth from 0, or the list for "all".

    Raises
    ------
    CallsError
        If there is none, which is not there, or several and none is named; ``there`` says what there is.
    """
    if not found:
        raise CallsError(f"{value!r} was looked for in the tokens, but {there}")
    if nth == "all":
        return found
    if len(found) > 1 and nth is None:
        raise CallsError(
            f"{value!r} was looked for in the tokens and is there {len(found)} times: give nth= from 0"
        )
    if nth is not None and (isinstance(nth, str) or not 0 <= nth < len(found)):
        raise CallsError(f"place {nth} of {value!r} was asked for, but it is there {len(found)} times")
    return found[int(nth or 0)]


def what_is_there(segments: Begun, kind: str, arithmetic: str) -> str:
    """Say what could have been found."""
    of = [one for _, one in segments]
    if kind == "text" and any(isinstance(one, Ids) for one in of):
        return "they are known as ids alone: run.label(tokenizer=...) says what they read"
    if kind == "text":
        texts = [one.text for one in of if isinstance(one, Text)]
        return f"they read {' … '.join(texts)[:80]!r}" if texts else f"there is no text: {arithmetic}"
    if kind == "cell" and any(isinstance(one, Windows) for one in of):
        return "they are those of windows: run.axis(path).at(cell) says in which row of the batch it lies"
    return f"there are {arithmetic}"


def _of_text(number: int, segment: Segment, text: str) -> Iterator[slice]:  # noqa: ARG001  # as all
    if isinstance(segment, Text):
        yield from segment.find(text)


def _of_special(number: int, segment: Segment, name: str) -> Iterator[slice]:  # noqa: ARG001  # as all
    if isinstance(segment, Special) and segment.text == name:
        yield slice(0, 1)


def _of_cell(number: int, segment: Segment, cell: Sequence[int]) -> Iterator[slice]:  # noqa: ARG001  # as all
    if isinstance(segment, Cells) and segment.holds(cell):
        token = segment.token(cell)
        yield slice(token, token + 1)


def _of_segment(number: int, segment: Segment, wanted: str | int) -> Iterator[slice]:
    kind = type(segment).__name__.lower()
    if wanted == number or (isinstance(wanted, str) and wanted.lower() == kind):
        yield slice(0, segment.length)


FINDERS: dict[str, Callable[[int, Segment, Any], Iterator[slice]]] = {
    "text": _of_text,
    "special": _of_special,
    "cell": _of_cell,
    "segment": _of_segment,
}
