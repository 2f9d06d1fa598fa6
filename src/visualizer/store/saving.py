"""Saving a run that is there: all its calls, then what is known of the whole, then the files are joined."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from visualizer.errors import StoreError
from visualizer.store.finishing import finish
from visualizer.store.labelling import written_labels
from visualizer.store.looking import written_image
from visualizer.store.needs import check_needs
from visualizer.store.packing import pack
from visualizer.store.provenance import provenance_of
from visualizer.store.texts import read_texts
from visualizer.store.writer import Writer, unwritable

if TYPE_CHECKING:
    from visualizer.run import Run


def save_run(run: Run, path: str | os.PathLike[str], *, inputs: bool = False) -> None:
    """Write a run to a path that is free; one that ends with ``.zip`` is packed into one file."""
    check_needs()
    name = os.fspath(path)
    packed = is_zip(name)
    if packed and os.path.lexists(name):
        raise StoreError(f"path={name!r} was asked for, but there is something: give another")
    folder = f"{name}.folder" if packed else name
    writer = Writer(folder, inputs=inputs)
    try:
        for call in run:
            writer.write(call)
            if writer.is_due:
                writer.commit()
        tell_rest(writer, run, inputs=inputs)
        writer.commit()
        finish(writer.place)
    except OSError as error:
        raise unwritable(writer.place, error) from error
    finally:
        writer.close()
    if packed:
        pack(folder, name)


def is_zip(path: str | os.PathLike[str]) -> bool:
    """Tell whether a run is to be one zip file there."""
    name = os.fspath(path)
    return name.endswith(".zip") and "://" not in name


def tell_rest(writer: Writer, run: Run, *, inputs: bool) -> None:
    """Write what is known of a run as a whole."""
    if run.labels.stated:
        writer.label(written_labels(run.labels, inputs=inputs))
    if writer.is_empty:
        writer.tell("empty", {"reason": run.why_empty()})
    remarks = run.remarks()
    if remarks:
        writer.tell("remarks", {"lines": remarks})
    if inputs and run.image is not None:
        writer.tell("inputs", written_image(run))
    if inputs and (texts := read_texts(run)) is not None:
        writer.tell("texts", texts)
    writer.tell("provenance", provenance_of(run))
