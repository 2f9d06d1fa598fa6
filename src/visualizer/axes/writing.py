"""Axes as JSON: written with a version, read with care, as what is read may be anybody's."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from visualizer.axes.cells import Frames, Grid, Volume
from visualizer.axes.ids import Ids
from visualizer.axes.lines import Lines
from visualizer.axes.scattered import Scattered
from visualizer.axes.segments import Segment, Special, Time, Unknown
from visualizer.axes.text import Text
from visualizer.axes.windows import Windows
from visualizer.errors import OptionError, ShapeError

VERSION = 1
KINDS: dict[str, type[Any]] = {
    kind.__name__.lower(): kind
    for kind in (Special, Text, Ids, Grid, Lines, Scattered, Frames, Volume, Time, Windows, Unknown)
}
WHOLE = {"span": (1.0, 1.0), "each": 1}
"""What is not written where it is this, as for most grids and videos."""


def written_axis(segments: Sequence[Segment]) -> dict[str, Any]:
    """Return segments as dictionaries, lists, texts and numbers."""
    written = {"type": "axis", "version": VERSION, "segments": [_written(one) for one in segments]}
    plain: dict[str, Any] = json.loads(json.dumps(written))  # lists for tuples
    return plain


def read_axis(written: str | Mapping[str, Any]) -> list[Segment]:
    """Return the segments that were written; what cannot be read is refused as `Axis.from_json` says."""
    found = _parsed(written) if isinstance(written, str) else written
    if not isinstance(found, Mapping) or found.get("type") != "axis":
        raise OptionError(f"an axis was to be read, but {found!r:.80} is none")
    version = found.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise OptionError(
            f"an axis of version {version!r} was to be read, but this release reads up to {VERSION}"
        )
    segments = found.get("segments")
    if not isinstance(segments, list) or not all(isinstance(one, Mapping) for one in segments):
        raise OptionError(
            f"an axis was to be read, but its segments are {segments!r:.80}, no list of objects"
        )
    return [_read(one) for one in segments]


def _parsed(written: str) -> Any:
    try:
        return json.loads(written)
    except (ValueError, RecursionError) as error:
        raise OptionError(f"an axis was to be read, but {written!r:.80} is no JSON: {error}") from None


def _written(segment: Segment) -> dict[str, Any]:
    # the length lets a reader that does not know the kind keep its place
    fields_of: dict[str, Any] = asdict(segment)  # type: ignore[call-overload]
    told = {name: value for name, value in fields_of.items() if name not in WHOLE or value != WHOLE[name]}
    return {"kind": type(segment).__name__.lower(), "length": segment.length, **told}


def _read(written: Mapping[str, Any]) -> Segment:
    given = dict(written)
    kind, length = given.pop("kind", None), given.pop("length", None)
    if not isinstance(kind, str) or kind not in KINDS:
        return _unknown(kind, length)
    known = {field.name for field in fields(KINDS[kind])}
    if set(given) - known:
        raise OptionError(
            f"a segment {kind!r} was to be read, but of {', '.join(sorted(set(given) - known))} this release "
            "knows nothing"
        )
    try:
        segment: Segment = KINDS[kind](**given)
    except TypeError as error:
        raise OptionError(f"a segment {kind!r} was to be read, but {error}") from None
    if segment.length != length:
        raise ShapeError(f"a segment {kind!r} was written with {length!r} tokens, but has {segment.length}")
    return segment


def _unknown(kind: Any, length: Any) -> Unknown:
    """Keep the place of a kind of segment that a later release brought, where its length is told."""
    if not isinstance(kind, str) or not isinstance(length, int) or length < 1:
        raise OptionError(
            f"a segment of kind {kind!r:.80} with {length!r:.80} tokens was to be read; this release knows "
            f"{', '.join(KINDS)}"
        )
    return Unknown(length, f"a segment {kind!r}, which this release does not know")
