"""Rows of a table, written for other programs."""

from __future__ import annotations

import csv
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from visualizer.cli.showing import as_json
from visualizer.errors import MissingExtraError, OptionError

Rows = list[dict[str, Any]]


def writer_for(path: Path) -> Callable[[Path, Rows], None]:
    """Return what writes rows as a file's name says.

    Raises
    ------
    OptionError
        If its name ends otherwise.
    MissingExtraError
        If pyarrow, which writes parquet, is not installed.
    """
    write = WRITERS.get(path.suffix.lower())
    if write is None:
        raise OptionError(f"-o {path} was asked for; give a file that ends with one of {', '.join(WRITERS)}")
    if write is _write_parquet:
        _parquet()
    return write


def _write_csv(path: Path, rows: Rows) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else [])
        writer.writeheader()
        writer.writerows(rows)


def _write_json(path: Path, rows: Rows) -> None:
    path.write_text(as_json(rows) + "\n", encoding="utf-8")


def _write_parquet(path: Path, rows: Rows) -> None:
    """Write a row group; ids of items as text, since a column has one type."""
    pyarrow, parquet = _parquet()
    ids = [{"item": str(row["item"])} if row.get("item") is not None else {} for row in rows]
    plain = [row | id_ for row, id_ in zip(rows, ids, strict=True)]
    parquet.write_table(pyarrow.Table.from_pylist(plain), path)


def _parquet() -> tuple[Any, Any]:
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError:
        message = "Writing .parquet needs pyarrow, which is not installed: pip install pyarrow"
        raise MissingExtraError(message, name="pyarrow") from None


WRITERS = {".csv": _write_csv, ".json": _write_json, ".parquet": _write_parquet}
