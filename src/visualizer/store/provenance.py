"""What made a run, as it is stored."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any


def provenance_of(run: Any) -> dict[str, Any]:
    """Return what is known of what made a run: of one that is saved later, the weights as they are then."""
    known = {"visualizer": version("attention-visualizer"), **run.provenance}
    if "weights" not in known and (weights := run.weights()) is not None:
        known["weights"] = weights
    return known
