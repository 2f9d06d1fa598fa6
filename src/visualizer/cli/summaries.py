"""What a run holds, for programs to read."""

from __future__ import annotations

from typing import Any

from visualizer.errors import CallsError

WITHOUT_TORCH = "nothing was recorded: the program did not import torch"
SIDES = ("queries", "keys")
FIELDS = ("path", "number", "step", "item", "how", "shape", "note")


def summary(run: Any) -> dict[str, Any]:
    """Return a run's calls, what their tokens are, and what made it; where it is empty, why.

    Of None, which is where no torch was to be recorded, too.
    """
    if run is None:
        return {"calls": [], "axes": {}, "made by": {}, "remarks": [], "reason": WITHOUT_TORCH}
    return {
        "calls": [_fields(call) for call in run],
        "axes": axes(run),
        "made by": run.provenance,
        "remarks": run.remarks(),
        "reason": "" if len(run) else run.why_empty(),
    }


def axes(run: Any) -> dict[str, dict[str, str]]:
    """Return what each module's queries and keys are, in words, where it is known; of steps the whole."""
    found = {path: {side: _words(run, path, side) for side in SIDES} for path in run.paths}
    return {path: {side: words for side, words in known.items() if words} for path, known in found.items()}


def axes_lines(run: Any) -> list[str]:
    """Return the same for people: modules that have the same stand in one line."""
    known, lines = axes(run), []
    for side in SIDES:
        paths: dict[str, list[str]] = {}
        for path in run.paths:
            paths.setdefault(known[path].get(side, ""), []).append(path)
        for words, alike in paths.items():
            more = f" and {len(alike) - 1} more" if len(alike) > 1 else ""
            of = "" if len(paths) == 1 else f" of {alike[0] or '(the model)'}{more}"
            lines += [f"{side}{of}: {words}"] if words else []
    return lines


def _fields(call: Any) -> dict[str, Any]:
    error = None if call.error is None else float(call.error)
    return {name: getattr(call, name) for name in FIELDS} | {"error": error}


def _words(run: Any, path: str, side: str) -> str:
    try:
        return str(run.axis(path, side).arithmetic)
    except CallsError:  # it has none, or several
        return ""
