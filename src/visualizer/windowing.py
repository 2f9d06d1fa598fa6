"""Windows that are stated for many layers at once: which grid and which shift each layer has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any

from visualizer.attention import AttentionMap
from visualizer.axes import Windows
from visualizer.axes.cells import written
from visualizer.axes.windows import pair
from visualizer.calls import Call
from visualizer.errors import CallsError, OptionError, ShapeError

OTHERS = ("roll_first", "spread")


def windows_of(calls: Sequence[Call], windows: Any, grid: Any) -> dict[str, Windows]:
    """Return the windows of each module, by path.

    The first module has the stated grid. Where batch, heads or keys change from one module to the next, a
    stage begins whose grid has half as many rows and columns; its maps must have as many windows. A window
    may be cut down to the grid.

    Parameters
    ----------
    windows
        A dictionary of ``size``, one number or (rows, columns), and ``shift``, likewise, or "alternate": half
        of a window in every module of an odd number, the last of its path, unless its grid is one window.
        ``roll_first`` and ``spread`` as `Windows` takes them.
    grid
        (rows, columns) of the feature map.

    Raises
    ------
    OptionError
        If it is stated otherwise, or "alternate" does not say which modules are shifted.
    ShapeError
        If the windows do not fit a map.
    CallsError
        If there is no map.
    """
    size, shift, others = _stated(windows, grid)
    firsts: dict[str, Call] = {}
    for call in calls:
        if isinstance(call.content, AttentionMap):
            firsts.setdefault(call.path, call)
    if not firsts:
        raise CallsError("windows= were stated, but no map was recorded that has any")
    staged = _staged(list(firsts.values()), pair(grid, "grid", 1), size)
    return {path: replace(one, shift=_shift(path, one, shift), **others) for path, one in staged.items()}


def _stated(windows: Any, grid: Any) -> tuple[tuple[int, int], Any, dict[str, Any]]:
    if grid is None:
        raise OptionError(
            "windows= were stated without grid=(rows, columns) of the feature map, which no map tells"
        )
    if not isinstance(windows, Mapping) or "size" not in windows or set(windows) - {"size", "shift", *OTHERS}:
        raise OptionError(f"windows={windows!r} was asked for; give dict(size=7, shift=0, 3 or 'alternate')")
    others = {name: windows[name] for name in OTHERS if name in windows}
    return pair(windows["size"], "size", 1), windows.get("shift", 0), others


def _staged(calls: Sequence[Call], grid: tuple[int, int], size: tuple[int, int]) -> dict[str, Windows]:
    """Return the windows of each call's stage, not shifted."""
    found, last, items = {}, calls[0], 0
    for call in calls:
        if _shape(call) != _shape(last):
            grid, last = (-(-grid[0] // 2), -(-grid[1] // 2)), call
        fitting = _windows_in(grid, size, call.shape[-1])
        items = items or max(call.shape[0] // fitting.count, 1)
        if (call.shape[0], call.shape[-1]) != (items * fitting.count, fitting.length):
            raise ShapeError(
                f"{fitting.divided} of {fitting.length} keys, in a batch of {items}, but {_found(call)}; "
                "stages of other grids are labelled under patterns of their own"
            )
        found[call.path] = fitting
    return found


def _windows_in(grid: tuple[int, int], size: tuple[int, int], keys: int) -> Windows:
    """Return the windows of a grid, as stated, or no larger than it if they have as many keys so."""
    least = (min(size[0], grid[0]), min(size[1], grid[1]))
    return Windows(grid, least if prod(least) == keys else size)


def _shape(call: Call) -> tuple[int, ...]:
    batch, heads, _, keys = call.shape
    return batch, heads, keys


def _found(call: Call) -> str:
    return f"the map of {call.path or 'the model'} has a batch of {call.shape[0]} and {call.shape[-1]} keys"


def _shift(path: str, windows: Windows, shift: Any) -> tuple[int, int]:
    if shift != "alternate":
        return pair(shift, "shift", 0)
    numbers = [part for part in path.split(".") if part.isdigit()]
    if not numbers:
        raise OptionError(f"shift='alternate' was stated, but {path!r} has no number: give shift= in cells")
    alone = [count == 1 for count in windows.layout]
    if int(numbers[-1]) % 2 == 0 or all(alone):
        return 0, 0
    if any(alone):
        raise OptionError(
            f"shift='alternate' was stated, but {path!r} has one window along one side of its "
            f"{written(windows.grid)} grid, which models shift or not: give shift=(rows, columns)"
        )
    return windows.window[0] // 2, windows.window[1] // 2
