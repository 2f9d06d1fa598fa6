"""Any attention map, or any other local value, out of any deep-learning model without editing it.

Importing this package loads neither torch, numpy nor matplotlib.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from visualizer.classic import get_local

if TYPE_CHECKING:
    from visualizer import analysis, errors, plots
    from visualizer._find import find
    from visualizer._from_arrays import from_arrays
    from visualizer.attention import AttentionMap
    from visualizer.eager import compare_eager
    from visualizer.instrument import watch
    from visualizer.session import capture
    from visualizer.store import load

__version__ = "0.1.0"

__all__ = [
    "AttentionMap",
    "analysis",
    "capture",
    "compare_eager",
    "errors",
    "find",
    "from_arrays",
    "get_local",
    "load",
    "plots",
    "watch",
]

_LAZY = {
    "AttentionMap": "visualizer.attention",
    "analysis": "visualizer",
    "capture": "visualizer.session",
    "compare_eager": "visualizer.eager",
    "errors": "visualizer",
    "find": "visualizer._find",
    "from_arrays": "visualizer._from_arrays",
    "load": "visualizer.store",
    "plots": "visualizer",
    "watch": "visualizer.instrument",
}
_TORCH = ("capture", "compare_eager", "find")
_TORCH_FLOOR = "2.6"  # as in pyproject.toml


def __getattr__(name: str) -> Any:
    """Import public names on first use (PEP 562)."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _TORCH:
        require = importlib.import_module("visualizer.errors").require
        require("torch", "torch", f"visualizer.{name}", _TORCH_FLOOR)
    if _LAZY[name] == __name__:
        return importlib.import_module(f"{__name__}.{name}")
    return getattr(importlib.import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
