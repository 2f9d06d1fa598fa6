"""Read-outs of every head as a table that can be sorted, to see which heads looked where."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from visualizer.calls import Call
from visualizer.errors import OptionError
from visualizer.escaping import visible
from visualizer.named_readouts import check_readout, read_out

PLACES = ("path", "call", "item", "batch", "head")  # columns that say of which head a row is
UNNAMED = "value"  # the column of a lambda
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
        """Return the rows in the order of a column; those that have no number there come last.

        Raises
        ------
        OptionError
            If there is no such column.
        """
        self._check(column)
        there: list[dict[str, Any]] = []
        missing: list[dict[str, Any]] = []
        for row in self:
            (missing if _is_missing(row[column]) else there).append(row)
        return Table([*sorted(there, key=lambda row: _order(row[column]), reverse=descending), *missing])

    def mean(self, by: str | Sequence[str]) -> Table:
        """Return the means over all rows that are alike in a column, or in several.

        Raises
        ------
        OptionError
            If there is no such column.

        Examples
        --------
        >>> table = Table({"path": n, "head": head, "rest": n + head} for n in (0, 4) for head in (0, 1))
        >>> table.mean("head")
        head  rest
           0     2
           1     3
        """
        keys = [by] if isinstance(by, str) else list(by)
        self._check(*keys)
        alike: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
        for row in self:
            alike.setdefault(tuple(row[key] for key in keys), []).append(row)
        read = [column for column in self.columns if column not in {*PLACES, *keys}]
        return Table(
            dict(zip(keys, key, strict=True))
            | {name: float(np.mean([row[name] for row in rows])) for name in read}
            for key, rows in alike.items()
        )

    def _check(self, *columns: str) -> None:
        for column in columns:
            if self._rows and column not in self.columns:
                raise OptionError(f"column {column!r} was asked for; there are {', '.join(self.columns)}")

    def __getitem__(self, index: Any) -> Any:
        return Table(self._rows[index]) if isinstance(index, slice) else self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._rows)

    def __repr__(self) -> str:
        cells = [
            [*map(visible, self.columns)],
            *([_written(value) for value in row.values()] for row in self._rows[:_SHOWN]),
        ]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["  ".join(map(str.rjust, line, widths)) for line in cells]
        left = len(self) - _SHOWN
        return "\n".join([*lines, f"… {left} more rows"] if left > 0 else lines)


def _written(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else visible(str(value))


def _is_missing(value: Any) -> bool:
    return value is None or bool(value != value)  # noqa: PLR0124  # as nan alone is


def _order(value: Any) -> tuple[str, Any]:
    """Return what sorts ids of several kinds: numbers as such, others beside their kind."""
    return ("", value) if isinstance(value, int | float) else (type(value).__name__, value)


Read = str | Callable[..., Any]


def readout_table(
    calls: Sequence[Call], read: Read | Sequence[str] | Mapping[str, Read], **options: Any
) -> Table:
    """Return one row for each call, batch row and head: a read-out's mean over queries or keys.

    Padded queries are left out of the means of entropy, mass and the like.

    Parameters
    ----------
    read
        A method or property of `AttentionMap` such as ``"entropy"``, or a function of a map; its result
        has the axes (batch, head, …), of deformable attention (batch, query, head, …), of which the rest is
        averaged, but for the groups of ``mass``, one column each. Several, each in a column: a list of names,
        or ``{"name": function}``. Of calls that kept read-outs in the place of maps, their names.
    options
        What the method takes, or the function.

    Raises
    ------
    OptionError
        If there is no such read-out, its options are wrong, it was kept and options are given, or a column
        would have the name of another.
    """
    reads = _named(read)
    if options and len(reads) > 1:
        raise OptionError(
            f"{', '.join(options)} was given beside {len(reads)} read-outs: give a function for the one that "
            "takes it, such as lambda a: a.mass(...)"
        )
    for one in reads.values():
        if not callable(one) and not any(_kept(call, one) is not None for call in calls):
            check_readout(one, **options)
    return Table(row for call in calls for row in _rows(call, reads, options))


def _named(read: Any) -> dict[str, Any]:
    """Return read-outs under the names of their columns."""
    if isinstance(read, Mapping):
        return dict(read)
    if isinstance(read, list | tuple):
        named: dict[str, Any] = {}
        for one in read:
            name = one if isinstance(one, str) else _name(one)
            if named.setdefault(name, one) != one:
                raise OptionError(
                    f"two read-outs were asked for that would both be the column {name!r}: give a dictionary "
                    "of names and functions"
                )
        return named
    return {_name(read) if callable(read) else read: read}


def _name(function: Any) -> str:
    name = str(getattr(function, "__name__", UNNAMED))
    return name if name.isidentifier() else UNNAMED


def _rows(call: Call, reads: dict[str, Any], options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    means: dict[str, Any] = {}
    for name, read in reads.items():
        means |= _read(call, name, read, options)
    if taken := [name for name in PLACES if name in means]:
        raise OptionError(
            f"a column {taken[0]!r} was asked for, which tells where a head is: name it otherwise"
        )
    shape = next((mean.shape for mean in means.values()), call.shape[: _head(call) + 1 : _head(call)])
    for batch, head in np.ndindex(*shape):
        places = (call.path, call.number, item_of(call, batch), batch, head)
        values = {name: float(mean[batch, head]) for name, mean in means.items()}
        yield dict(zip(PLACES, places, strict=True)) | values


def _read(call: Call, name: str, read: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Return a read-out's means (batch, head) by the names of their columns."""
    if (kept := _kept(call, read)) is not None:
        return _means_of_kept(call, name, kept, options)
    found = read(call.map, **options) if callable(read) else read_out(call.map, read, **options)
    values = _numbers(call, name, found)
    columns = _columns(name, read, options, values)
    values = values.reshape(*values.shape[:2], -1, len(columns))
    means = _means(values, _valid_queries(call) if read in _OF_QUERIES else None)
    return {column: means[..., n] for n, column in enumerate(columns)}


def _kept(call: Call, read: Any) -> Any:
    """Return a read-out that was kept in the place of the map; None if it was not."""
    return call.content.get(read) if isinstance(call.content, dict) and isinstance(read, str) else None


def _means_of_kept(call: Call, name: str, kept: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Return means as `_read` does; a column for each number, where a query has several, such as groups."""
    if options:
        raise OptionError(f"{name} was asked for with {options}, but it was kept as it is: leave them out")
    values = _numbers(call, name, kept)
    if values.ndim < 4:
        return {name: values.reshape(*values.shape[:2], -1).mean(-1)}
    return {f"{name} {n}": values[..., n].mean(2) for n in range(values.shape[-1])}


def _numbers(call: Call, name: str, found: Any) -> Any:
    """Return what was read out as an array (batch, head, …)."""
    if hasattr(found, "detach"):
        found = found.detach().cpu().double()
    shape, count = tuple(getattr(found, "shape", ())), _head(call) + 1
    if len(shape) < count or (call.shape and shape[:count] != call.shape[:count]):
        axes = ", ".join(("batch", "query", "head") if call.levels else ("batch", "head"))
        given = f"the shape {shape}" if shape else repr(found).partition("\n")[0]
        raise OptionError(
            f"a table of {name} was asked for, but it gives {given}: "
            f"give a read-out with the axes ({axes}, …), {call.shape[:count]} here"
        )
    return np.moveaxis(np.asarray(found, dtype=np.float64), _head(call), 1)


def _head(call: Call) -> int:
    """Return which axis the heads are: of deformable attention, (batch, query, head, point), the third."""
    return 2 if call.levels else 1


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


def _columns(name: str, read: Any, options: dict[str, Any], values: Any) -> list[str]:
    groups = options.get("groups") if read == "mass" else None
    if groups is None:
        return [name]
    return list(groups) if hasattr(groups, "keys") else [f"group {n}" for n in range(values.shape[-1])]


def item_of(call: Call, batch: int) -> Any:
    """Return the id that a row of a call's batch was given; None where it has none."""
    return call.rows[batch] if batch < len(call.rows) else call.item
