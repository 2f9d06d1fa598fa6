"""`load`: a run that was saved, or that was streamed to a path, whole or interrupted."""

from __future__ import annotations

import os
from typing import Any

from visualizer.errors import require
from visualizer.run import Run
from visualizer.store.labelling import read_labels
from visualizer.store.plain import from_plain
from visualizer.store.reader import Reader
from visualizer.store.stored import StoredCalls


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
    run = Run(empty=lambda: f"{reader.place.name} holds no call")
    run.hold(calls)
    run.labels = read_labels(reader.told.get("labels"))
    remarks = _plain(reader, "remarks")
    if remarks:
        run.remarks = lambda: list(remarks["lines"])
    inputs = _plain(reader, "inputs")
    run.image = inputs.get("image")
    run.provenance = _plain(reader, "provenance")
    return run


def _plain(reader: Reader, kind: str) -> dict[str, Any]:
    line = reader.told.get(kind)
    if line is None:
        return {}

    def get(slot: int) -> Any:
        return reader.array(line["arrays"][slot], line["values"][slot])

    skipped = {"type", "arrays", "values", "pieces"}
    return {name: from_plain(value, get) for name, value in line.items() if name not in skipped}
