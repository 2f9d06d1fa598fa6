"""`load`: a run that was saved, or that was streamed to a path, whole or interrupted."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from visualizer.errors import StoreError, require
from visualizer.run import Run
from visualizer.store.labelling import read_labels
from visualizer.store.looking import read_image
from visualizer.store.plain import from_plain
from visualizer.store.reader import Reader
from visualizer.store.stored import StoredCalls
from visualizer.store.texts import StoredTokenizer


def load(path: str | os.PathLike[str]) -> Run:
    """Return a run from a folder, a packed zip file or a URL; its calls are read as they are asked for.

    Maps are torch's where torch is installed and they were, numpy's otherwise, with the same results.

    Parameters
    ----------
    path
        Where it was saved, or streamed to; also while it is being written, or after that was cut short.

    Raises
    ------
    StoreError
        If there is no run, or it is of a newer version or damaged: the error names file, found and wanted.
    MissingExtraError
        If packages that reading needs are not installed.
    """
    require("google_crc32c", "store", "Reading a run")
    reader = Reader(path)
    with reader.reading("its calls"):
        return read_run(reader)


def read_run(reader: Reader) -> Run:
    """Return the run that a reader has opened."""
    calls = StoredCalls(reader)
    reason = _reason(reader)
    run = Run(empty=lambda: reason)
    run.hold(calls)
    run.labels = read_labels(reader.told.get("labels"))
    if texts := _told(reader, "texts"):
        run.labels = replace(run.labels, tokenizer=StoredTokenizer(texts["special"], texts["decoded"]))
    remarks = _told(reader, "remarks")
    if remarks:
        run.told = lambda is_stated: remarks["lines"]  # noqa: ARG005  # as they were written
    read_image(run, _told(reader, "inputs"))
    run.provenance, run.stored_at = _told(reader, "provenance"), reader.place.name
    if reader.forwards:
        run.provenance["inputs"] = _hashes(reader)
        run.inputs = StoredInputs(reader)
    return run


def _reason(reader: Reader) -> str:
    """Return why a run is empty, where that was written."""
    unknown = "it holds no call and not why: it is being written, was cut short, or is of an older release"
    found = _told(reader, "empty").get("reason", f"{reader.place.name}: {unknown}")
    if not isinstance(found, str):
        raise StoreError(f"the reason why it is empty was found to be {found!r:.80}; wanted is a text")
    return found


class StoredInputs(Sequence[Mapping[str, Any]]):
    """What each forward was given, by name; read when it is asked for."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def __len__(self) -> int:
        return len(self._reader.forwards)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[number] for number in range(len(self))[index]]
        line = self._reader.forwards[index]
        with self._reader.reading(f"the inputs of forward {index}"):
            found: Any = plain_of(self._reader, line)["values"]
            return found


def _hashes(reader: Reader) -> list[Any]:
    """Return the hash of what each forward was given, with its item and step."""
    return [
        {
            "item": from_plain(line["item"], _no_array),
            "step": line["step"],
            "hash": line["hash"],
        }
        for line in reader.forwards
    ]


def _no_array(_slot: int) -> Any:
    raise StoreError("an item was written as an array")


def _told(reader: Reader, kind: str) -> dict[str, Any]:
    line = reader.told.get(kind)
    return {} if line is None else plain_of(reader, line)


def plain_of(reader: Reader, line: Any) -> dict[str, Any]:
    """Return what a line of the log tells, by name."""

    def get(slot: int) -> Any:
        return reader.array(line["arrays"][slot], line["values_of"][slot])

    skipped = {"type", "arrays", "values_of", "pieces"}
    return {name: from_plain(value, get) for name, value in line.items() if name not in skipped}
