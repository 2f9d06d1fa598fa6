"""Finishing a store: files of single pieces are joined into shards, the log becomes one part.

Nothing is decoded: a shard is the chunks of others, one after another, with an index of its own. What is
there stays until the new root says that the new log counts; a crash before that loses nothing. What is new is
on the disk before what is old is removed, so that a loss of power loses nothing either. What one took before
is left out, and told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby, islice
from typing import Any

import numpy as np

from visualizer.store.journal import ROOT, as_line, joined_part, part_key, read_log, read_root, write_root
from visualizer.store.kinds import raw_dtype
from visualizer.store.layouts import Layout, read_layout
from visualizer.store.losses import Piece, lost_pieces, noting, tell_lost, without_lost
from visualizer.store.places import Place
from visualizer.store.shards import checked, join_shards

SHARD = 2**25
"""Bytes of a file, more or less."""
MOST = 4096
"""Pieces of a file at most."""


def finish(place: Place) -> None:
    """Join what is in a store, and warn of what is lost.

    Raises
    ------
    StoreError
        If what is there cannot be read, or is no run.
    """
    lines, number, _ = read_log(place, read_root(place)["log"])
    layouts = layouts_of(lines)
    first = 1 + max(layouts, default=-1)
    lost: set[Piece] = set()
    joined = {
        old: _join(place, layouts[old], rows, first + n, lost)
        for n, (old, rows) in enumerate(used_rows(lines).items())
    }
    left = without_lost(lines, layouts, lost) if lost else lines
    moved = [line for line in (_moved(line, joined) for line in left) if line is not None]
    new = joined_part(number)
    place.write(part_key(new), b"".join(map(as_line, moved)))
    kept = {f"arrays/{layout.id}" for layout, _ in joined.values()} | {part_key(new)}
    place.settle(*kept)
    write_root(place, first=new, finished=True)
    place.settle(ROOT)
    there = {"/".join(key.split("/")[:2]) for key in place.files() if key.startswith(("arrays/", "log/"))}
    for old in there - kept - {f"arrays/{ROOT}"}:
        place.remove(old)
    if lost:
        tell_lost(place, lines, left)


def layouts_of(lines: list[Any]) -> dict[int, Layout]:
    """Return the arrays that a log names."""
    return {line["id"]: read_layout(line, line["id"]) for line in lines if line["type"] == "array"}


def used_rows(lines: list[Any]) -> dict[int, list[int]]:
    """Return which rows of which arrays the log knows: a call that was cut short left others."""
    rows: defaultdict[int, list[int]] = defaultdict(list)
    for line in lines:
        for _, array, row, *_ in line.get("pieces", ()):
            rows[array].append(row)
    return rows


def _join(
    place: Place, layout: Layout, rows: list[int], number: int, lost: set[Piece]
) -> tuple[Layout, dict[int, int]]:
    """Write an array anew, more pieces to a file; return its layout, and where each row went.

    One whose files are as few, and are all there, is left where it is.
    """
    missing = lost_pieces(place, layout, rows)
    whole = next((row for row in rows if (layout.id, row) not in missing), None)
    size = 0 if whole is None else int(layout.chunks_of(place, whole)[1][:, 1].sum())
    per_shard = max(1, min(MOST, SHARD // max(size, 1), len(rows)))
    if not missing and len({row // layout.per_shard for row in rows}) <= -(-len(rows) // per_shard):
        place.write(f"arrays/{layout.id}/zarr.json", layout.described(1 + max(rows)))
        return layout, {row: row for row in rows}
    new = replace(layout, id=number, per_shard=per_shard, indices={})
    bodies = _bodies(place, layout, rows, lost)
    for shard in range(-(-len(rows) // per_shard)):
        parts = list(islice(bodies, per_shard))
        beyond = (per_shard - len(parts)) * layout.chunks
        place.write(new.key(shard), join_shards(parts, beyond))
    place.write(f"arrays/{number}/zarr.json", new.described(len(rows)))
    return new, {row: at for at, row in enumerate(rows)}


def _bodies(
    place: Place, layout: Layout, rows: list[int], lost: set[Piece]
) -> Iterator[tuple[bytes, list[int]]]:
    """Yield the chunks of each piece as they are, and their lengths; each file is read once.

    Of pieces that are lost they are zeros.
    """
    for _, of_file in groupby(rows, lambda row: row // layout.per_shard):
        data: bytes | None = None
        for row in of_file:
            found = None
            with noting(lost, layout, row):
                key, mine = layout.chunks_of(place, row)
                data = place.read(key) if data is None else data
                for at, length in mine.tolist():
                    checked(data[at : at + length], f"{place.name}/{key}")
                found = data[int(mine[:, 0].min()) : int(mine.sum(-1).max())], mine[:, 1].tolist()
            yield layout.encoded(np.zeros(layout.shape, raw_dtype(layout.dtype))) if found is None else found


def _moved(line: Any, joined: Any) -> Any:
    if line["type"] == "array":
        found = joined.get(line["id"])
        return found and found[0].to_json()
    if "pieces" not in line:
        return line
    pieces = [
        [strip, joined[array][0].id, joined[array][1][row], *more]
        for strip, array, row, *more in line["pieces"]
    ]
    return {**line, "pieces": pieces}
