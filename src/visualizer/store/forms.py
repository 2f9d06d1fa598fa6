"""What a call is, as JSON with its arrays in a list beside it: calls that differ in these alone share it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from visualizer.attention import AttentionMap, Dense, Factors, LowRank, Stitched
from visualizer.attention.dense import DenseSource
from visualizer.attention.softmax import FactorSource
from visualizer.calls import Call
from visualizer.errors import StoreError
from visualizer.memory import format_bytes
from visualizer.store.plain import Put, to_plain

LARGEST = 2**28
"""Bytes of a map that is formed because what it is held as cannot be stored."""
FUNCTIONS = ("score_mod", "mask_mod")
FORMED = "formed when it was stored: {} cannot be stored"


def form_of(call: Call, put: Put) -> dict[str, Any]:
    """Return what a call is besides its numbers; arrays are handed to ``put``.

    Raises
    ------
    StoreError
        If something of it cannot be stored.
    """
    content, note = _content(call, put)
    return {
        "path": call.path,
        "paths": list(call.paths),
        "how": call.how,
        "thread": call.thread,
        "formed": call.formed,
        "note": "; ".join(filter(None, [call.note, note])),
        "split": None if call.split is None else list(call.split),
        "content": content,
        "levels": [
            {"places": put(level.places, "places"), "shape": list(level.shape), "number": level.number}
            for level in call.levels
        ],
        "v": None if call.v is None else put(call.v, "v"),
        "output": None if call.output is None else put(call.output, "output"),
    }


def _content(call: Call, put: Put) -> tuple[dict[str, Any], str]:
    if isinstance(call.content, AttentionMap):
        return map_form(call.content, put, call.path)
    if isinstance(call.content, Mapping) and not call.how.startswith("local"):
        return {"readouts": to_plain(dict(call.content), put, "readout")}, ""
    return {"value": to_plain(call.content, put)}, ""


def map_form(map_: AttentionMap, put: Put, path: str) -> tuple[dict[str, Any], str]:
    """Return what a map is held as, and a note where it had to be formed."""
    kind, why = _opened(map_)
    if kind is None:
        if map_.nbytes_dense > LARGEST:
            raise StoreError(
                f"the map of {path or 'the model'} has {why}, which cannot be stored, and would take "
                f"{format_bytes(map_.nbytes_dense)} formed: record with keep='readouts', or queries='last'"
            )
        kind, note = map_.dense(LARGEST)._source, FORMED.format(why)  # noqa: SLF001 - its own store
        return _written(kind, put, path), note
    return _written(kind, put, path), ""


def _opened(map_: AttentionMap) -> tuple[Any, str]:
    """Return what holds a map as a whole; or None, and what it is instead."""
    source, view = map_._source, map_._view  # noqa: SLF001
    is_whole = tuple(map(len, (*view.at, view.keys))) == source.shape and not view.dropped
    is_ordered = all(
        isinstance(index, range) and index == range(len(index)) for index in (*view.at, view.keys)
    )
    if not is_whole or not is_ordered:
        return None, "a view of another map"
    source = getattr(source, "whole", lambda: source)()  # of one that was loaded
    if isinstance(source, FactorSource):
        named = [name for name in FUNCTIONS if getattr(source.factors, name) is not None]
        return (None, f"a Python function ({named[0]})") if named else (source, "")
    if isinstance(source, DenseSource | LowRank | Stitched):
        return source, ""
    return None, source.kind


def _written(source: Any, put: Put, path: str) -> dict[str, Any]:
    shape, work = list(source.shape), str(source.dtype).rpartition(".")[2].strip("<>'")
    about = {"shape": shape, "dtype": work}
    if isinstance(source, FactorSource):
        return {"map": "factors", "exact": source.exact, **about, **_parts(source.factors, put)}
    if isinstance(source, DenseSource):
        return {"map": "dense", **about, **_parts(source.dense, put)}
    if isinstance(source, LowRank):
        return {
            "map": "lowrank",
            **about,
            "left": put(source.left, "left"),
            "right": put(source.right, "right"),
        }
    steps = [
        {
            **map_form(AttentionMap(step), put, path)[0],
            "at": [
                [int(place) for place in index] if not isinstance(index, range) else _range(index)
                for index in at
            ],
            "positions": put(np.asarray(positions), "positions"),
        }
        for step, at, positions in source.steps
    ]
    return {"map": "stitched", **about, "steps": steps}


def _range(index: range) -> dict[str, list[int]]:
    return {"range": [index.start, index.stop, index.step]}


def _parts(held: Factors | Dense, put: Put) -> dict[str, Any]:
    """Return the fields of factors or of a dense map, but those that are not given."""
    given = {one.name: getattr(held, one.name) for one in fields(held)}
    return {name: _part(name, value, put) for name, value in given.items() if value is not None}


def _part(name: str, value: Any, put: Put) -> Any:
    if name == "band":
        sides = {"left": value.left, "right": value.right}
        return {"diagonal": to_plain(value.diagonal, _named(put, "diagonal")), **sides}
    if name == "segments":
        return [put(side, "segments") for side in value]
    if hasattr(value, "dtype"):
        return {"array": put(value, name)}
    return to_plain(value, put, name)


def _named(put: Put, name: str) -> Callable[[Any, str], int]:
    return lambda array, _role: put(array, name)
