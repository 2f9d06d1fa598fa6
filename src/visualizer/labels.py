"""Labels: which axes the maps of a run have, as they were stated, checked against what was recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from visualizer.attention import AttentionMap
from visualizer.axes import Axis, Windows, as_axis
from visualizer.calls import Call
from visualizer.errors import CallsError, OptionError, ShapeError
from visualizer.windowing import windows_of

SIDES = ("queries", "keys")


@dataclass(frozen=True)
class Labels:
    """The axes of a run's maps: by module path and side; those under None are for all that have no other."""

    stated: Mapping[tuple[str | None, str], Axis] = field(default_factory=dict)

    def of(self, path: str | None, side: str) -> Axis | None:
        """Return the axis of a module's queries or keys; None where none was stated."""
        return self.stated.get((path, side), self.stated.get((None, side)))

    def with_whole(self, axis: Axis) -> Labels:
        """Return labels with one axis for both sides of all maps, unchecked: maps may see parts of a text."""
        return Labels({**self.stated, **{(None, side): axis for side in SIDES}})

    def with_axes(self, calls: Sequence[Call], axes: Mapping[str | None, Mapping[str, Axis]]) -> Labels:
        """Return labels with axes by path, under None for all that have none, and by side.

        Raises
        ------
        ShapeError
            If an axis has another length than a map; the message shows the arithmetic.
        """
        added = {(path, side): axis for path, sides in axes.items() for side, axis in sides.items()}
        labels = Labels({**self.stated, **added})
        for call in calls:
            for side in (side for side in SIDES if any(side == stated for _, stated in added)):
                check_axis(call, side, labels.of(call.path, side))
        return labels

    def shared(self, paths: Sequence[str], side: str) -> Axis:
        """Return the one axis that maps of these paths have, of all paths where there are none yet.

        Raises
        ------
        OptionError
            If the side is neither "queries" nor "keys".
        CallsError
            If they have none, or several.
        """
        if side not in SIDES:
            raise OptionError(f"the axis of {side!r} was asked for; give 'queries' or 'keys'")
        found = {self.of(path, side) for path in paths or (None,)}
        if found == {None}:
            missing = "have no axis: run.label(...) first"
            raise CallsError(f"the {side} of {_some(paths)} were asked for, but {missing}")
        if len(found) > 1:
            several = f"have {len(found)} different axes: give the path of one"
            raise CallsError(f"the {side} of {_some(paths)} were asked for, but {several}")
        return found.pop()  # type: ignore[return-value]  # the one that is left is no None


def stated_axes(
    calls: Sequence[Call], path: str | None, axes: Mapping[str, Any]
) -> dict[str | None, dict[str, Axis]]:
    """Return what was stated for calls under a path, or for all, as axes by path and side.

    Raises
    ------
    OptionError
        If things that exclude one another are stated, or something that is no axis.
    """
    given = {name: value for name, value in axes.items() if value is not None}
    if not any(given.keys() <= way for way in ({"axis"}, set(SIDES), {"windows", "grid"})):
        raise OptionError(
            f"{', '.join(given)} were given; give axis=, or queries= and keys=, or windows= and grid="
        )
    if given.keys() <= {"windows", "grid"}:
        found = windows_of(calls, given.get("windows"), given.get("grid"))
        return {one: dict.fromkeys(SIDES, Axis((windows,))) for one, windows in found.items()}
    sides = {side: as_axis(value) for side, value in given.items()}
    sides = dict.fromkeys(SIDES, sides["axis"]) if "axis" in sides else sides
    return {None: sides} if path is None else dict.fromkeys(paths_of(calls), sides)


def paths_of(calls: Sequence[Call]) -> list[str]:
    """Return the modules' paths, in the order of their first calls."""
    return list(dict.fromkeys(call.path for call in calls))


def check_axis(call: Call, side: str, axis: Axis | None) -> None:
    """Compare an axis with the map of a call; read-outs and locals are left out.

    Raises
    ------
    ShapeError
        If it is longer or shorter, or if the batch is no whole number of items in windows.
    """
    if axis is None or not isinstance(call.content, AttentionMap):
        return
    batch, heads, queries, keys = call.shape
    queries = heads if call.levels else queries  # deformable: (batch, query, head, point)
    of = f"the map of {call.path or 'the model'} has"
    axis.check({"queries": queries, "keys": keys}[side], f"{of} {{}} {side}")
    for windows in (one for one in axis.segments if isinstance(one, Windows)):
        if batch % windows.count:
            raise ShapeError(f"{windows.divided}, but {of} a batch of {batch}")


def _some(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return ", ".join(path or "the model" for path in paths[:3]) + more or "the run"
