"""The page that shows a run: in a notebook, as one offline file, from a local server."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from visualizer.errors import require

if TYPE_CHECKING:
    from visualizer.viewer.html import to_html
    from visualizer.viewer.server import serve
    from visualizer.viewer.showing import show
    from visualizer.viewer.widget import Widget

__all__ = ["Widget", "serve", "show", "to_html"]

_HOME = {"Widget": "widget", "serve": "server", "show": "showing", "to_html": "html"}


def __getattr__(name: str) -> Any:
    """Import public names on first use (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "Widget":
        require("anywidget", "viewer", "The viewer in a notebook")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
