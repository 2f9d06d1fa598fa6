"""Calls as a table of text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from visualizer.escaping import visible
from visualizer.memory import format_bytes

if TYPE_CHECKING:
    from visualizer.calls import Call, Checks

_HEAD = ("path", "calls", "shape", "recorded from", "held", "dense")
_SHOWN = 40


def calls_table(calls: Sequence[Call], held: int, checks: Checks) -> str:
    """Return one line for each module: path, calls, shape, how recorded, bytes held and of the dense map."""
    modules: dict[str, list[Call]] = {}
    for call in calls:
        modules.setdefault(call.path, []).append(call)
    rows = [_row(path, of_module) for path, of_module in modules.items()]
    left = len(rows) - _SHOWN
    shown = [*rows[: _SHOWN - 1], (f"… {left + 1} more", *[""] * 5)] if left > 0 else rows
    made, of = (f"{n} {word}{'s' * (n != 1)}" for n, word in ((len(calls), "call"), (len(rows), "module")))
    total = f"{made} of {of}, {format_bytes(held)} held"
    return "\n".join([*aligned([_HEAD, *shown]), "; ".join(filter(None, [total, str(checks)]))])


def _row(path: str, calls: Sequence[Call]) -> tuple[str, ...]:
    shapes = list(dict.fromkeys(call.shape for call in calls))
    ways = list(dict.fromkeys(call.how for call in calls))
    return (
        path or "(the model)",
        str(len(calls)),
        str(shapes[0]) if len(shapes) == 1 else f"{shapes[0]} … {shapes[-1]}",
        ways[0] if len(ways) == 1 else f"{ways[0]} and {len(ways) - 1} more",
        format_bytes(sum(sum(call.storages().values()) for call in calls)),
        format_bytes(sum(getattr(call.content, "nbytes_dense", 0) for call in calls)),
    )


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines of text whose cells stand under one another."""
    rows = [[visible(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
