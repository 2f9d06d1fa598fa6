"""Pictures of attention maps, drawn with matplotlib: data in, figures out, never a model.

Every picture has one printed colour scale and a caption that says how to read it. Importing this package
loads nothing; the first use of a picture loads matplotlib.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from visualizer.errors import require

if TYPE_CHECKING:
    from visualizer.plots.crossings import cross
    from visualizer.plots.differences import compare
    from visualizer.plots.grids import panel
    from visualizer.plots.matrices import grid_show, head, heads, visualize_head, visualize_heads
    from visualizer.plots.metrics import curves
    from visualizer.plots.overlays import (
        grid_to_grid,
        visualize_grid_to_grid,
        visualize_grid_to_grid_with_cls,
    )
    from visualizer.plots.overviews import atlas
    from visualizer.plots.queries import column, frames, row, tokens, volume
    from visualizer.plots.samplings import sampling
    from visualizer.plots.sequences import steps

_HOMES = {
    "crossings": ("cross",),
    "differences": ("compare",),
    "grids": ("panel",),
    "matrices": ("grid_show", "head", "heads", "visualize_head", "visualize_heads"),
    "overlays": ("grid_to_grid", "visualize_grid_to_grid", "visualize_grid_to_grid_with_cls"),
    "metrics": ("curves",),
    "overviews": ("atlas",),
    "queries": ("column", "frames", "row", "tokens", "volume"),
    "samplings": ("sampling",),
    "sequences": ("steps",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "atlas",
    "column",
    "compare",
    "cross",
    "curves",
    "frames",
    "grid_show",
    "grid_to_grid",
    "head",
    "heads",
    "panel",
    "row",
    "sampling",
    "steps",
    "tokens",
    "visualize_grid_to_grid",
    "visualize_grid_to_grid_with_cls",
    "visualize_head",
    "visualize_heads",
    "volume",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    require("matplotlib", "plots", "Drawing")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
