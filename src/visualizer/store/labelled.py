"""Runs and maps as xarray has them: axes by name, coordinates from what the tokens are."""

from __future__ import annotations

from typing import Any

from visualizer.attention import AttentionMap
from visualizer.errors import CallsError, VisualizerError, require

CALL = "call"
NAMES = ("batch", "head", "query", "key")


def map_to_xarray(map_: AttentionMap, axes: dict[str, Any] | None = None, name: str | None = None) -> Any:
    """Return a map as a DataArray; ``axes`` are those of its query and key, where they are known."""
    xarray: Any = require("xarray", "xarray", "An array with named axes")
    places = (*map_._view.at, map_._view.keys)  # noqa: SLF001 - as the other readers of a map's places
    kept = map_._view.kept(len(places))  # noqa: SLF001
    names = [_name(axis + len(NAMES) - len(places), axis) for axis in kept]
    coordinates: dict[str, Any] = {}
    for side, index in (("query", places[-2]), ("key", places[-1])):
        if side in names:
            of = [int(place) for place in index]
            coordinates[side] = of
            axis = (axes or {}).get(side)
            if axis is not None and max(of, default=0) < axis.length:
                coordinates[f"{side}_token"] = side, [axis.name(place) for place in of]
    return xarray.DataArray(map_.numpy(), dims=names, coords=coordinates, name=name)


def run_to_xarray(run: Any) -> Any:
    """Return the maps of a run as a Dataset: a variable for each module, with an axis of calls if several.

    Raises
    ------
    CallsError
        If calls of one module have maps of different shapes, or are none.
    """
    xarray: Any = require("xarray", "xarray", "A run with named axes")
    arrays = {}
    for path in run.paths:
        calls = run.calls(path)
        shapes = {call.shape for call in calls}
        if len(shapes) > 1:
            raise CallsError(
                f"the calls of {path!r} have maps of {len(shapes)} shapes, which make no array: take those "
                "of one, run[first:last], or run.stitched(path).to_xarray()"
            )
        found = [map_to_xarray(call.map, _axes_of(run, path)) for call in calls]
        numbers = xarray.DataArray([call.number for call in calls], dims=CALL, name=CALL)
        one = xarray.concat(found, numbers) if len(calls) > 1 else found[0]
        arrays[path] = _renamed(one, path)
    return xarray.Dataset(arrays)


def _renamed(array: Any, path: str) -> Any:
    """Give axes and coordinates the module's name before their own: modules differ in their lengths."""
    names = {*array.dims, *array.coords}
    return array.rename({name: f"{path or 'model'}.{name}" for name in names})


def _axes_of(run: Any, path: str) -> dict[str, Any]:
    found = {}
    for side in ("queries", "keys"):
        try:
            found[{"queries": "query", "keys": "key"}[side]] = run.axis(path, side)
        except VisualizerError:  # none, or several
            continue
    return found


def _name(place: int, axis: int) -> str:
    return NAMES[place] if place >= 0 else f"axis {axis}"
