"""Pictures for print of what a page shows: the bytes that the same Python call writes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from io import BytesIO
from threading import Lock
from typing import Any

import visualizer.plots
from visualizer.errors import OptionError
from visualizer.run import Run
from visualizer.viewer.answering import whole
from visualizer.viewer.exhibits import Exhibit
from visualizer.viewer.payload import Payload
from visualizer.viewer.protocol import Blob
from visualizer.viewer.samplings import Sampled

UNDATED = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": None}
"""Formats, and metadata without which the same picture is the same bytes."""
PICTURES = ("atlas", "head", "heads", "row", "column", "compare", "sampling")
TAKEN = (
    *("layer", "call", "sequence", "batch", "head", "query", "key", "scale", "cmap"),
    *("mass", "sinks", "part", "names"),
)

_one_at_a_time = Lock()  # matplotlib's settings are the process's


def figure(payload: Payload, request: Mapping[str, Any]) -> Blob:
    """Return a picture's file, u1 (bytes,).

    The request has the ``picture``, a name of `visualizer.plots`; ``of``, the maps that it is of, JSON
    ``[[map, options], …]``, one, or of "compare" two; ``options``, JSON; and ``format``.

    Raises
    ------
    OptionError
        If there is no such picture, option or format.
    """
    name, kind = request.get("picture"), request.get("format")
    if name not in PICTURES or kind not in UNDATED:
        raise OptionError(
            f"picture {name!r:.40} was asked for as {kind!r:.40}; there are {', '.join(PICTURES)} as "
            f"{', '.join(UNDATED)}"
        )
    listed = payload.samplings if name == "sampling" else payload.exhibits
    shown = [_shown(payload, listed, one) for one in _read(request, "of", list)]
    options = _taken(_read(request, "options", dict))
    if len(shown) != (2 if name == "compare" else 1):
        raise OptionError(f"{name} of {len(shown)} maps was asked for; give 1, or 2 to compare")
    draw = getattr(visualizer.plots, name)
    file = BytesIO()
    with _one_at_a_time:
        drawn = draw(*shown, **options) if name == "compare" else draw(shown[0][0], **shown[0][1], **options)
        drawn.savefig(file, format=kind, metadata=UNDATED[kind])
    return Blob("u1", (file.tell(),), file.getvalue())


def _shown(payload: Payload, listed: Sequence[Exhibit | Sampled], one: Any) -> tuple[Run, dict[str, Any]]:
    if not isinstance(one, list) or len(one) != 2 or not isinstance(one[1], dict):
        raise OptionError(f"a picture of {one!r:.60} was asked for; give [map, options]")
    return payload.runs[listed[whole(one[0], len(listed), "map")].run], _taken(one[1])


def _taken(options: dict[str, Any]) -> dict[str, Any]:
    for name in options:
        if name not in TAKEN:
            raise OptionError(f"{name!r:.40} was asked for; a page's pictures take {', '.join(TAKEN)}")
    return {name: tuple(one) if isinstance(one, list) else one for name, one in options.items()}


def _read(request: Mapping[str, Any], name: str, kind: type) -> Any:
    try:
        found = json.loads(str(request.get(name)))
    except ValueError:
        found = None
    if not isinstance(found, kind):
        raise OptionError(f"{name}={request.get(name)!r:.60} was asked for; give a JSON {kind.__name__}")
    return found
