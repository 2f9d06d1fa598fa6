"""Pictures of attention maps, drawn with matplotlib: data in, figures out, never a model.

Every picture has one printed colour scale and a caption that says how to read it. Importing this package
loads nothing; the first use of a picture loads matplotlib.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from visualizer.errors import require

if TYPE_CHECKING:
    from visualizer.plots.matrices import grid_show, head, heads, visualize_head, visualize_heads
    from visualizer.plots.overlays import (
        grid_to_grid,
        visualize_grid_to_grid,
        visualize_grid_to_grid_with_cls,
    )

__all__ = [
    "grid_show",
    "grid_to_grid",
    "head",
    "heads",
    "visualize_grid_to_grid",
    "visualize_grid_to_grid_with_cls",
    "visualize_head",
    "visualize_heads",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    require("matplotlib", "plots", "Drawing")
    home = "overlays" if "grid_to_grid" in name else "matrices"
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return __all__
