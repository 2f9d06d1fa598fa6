"""The log of a store: lines of JSON in numbered parts; what is not in it is not in the store."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from typing import Any

from visualizer.errors import StoreError
from visualizer.store.places import Place

VERSION = 1
"""Of the format; docs/format.md says what it is."""
ROOT = "zarr.json"


def part_key(number: int) -> str:
    """Return the file of a part of the log."""
    return f"log/{number}.jsonl"


def joined_part(number: int) -> int:
    """Return the number of a part that takes the place of all before ``number``, which would be the next one.

    As that one is missing, whoever reads from the first part on does not come to the new one.
    """
    return number + 1


def write_root(place: Place, *, first: int, finished: bool) -> None:
    """Say what the folder is, and from which part on its log counts; this is what makes a change valid."""
    about = {"type": "run", "version": VERSION, "log": first, "finished": finished}
    place.write(ROOT, _group({"visualizer": about}))


def write_groups(place: Place) -> None:
    """Make the folder of a new store, empty."""
    place.write(f"arrays/{ROOT}", _group({}))
    write_root(place, first=0, finished=False)


def _group(attributes: dict[str, Any]) -> bytes:
    return json.dumps({"zarr_format": 3, "node_type": "group", "attributes": attributes}).encode()


def read_root(place: Place) -> dict[str, Any]:
    """Return what a store says it is.

    Raises
    ------
    StoreError
        If it is no run, or of a newer version.
    """
    name = f"{place.name}/{ROOT}"
    root = _parsed(_root_of(place), name)
    about = root.get("attributes") if isinstance(root, dict) else None
    about = about.get("visualizer") if isinstance(about, dict) else None
    if not isinstance(about, dict) or about.get("type") != "run":
        raise StoreError(f"{name} is of no run: its attributes have no 'visualizer' of type 'run'")
    version, first = about.get("version"), about.get("log")
    if type(version) is not int or version < 1:
        raise StoreError(f"{name} has the version {version!r:.40}; wanted is a whole number from 1 on")
    if version > VERSION:
        raise StoreError(
            f"{place.name} is of format {version}, and this release reads up to {VERSION}: "
            "pip install --upgrade attention-visualizer"
        )
    if type(first) is not int or not 0 <= first < 2**40:
        raise StoreError(f"{name} names the part {first!r:.40} of the log; wanted is a whole number")
    return about


def _root_of(place: Place) -> bytes:
    try:
        return place.read(ROOT)
    except StoreError:
        if place.is_there(ROOT):
            raise
        wanted = "give a folder or file that was saved, such as run.zarr"
        if "://" in place.name or Path(place.name).exists():
            raise StoreError(f"{place.name} is no saved run, as no {ROOT} is in it: {wanted}") from None
        raise StoreError(f"There is no run {place.name}: {wanted}") from None


def read_log(place: Place, first: int) -> tuple[list[Any], int, bytes | None]:
    """Return the lines of a log from a part on, the number of the part that would be next, and a rest.

    The rest is what stands after the last newline of the first part; None where there is no such part.

    A last line that was not written to its end is none; a new part goes on after it.
    """
    lines: list[Any] = []
    number, rest = first, None
    while place.is_there(part_key(number)):
        name = f"{place.name}/{part_key(number)}"
        *whole, after = place.read(part_key(number)).split(b"\n")
        rest = after if rest is None else rest
        lines += _parsed(b"[" + b",".join(whole) + b"]", name)
        number += 1
    return lines, number, rest


def check_whole(place: Place, about: dict[str, Any], end: bytes | None) -> None:
    """Refuse a finished store of which the log is gone or cut short: it was written whole before it counted.

    Raises
    ------
    StoreError
        If it is.
    """
    if about.get("finished") is True and end != b"":
        found = "it is missing" if end is None else "it is cut short: its last line has no end"
        raise StoreError(f"{place.name}/{part_key(about['log'])} was to be read, but {found}")


def as_line(about: Any) -> bytes:
    """Return a line of the log."""
    return json.dumps(about, allow_nan=False).encode() + b"\n"


class Journal:
    """Appends lines to the log, in a new part; on a place that cannot append, each batch is a part."""

    def __init__(self, place: Place, number: int) -> None:
        self._place, self._number = place, number

    def commit(self, data: bytes) -> None:
        """Add lines in one write."""
        if hasattr(self._place, "append"):
            self._place.append(part_key(self._number), data)
            return
        if self._place.is_there(part_key(self._number)):
            raise StoreError(f"{self._place.name} is written by another process too: recording stopped")
        self._place.write(part_key(self._number), data)
        self._number += 1


def _parsed(data: bytes, name: str) -> Any:
    collects = gc.isenabled()
    gc.disable()  # it looks for cycles among what has none: half of the time of a long log
    try:
        return json.loads(data, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{name} was to be read as JSON, but {error!s:.200}") from None
    finally:
        if collects:
            gc.enable()


def _refuse(word: str) -> Any:
    raise ValueError(f"it holds {word}, which JSON has not")
