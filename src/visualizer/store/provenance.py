"""What made a run: versions and settings."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any


def provenance_of(run: Any) -> dict[str, Any]:
    """Return what is known of what made a run."""
    return {"visualizer": version("attention-visualizer"), **run.provenance}
