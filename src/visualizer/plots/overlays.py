"""One row of a map over its image: where a query looks, beside the place from which it looks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from matplotlib.cm import ScalarMappable

from visualizer.errors import ShapeError
from visualizer.plots.arrays import Floats, as_floats, one_map
from visualizer.plots.asking import takes
from visualizer.plots.colours import colour_scale
from visualizer.plots.figures import add_panel_title, open_frame
from visualizer.plots.options import check_interpolation, opacity
from visualizer.plots.patches import PatchGrid, patch_grid, query_token
from visualizer.plots.pictures import rgb_picture, told_of
from visualizer.plots.places import Paint, Places, draw_picture, draw_row, mark

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

WIDTH = 5.2  # inches: legible as it is, and when it is set into a column


@takes()
def grid_to_grid(  # noqa: PLR0913  each thing that can be changed is a keyword
    map: Any,  # noqa: A002  the field's word
    image: Any,
    *,
    query: int | None = None,
    cell: tuple[int, int] | None = None,
    pixel: tuple[float, float] | None = None,
    grid: tuple[int, int] | None = None,
    prefix: int | Sequence[str] = 0,
    title: str | None = None,
    caption: bool | str = True,
    cmap: str | Colormap | None = None,
    alpha: float = 0.6,
    interpolation: str = "nearest",
    vmin: float | None = None,
    vmax: float | None = None,
    scale: str = "linear",
    ax: Sequence[Axes] | None = None,
    figsize: tuple[float, float] | None = None,
) -> Figure:
    """Draw an image with a query's cell marked, beside the image with that query's row of the map over it.

    Parameters
    ----------
    map
        Attention map (query, key), whose keys are prefix tokens, then patches in rows from the top left.
    image
        PIL image, name of a file, or array (height, width), with channels first or last, whole numbers in
        [0, 255] or floats in [0, 1].
    query, cell, pixel
        Exactly one: a token's index (prefix included), a patch (row, column), a place (x, y) in the image's
        pixels.
    grid
        Patches as (rows, columns); needed where neither a square nor the image's shape tells it.
    prefix
        Number of tokens before the patches, or their names. They are drawn in cells of their own to the left
        of the image, on the same colour scale.
    title, caption
        A title such as "layer 3, head 5". The caption tells query, mass, scale and what it clips; a text
        replaces it, False leaves it out.
    cmap, alpha, interpolation
        A matplotlib colour map or its name, its opacity in [0, 1] over the greyed image, and the name of an
        interpolation: cells are drawn as they are (nearest neighbour) unless told.
    vmin, vmax, scale
        Range and rule ("linear", "sqrt", "log") of the colours; 0 to the row's largest value unless told.
    ax
        Two matplotlib axes to draw in instead of a new figure.
    figsize
        (width, height) in inches of the new figure.

    Raises
    ------
    ShapeError
        If map, grid, prefix and image do not fit, the query lies outside or its row has no finite value, or
        none or several are given.
    TargetError
        If map or image is a model, or holds no real numbers.
    OptionError
        If the colour map, scale or interpolation is unknown, the scale is empty, or the opacity is none.

    Examples
    --------
    >>> figure = grid_to_grid(np.eye(7), np.zeros((20, 30)), query=0, prefix=1)
    >>> [axes.get_title() for axes in figure.axes[:2]]
    ['query (row 0): CLS', 'keys (columns): where it looks']
    """
    check_interpolation(interpolation)
    alpha, weights, picture = opacity(alpha), _weights(map), rgb_picture(image)
    patches = patch_grid(weights.shape[1], picture.shape[:2], grid, prefix)
    token = query_token(patches, len(weights), query, cell, pixel)
    row = _row(weights, token)
    colours = colour_scale(row, cmap, (vmin, vmax), scale, sequential="inferno")
    shown = patches.axis.length == len(weights)  # else rows are other things than the image's tokens
    name = patches.axis.name(token) if shown else "not in this image"
    frame, places = open_frame(2, 2, figsize or (WIDTH, WIDTH), ax), Places(patches)
    left, right = frame.axes
    draw_picture(left, picture, places)
    paper = draw_row(right, row, picture, places, Paint(colours, alpha, interpolation))
    for axes in frame.axes if shown else ():
        mark(axes, places, token)
    add_panel_title(left, f"query (row {token}): {name}")
    add_panel_title(right, "keys (columns): where it looks")
    frame.add_bar(colours, ScalarMappable(colours.norm, colours.over_grey(paper, alpha)))
    frame.add_title(title)
    frame.add_caption(
        [
            _query_sentence(token, name, patches),
            *_mass(row, patches),
            colours.sentence(),
            *_blend(alpha),
            *told_of(image),
        ],
        caption,
    )
    if figsize is None:
        frame.trim()
    return frame.figure


def visualize_grid_to_grid(
    att_map: Any, grid_index: int, image: Any, grid_size: int | tuple[int, int] = 14, alpha: float = 0.6
) -> Figure:
    """Draw where one patch looks, on a map of patches alone: `grid_to_grid`, by the original notebook's name.

    ``grid_index`` is the patch's row in ``att_map``, ``grid_size`` one number or (rows, columns).

    Examples
    --------
    >>> visualize_grid_to_grid(np.eye(6), 4, np.zeros((20, 30)), (2, 3)).axes[0].get_title()
    'query (row 4): cell (1, 1)'
    """
    return grid_to_grid(att_map, image, query=grid_index, grid=_both(grid_size), alpha=alpha)


def visualize_grid_to_grid_with_cls(
    att_map: Any, grid_index: int, image: Any, grid_size: int | tuple[int, int] = 14, alpha: float = 0.6
) -> Figure:
    """Draw where one token looks, on a map whose token 0 is CLS, by the original notebook's name.

    ``grid_index`` is the token's row in the full map: 0 is CLS, 1 the first patch.

    Examples
    --------
    >>> visualize_grid_to_grid_with_cls(np.eye(7), 5, np.zeros((20, 30)), (2, 3)).axes[0].get_title()
    'query (row 5): cell (1, 1)'
    """
    return grid_to_grid(att_map, image, query=grid_index, grid=_both(grid_size), prefix=1, alpha=alpha)


def _blend(alpha: float) -> list[str]:
    return [f"The image shines through (opacity {alpha:g}): shades vary with it."] if alpha < 1 else []


def _both(grid_size: int | tuple[int, int]) -> tuple[int, int]:
    return cast("tuple[int, int]", grid_size if np.ndim(grid_size) else (grid_size, grid_size))


def _weights(map: Any) -> Any:  # noqa: A002  the field's word
    """Return a map (query, key); a lazy one as it is, as one row of it is drawn."""
    return map if hasattr(map, "pool") and map.ndim == 2 else one_map(map)


def _row(weights: Any, token: int) -> Floats:
    """Return a row of a map; a query that is masked as a whole has none that could be drawn."""
    row = as_floats(weights[token], "map")
    row = np.where(np.isfinite(row), row, np.nan)
    if not np.isfinite(row).any():
        raise ShapeError(
            f"row {token} of the map holds no finite value, so it looks nowhere: pick another query"
        )
    return row


def _query_sentence(token: int, name: str, patches: PatchGrid) -> str:
    rows, columns = patches.cells
    counted = " (row, column from 0)" if name.startswith("cell") else ""
    return f"Row {token} of the map: query {name}{counted}, grid of {rows} × {columns}; columns are keys."


def _mass(row: Floats, patches: PatchGrid) -> list[str]:
    """Return a sentence on where the row's mass lies, unless negative values make it meaningless."""
    if np.nanmin(row) < 0:
        return []
    first = len(patches.prefix)
    shares = [f"{np.nansum(row[first:]):.3f} on the grid"]
    shares += [f"{value:.3f} on {name}" for value, name in zip(row, patches.prefix, strict=False)]
    return [
        f"The row sums to {np.nansum(row):.3g}, all of it shown"
        + (f": {', '.join(shares)}." if first else ".")
    ]
