"""What a loss of power took of a run that was being written: files that a log names, and no disk has.

What such a file held is lost with the calls that need it. Others may go on from these, as the keys of a
generation do, so that what is left of a lost line are its pieces: zeros in the place of bytes that are gone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import inf
from typing import Any

from visualizer.errors import StoreError
from visualizer.notices import warn_user
from visualizer.store.layouts import Layout
from visualizer.store.places import Place

Piece = tuple[int, int]
"""An array, and a row of it."""
MOST_NAMED = 5


@contextmanager
def noting(lost: set[Piece], layout: Layout, row: int) -> Iterator[None]:
    """Note a piece whose file is missing or not what was written; what cannot be read now stays an error."""
    try:
        yield
    except StoreError as error:
        if isinstance(error.__cause__, OSError):
            raise
        lost.add((layout.id, row))


def lost_pieces(place: Place, layout: Layout, rows: Iterable[int]) -> set[Piece]:
    """Return which pieces have no place in a file, as the indices of the files tell."""
    lost: set[Piece] = set()
    for row in rows:
        with noting(lost, layout, row):
            layout.chunks_of(place, row)
    return lost


def without_lost(lines: Sequence[Any], layouts: Mapping[int, Layout], lost: set[Piece]) -> list[Any]:
    """Return the lines of a log, and of those that need a lost piece what is left."""
    gone: defaultdict[int, list[tuple[float, float]]] = defaultdict(list)  # places of each strip
    ends: defaultdict[int, int] = defaultdict(int)

    def is_gone(span: Any) -> bool:
        strip, start, stop = span
        return any(begin < stop and start < end for begin, end in gone[strip])

    def add(strip: int, array: int, row: int, base: Any = None, *_: Any) -> None:
        shape, axis = layouts[array].shape, layouts[array].axis
        begin, end = -inf, inf  # of a strip that does not grow
        if base is None and len(shape) >= -axis:
            begin, ends[strip] = ends[strip], ends[strip] + shape[axis]
            end = ends[strip]
        if (array, row) in lost or (base is not None and is_gone(base)):
            gone[strip].append((begin, end))

    kept = []
    for line in lines:
        for piece in line.get("pieces", ()):
            add(*piece)
        spans = line.get("values" if line["type"] == "call" else "values_of", ())
        kept.append(_left_of(line) if any(map(is_gone, spans)) else line)
    return kept


def _left_of(line: Any) -> Any:
    """Return what is left of a line whose bytes are lost."""
    if line["type"] == "forward":
        return {**line, "values": {"dict": []}, "arrays": [], "values_of": []}
    return {"type": "lost", "pieces": line["pieces"]}


def tell_lost(place: Place, before: Sequence[Any], after: Sequence[Any]) -> None:
    """Warn of what lines have lost."""
    pairs = zip(before, after, strict=True)
    lost = [was for was, now in pairs if was is not now]
    calls = [line for line in lost if line["type"] == "call"]
    every = sum(line["type"] == "call" for line in before)
    paths = {line["id"]: line["path"] for line in before if line["type"] == "form"}
    named = [f"call {line.get('number', 0)} of {paths[line['form']] or 'the model'}" for line in calls]
    more = [f"{len(named) - MOST_NAMED} more"] if len(named) > MOST_NAMED else []
    which = f" ({', '.join(named[:MOST_NAMED] + more)})" if named else ""
    inputs = sum(line["type"] == "forward" for line in lost)
    beside = f", and the inputs of {inputs} forwards," if inputs else ""
    warn_user(
        f"{place.name} has lost {len(calls)} of {every} calls{which}{beside} as their files are missing or "
        "cut short, which a loss of power does: all else is kept, record these again"
    )
