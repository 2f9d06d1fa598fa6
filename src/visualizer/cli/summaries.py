"""What a run holds, for programs to read."""

from __future__ import annotations

from typing import Any

from visualizer.errors import CallsError

WITHOUT_TORCH = "nothing was recorded: the program did not import torch"
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


def axes(run: Any) -> dict[str, str]:
    """Return what queries and keys are, in words, where all modules have the same; of steps the whole."""
    known = {side: {_words(run, path, side) for path in run.paths} for side in ("queries", "keys")}
    return {side: found.pop() for side, found in known.items() if len(found) == 1 and "" not in found}


def _fields(call: Any) -> dict[str, Any]:
    error = None if call.error is None else float(call.error)
    return {name: getattr(call, name) for name in FIELDS} | {"error": error}


def _words(run: Any, path: str, side: str) -> str:
    try:
        return str(run.axis(path, side).arithmetic)
    except CallsError:  # it has none, or several
        return ""
