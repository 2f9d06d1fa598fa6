"""What a page asks for: an array by its name, how a map's rows come, rows, a column, a tile, or a figure."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import numpy as np

from visualizer.attention import AttentionMap
from visualizer.attention.arrays import NUMPY
from visualizer.errors import OptionError
from visualizer.kept import Once
from visualizer.viewer.denominators import column
from visualizer.viewer.payload import Payload
from visualizer.viewer.protocol import Blob
from visualizer.viewer.tiles import Tile, levels, pooled, tiles_along

MOST_ROWS = 512


def answers(payload: Payload, request: Mapping[str, Any]) -> Blob:
    """Return what was asked for.

    Raises
    ------
    OptionError
        If the request is of another kind, or names a map, a head or a token that is not there.
    """
    kind = request.get("kind")
    if kind not in KINDS:
        raise OptionError(f"{kind!r:.40} was asked for; a page can ask for {', '.join(KINDS)}")
    return KINDS[kind](payload, request)


def _blob(payload: Payload, request: Mapping[str, Any]) -> Blob:
    name = str(request.get("name"))
    found: Blob = payload.kept.get(name, lambda: payload.blob(name))
    return found


def _details(payload: Payload, request: Mapping[str, Any]) -> Blob:
    told = payload.details(whole(request.get("map"), len(payload.exhibits), "map"))
    text = json.dumps(told.to_json(), allow_nan=False, separators=(",", ":"))
    return Blob.of(np.frombuffer(text.encode(), np.uint8), "u1")


def _rows(payload: Payload, request: Mapping[str, Any]) -> Blob:
    asked = request.get("queries")
    if not isinstance(asked, list | tuple) or not 1 <= len(asked) <= MOST_ROWS:
        raise OptionError(f"rows of {asked!r:.60} were asked for; give 1 to {MOST_ROWS} queries")
    head, _ = _head(payload, request)
    queries = [whole(query, head.shape[-2], "query") for query in asked]
    return Blob.of(NUMPY.as_numpy(head[0, 0, queries].array()))


def _column(payload: Payload, request: Mapping[str, Any]) -> Blob:
    head, once = _head(payload, request)
    return Blob.of(column(head, whole(request.get("key"), head.shape[-1], "key"), once))


def _tile(payload: Payload, request: Mapping[str, Any]) -> Blob:
    head, once = _head(payload, request)
    shape, places = head.shape[-2:], []
    level = whole(request.get("level"), levels(*shape) + 1, "level")
    for name, length in zip(("row", "column"), shape, strict=True):
        places.append(whole(request.get(name), tiles_along(length, level), name))
    tile = Tile(shape[0], shape[1], level, places[0], places[1], request.get("how", "mean"))

    def make() -> Blob:
        values, sampled = pooled(head, tile, once)
        return Blob.of(values, sampled=sampled)

    found: Blob = once(tile, make)
    return found


def _figure(payload: Payload, request: Mapping[str, Any]) -> Blob:
    from visualizer.viewer.figures import figure  # which draws, as nothing else here does

    return figure(payload, request)


def _head(payload: Payload, request: Mapping[str, Any]) -> tuple[AttentionMap, Once]:
    """Return the head (1, 1, query, key) named by map, batch and head, and what keeps things of it."""
    number = whole(request.get("map"), len(payload.exhibits), "map")
    a = payload.exhibits[number].map
    batch, head = (
        whole(request.get(name), a.shape[axis], name) for axis, name in enumerate(("batch", "head"))
    )

    def once(name: Hashable, make: Callable[[], Any]) -> Any:
        return payload.kept.get((number, batch, head, name), make)

    return a[batch : batch + 1, head : head + 1], once


def whole(value: Any, count: int, name: str) -> int:
    """Return a number from 0 to below ``count``.

    Raises
    ------
    OptionError
        If it is none.
    """
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = -1
    if not 0 <= number < count:
        raise OptionError(f"{name} {value!r:.40} was asked for; there are {count}, counted from 0")
    return number


KINDS: dict[str, Callable[[Payload, Mapping[str, Any]], Blob]] = {
    "blob": _blob,
    "details": _details,
    "rows": _rows,
    "column": _column,
    "tile": _tile,
    "figure": _figure,
}
