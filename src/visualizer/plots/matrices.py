"""Maps as matrices: one head, all heads of a layer, and the names that the original notebook gave them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from visualizer.errors import OptionError, ShapeError
from visualizer.plots.arrays import Floats, map_stack, one_map
from visualizer.plots.asking import Options, takes
from visualizer.plots.panels import Look, Panel, draw_panels
from visualizer.plots.pictures import is_picture, rgb_picture
from visualizer.plots.wholes import whole_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

LARGEST_MAP = 1024  # queries and keys; of lazy maps with more, means of bins are drawn


@takes()
def head(  # noqa: PLR0913  each thing that can be changed is a keyword
    map: Any,  # noqa: A002  the field's word
    *,
    layer: str | None = None,
    head: int | str | None = None,
    call: int | None = None,
    sequence: int | None = None,
    batch: int = 0,
    names: tuple[str, str] | None = None,
    tokens: Sequence[str] | None = None,
    queries: Sequence[str] | None = None,
    keys: Sequence[str] | None = None,
    title: str | None = None,
    caption: bool | str = True,
    cmap: str | Colormap | None = None,
    interpolation: str | None = None,
    vmin: float | None = None,
    vmax: float | None = None,
    scale: str = "linear",
    ax: Axes | None = None,
    figsize: tuple[float, float] | None = None,
) -> Figure:
    """Draw one attention map (query, key) as a matrix: rows are queries, columns are keys.

    Parameters
    ----------
    map
        Attention map (query, key) of any numbers: numpy, torch, lists. Cells that are not finite are hatched.
        Or a run or call, whose layer, head, tokens and self-check are told.
    layer, head, call, sequence, batch
        Of a run the module's path; of several heads one, from 0, or "mean"; which of several calls, of
        several generations, of the rows of a batch. Calls that continue one sequence are drawn as one map.
    names
        What rows and columns are, where they are other things than queries and keys; an `AttentionMap` that
        was indexed knows it.
    tokens, queries, keys
        Labels of the tokens on both axes, on the rows, on the columns; of a run its own.
    title, caption
        A title such as "layer 3, head 5". The caption tells the scale and what it clips; a text replaces it,
        False leaves it out.
    cmap, interpolation
        A matplotlib colour map or its name, and the name of an interpolation. Unless told: viridis from 0, or
        red-blue around 0 where values are negative; cells as they are (nearest neighbour), averaged where
        they are smaller than a pixel.
    vmin, vmax, scale
        Range and rule ("linear", "sqrt", "log") of the colours; 0 to the largest value unless told.
    ax
        Matplotlib axes to draw in instead of a new figure.
    figsize
        (width, height) in inches of the new figure.

    Raises
    ------
    ShapeError
        If the map has other axes, no finite value, or labels do not fit.
    CallsError
        If a run has no such call, or several.
    TargetError
        If it is a model, or holds no real numbers.
    OptionError
        If the colour map, scale or interpolation is unknown, or the scale is empty.

    Examples
    --------
    >>> figure = head([[0.9, 0.1], [0.4, 0.6]], tokens=["the", "cat"], title="layer 0, head 0")
    >>> figure.axes[0].get_ylabel()
    'query (row)'
    """
    asked = Options(layer=layer, head=head, call=call, sequence=sequence, batch=batch)
    whole = whole_of(map, asked, names, LARGEST_MAP, one_map)
    look = Look(
        *whole.labelled(tokens, queries, keys), title, caption, cmap, interpolation, vmin, vmax, scale, ax,
        figsize, names=(whole.names[-2], whole.names[-1]),
    )  # fmt: skip
    sums = _row_sums(whole.weights) if whole.size == whole.weights.shape else []
    reading = [*whole.facts.whence, look.reading, *sums, *whole.facts.checked]
    return draw_panels([Panel(whole.weights, size=whole.size)], 1, look, reading)


@takes()
def heads(  # noqa: PLR0913  each thing that can be changed is a keyword
    maps: Any,
    *,
    layer: str | None = None,
    call: int | None = None,
    sequence: int | None = None,
    batch: int = 0,
    names: tuple[str, str] | None = None,
    columns: int | None = None,
    tokens: Sequence[str] | None = None,
    queries: Sequence[str] | None = None,
    keys: Sequence[str] | None = None,
    title: str | None = None,
    caption: bool | str = True,
    cmap: str | Colormap | None = None,
    interpolation: str | None = None,
    vmin: float | None = None,
    vmax: float | None = None,
    scale: str = "linear",
    ax: Sequence[Axes] | None = None,
    figsize: tuple[float, float] | None = None,
) -> Figure:
    """Draw all heads of a layer, and last their mean, on one colour scale.

    Parameters
    ----------
    maps
        Attention maps (head, query, key), or (1, head, query, key); a run or call.
    columns
        Panels in a row; chosen to leave few places empty unless told.
    ax
        As many matplotlib axes as there are heads, and one for the mean.

    The other parameters are those of `head`.

    Raises
    ------
    ShapeError
        If the maps have other axes, no finite value, or labels or axes do not fit.
    TargetError
        If they are a model, or hold no real numbers.
    OptionError
        If the colour map, scale or interpolation is unknown, the scale is empty, or ``columns`` is below 1.

    Examples
    --------
    >>> figure = heads(np.full((2, 4, 4), 0.25))
    >>> [axes.get_title() for axes in figure.axes[:3]]
    ['head 0', 'head 1', 'mean of 2 heads']
    """
    asked = Options(layer=layer, head="all", call=call, sequence=sequence, batch=batch)
    whole = whole_of(maps, asked, names, LARGEST_MAP // 4, map_stack)
    stack, kind = whole.weights, whole.names[0]
    look = Look(
        *whole.labelled(tokens, queries, keys), title, caption, cmap, interpolation, vmin, vmax, scale, ax,
        figsize, names=(whole.names[-2], whole.names[-1]),
    )  # fmt: skip
    panels = [Panel(weights, f"{kind} {number}", whole.size) for number, weights in enumerate(stack)]
    mean = f"mean of {len(stack)}{' head' * (kind == 'head')}{'s' * (kind == 'head' and len(stack) > 1)}"
    panels.append(Panel(stack.mean(axis=0, dtype=np.float64), mean, whole.size))
    sums = _row_sums(stack) if whole.size == stack.shape[-2:] else []
    reading = [
        *whole.facts.whence, look.reading, "One scale for all panels.", *sums, *whole.facts.checked,
    ]  # fmt: skip
    return draw_panels(panels, _columns(columns, len(panels)), look, reading)


def visualize_head(att_map: Any) -> Figure:
    """Draw one map: `head`, by the name of the original notebook.

    Examples
    --------
    >>> len(visualize_head(np.eye(3)).axes)
    2
    """
    return head(att_map)


def visualize_heads(att_map: Any, cols: int) -> Figure:
    """Draw all heads and their mean: `heads`, by the name of the original notebook.

    Examples
    --------
    >>> len(visualize_heads(np.ones((1, 3, 2, 2)), 2).axes)
    5
    """
    return heads(att_map, columns=cols)


def grid_show(to_shows: Sequence[tuple[Any, str]], cols: int) -> Figure:
    """Draw (map or image, title) pairs in ``cols`` columns, all maps on one scale.

    Arrays with two axes are maps; PIL images, names of files and arrays with three axes are images.

    Raises
    ------
    ShapeError
        If there are no pairs, or an array is neither a map nor an image.
    OptionError
        If ``cols`` is less than 1.

    Examples
    --------
    >>> grid_show([(np.eye(3), "a map"), (np.zeros((8, 8, 3)), "an image")], 2).axes[1].get_title()
    'an image'
    """
    panels = [Panel(_map_or_picture(shown), title) for shown, title in to_shows]
    if not panels:
        raise ShapeError(
            "there is nothing to show: to_shows is empty, (map or image, title) pairs are wanted"
        )
    reading = [Look().reading, "One scale for all maps."]
    return draw_panels(panels, _columns(cols, len(panels)), Look(), reading)


def _map_or_picture(shown: Any) -> Floats:
    return rgb_picture(shown) if is_picture(shown) else one_map(shown)


def _columns(columns: int | None, panels: int) -> int:
    """Return ``columns``, or the number from 3 to 6 that leaves the fewest places empty."""
    if columns is not None and columns < 1:
        raise OptionError(f"columns={columns} is wanted, but a row holds at least one panel")
    return min(columns or min(range(3, 7), key=lambda count: (-panels % count, -count)), panels)


def _row_sums(maps: Floats) -> list[str]:
    """Return a sentence on the mass in the rows, unless negative values make it meaningless."""
    sums = maps.sum(axis=-1, dtype=np.float64)
    sums = sums[np.isfinite(sums)]
    if not sums.size or np.nanmin(maps) < 0:
        return []
    low, high = f"{sums.min():.3g}", f"{sums.max():.3g}"
    return [f"Rows sum to {low}." if low == high else f"Rows sum to {low} to {high}."]
