"""A table on its way to the user: averaged, sorted, cut, then shown or written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from visualizer.cli.showing import print_json, show
from visualizer.cli.writing import writer_for
from visualizer.demo.folders import whole_file
from visualizer.errors import OptionError
from visualizer.escaping import visible


@dataclass(frozen=True, kw_only=True)
class Giving:
    """How a table is to be given.

    Attributes
    ----------
    by
        Columns over whose other rows to average.
    sort, descending
        The column to sort by, and whether the largest come first.
    top
        How many rows.
    out
        The file to write, if any.
    json
        Whether a program reads what is shown.

    Raises
    ------
    OptionError
        If options do not go together, or no file of this kind can be written.
    """

    by: Sequence[str] | None
    sort: str | None
    top: int | None
    out: Path | None
    descending: bool
    json: bool

    def __post_init__(self) -> None:
        if self.descending and self.sort is None:
            raise OptionError("--descending needs --sort beside it")
        if self.out is not None:
            writer_for(self.out)  # or it says now what is wrong

    def give(self, rows: Any) -> None:
        """Show a table, or write it."""
        rows = rows.mean(self.by) if self.by else rows
        rows = rows if self.sort is None else rows.sort(self.sort, descending=self.descending)
        plain = [dict(row) for row in rows[: self.top]]
        if self.out is not None:
            with whole_file(self.out, "The table") as unfinished:
                writer_for(self.out)(unfinished, plain)
        if self.json:
            print_json(plain)
        elif self.out is not None:
            show(f"Written: {visible(str(self.out))}")
        else:
            show(repr(rows[: self.top]))
