"""Read-outs of every head as a table that can be sorted, to see which heads looked where."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from visualizer.calls import Call
from visualizer.errors import OptionError
from visualizer.named_readouts import check_readout, read_out

_SHOWN = 20
_OF_QUERIES = {"entropy", "expected_position", "logsumexp", "mass", "rest"}


class Table(Sequence[dict[str, Any]]):
    """Rows of a table, each a dictionary with the same columns.

    Examples
    --------
    >>> table = Table([{"head": 0, "entropy": 1.5}, {"head": 1, "entropy": 0.5}])
    >>> table.sort("entropy")[0]
    {'head': 1, 'entropy': 0.5}
    """

    def __init__(self, rows: Iterable[dict[str, Any]]) -> None:
        self._rows = list(rows)

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self._rows[0]) if self._rows else []

    def sort(self, column: str, *, descending: bool = False) -> Table:
        """Return the rows in the order of a column.

        Raises
        ------
        OptionError
            If there is no such column.
        """
        if self._rows and column not in self.columns:
            raise OptionError(f"column {column!r} was asked for; there are {', '.join(self.columns)}")
        return Table(sorted(self._rows, key=lambda row: row[column], reverse=descending))

    def __getitem__(self, index: Any) -> Any:
        return Table(self._rows[index]) if isinstance(index, slice) else self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._rows)

    def __repr__(self) -> str:
        cells = [self.columns, *([_written(value) for value in row.values()] for row in self._rows[:_SHOWN])]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["  ".join(map(str.rjust, line, widths)) for line in cells]
        left = len(self) - _SHOWN
        return "\n".join([*lines, f"… {left} more rows"] if left > 0 else lines)


def _written(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def readout_table(calls: Sequence[Call], read: str | Callable[..., Any], **options: Any) -> Table:
    """Return one row for each call, batch row and head: a read-out's mean over queries or keys.

    Padded queries are left out of means.

    Parameters
    ----------
    read
        A method or property of `AttentionMap` such as ``"entropy"``, or a function of a map; its result
        has the axes (batch, head, …), of which the rest is averaged, but for the groups of ``mass``, one
        column each.
    options
        What the method takes.
    """
    if not callable(read):
        check_readout(read, **options)
    return Table(row for call in calls for row in _rows(call, read, options))


def _rows(call: Call, read: str | Callable[..., Any], options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    name = getattr(read, "__name__", str(read))
    found = read(call.map, **options) if callable(read) else read_out(call.map, read, **options)
    values = _numbers(call, name, found)
    columns = _columns(name, options, values)
    values = values.reshape(*values.shape[:2], -1, len(columns))
    means = _means(values, _valid_queries(call) if name in _OF_QUERIES else None)
    for (batch, head), _ in np.ndenumerate(means[..., 0]):
        place = {
            "path": call.path,
            "call": call.number,
            "item": _item(call, batch),
            "batch": batch,
            "head": head,
        }
        yield place | dict(zip(columns, map(float, means[batch, head]), strict=True))


def _numbers(call: Call, name: str, found: Any) -> Any:
    """Return what was read out as an array (batch, head, …)."""
    if hasattr(found, "detach"):
        found = found.detach().cpu().double()
    shape = tuple(getattr(found, "shape", ()))
    if len(shape) < 2 or shape[:2] != call.shape[:2]:
        given = f"the shape {shape}" if shape else repr(found).partition("\n")[0]
        raise OptionError(
            f"a table of {name} was asked for, but it gives {given}: "
            f"give a read-out with the axes (batch, head, …), {call.shape[:2]} here"
        )
    return np.asarray(found, dtype=np.float64)


def _valid_queries(call: Call) -> Any:
    """Return which queries are no padding, (batch, head or 1, query); None where all are."""
    source, at = call.map.opened()
    valid = source.query_valid(at)
    return None if valid is None else np.asarray(valid.cpu() if hasattr(valid, "cpu") else valid)


def _means(values: Any, valid: Any) -> Any:
    """Return the means of values (batch, head, query or key, column) over the queries that are no padding."""
    if valid is None:
        return values.mean(2)
    counted = np.broadcast_to(valid[..., None], values.shape)
    return np.where(counted, values, 0).sum(2) / counted.sum(2).clip(1)


def _columns(name: str, options: dict[str, Any], values: Any) -> list[str]:
    groups = options.get("groups") if name == "mass" else None
    if groups is None:
        return [name]
    return list(groups) if hasattr(groups, "keys") else [f"group {n}" for n in range(values.shape[-1])]


def _item(call: Call, batch: int) -> Any:
    return call.rows[batch] if batch < len(call.rows) else call.item
