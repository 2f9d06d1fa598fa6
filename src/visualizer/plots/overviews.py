"""All layers and heads of a run at a glance: their maps as small tiles, or a number of each as curves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from visualizer.attention import AttentionMap
from visualizer.calls import Call
from visualizer.errors import CallsError, OptionError
from visualizer.plots.arrays import Floats, as_floats, pooled
from visualizer.plots.asking import Options
from visualizer.plots.colours import colour_scale
from visualizer.plots.figures import LABEL, SMALL, draw_image
from visualizer.plots.paths import layer_names
from visualizer.plots.places import Paint
from visualizer.plots.sheets import draw_sheet, set_inside, thin_frame
from visualizer.plots.writing import plain_text
from visualizer.run import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

UNITS = {"entropy": "entropy (nats)", "expected_position": "mean key", "mass": "mass"}
SERIES = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
)  # Okabe and Ito
GAP = 1  # cells between tiles
FEW = 4  # heads that find room in a column
TILE = 0.8  # inches of a tile at most


@dataclass(frozen=True)
class Tiles:
    """Maps as tiles (layer, head, row, column), NaN where a layer has no such head."""

    tiles: Floats
    names: Sequence[str]
    paint: Paint
    heading: str = ""

    def height(self, width: float) -> float:
        """Return how many inches all layers take."""
        return self._side(width) * len(self.tiles) + 0.3

    def draw(self, axes: Axes) -> None:
        """Draw a mosaic: a layer in each row, a head in each column."""
        inches = axes.get_window_extent().width / axes.figure.dpi
        right = inches - self._left - self._side(inches) * self.tiles.shape[1]
        set_inside(axes, self._left, 0.3, right)
        layers, heads, cells, _ = self.tiles.shape
        space = ((0, 0), (0, 0), (0, GAP), (0, GAP))
        mosaic = np.pad(self.tiles, space, constant_values=np.nan).swapaxes(1, 2)
        each = cells + GAP
        mosaic = mosaic.reshape(layers * each, heads * each)[:-GAP, :-GAP]
        extent = (-0.5, heads - 0.5 - GAP / each, layers - 0.5 - GAP / each, -0.5)
        how = {"interpolation": "antialiased", "extent": extent, "aspect": "auto"}
        draw_image(axes, mosaic, norm=self.paint.colours.norm, cmap=self.paint.colours.cmap, **how)
        self._name(axes, layers, heads)

    def _name(self, axes: Axes, layers: int, heads: int) -> None:
        axes.set_xticks(range(0, heads, 1 + heads // 24))  # as many numbers as find room
        texts, properties = plain_text(self.names)
        axes.set_yticks(range(layers), texts, **properties)
        axes.set_xlabel("head", fontsize=LABEL, labelpad=1)
        axes.tick_params(labelsize=SMALL, width=0, length=0, pad=2)
        axes.spines[:].set_visible(False)
        axes.patch.set_alpha(0)

    @property
    def _left(self) -> float:
        return max(map(len, self.names)) * SMALL * 0.6 / 72 + 0.08

    def _side(self, width: float) -> float:
        return float(min((width - self._left) / self.tiles.shape[1], TILE))


def atlas(run: Run, *, cells: int = 32, **options: Any) -> Figure:
    """Draw all layers × heads of a run, each map as a tile of ``cells`` × ``cells``, on one scale.

    Maps are pooled by means, lazily at any length. Of a layer with several calls the first is drawn, or
    ``call=``; of a batch the first row, or ``batch=``; ``layer=`` may be a pattern.

    Raises
    ------
    CallsError
        If the run has no map.
    OptionError
        If an option is unknown, or ``cells`` is below 2.

    Examples
    --------
    >>> import visualizer
    >>> run = visualizer.from_arrays({f"layer.{n}": np.full((4, 8, 8), 1 / 8) for n in range(3)})
    >>> [text.get_text() for text in atlas(run).axes[0].get_yticklabels()]
    ['layer.0', 'layer.1', 'layer.2']
    """
    asked = Options.read(options, scale="sqrt")
    if cells < 2:
        raise OptionError(f"cells={cells} was asked for, but a tile has at least 2")
    calls = _one_a_layer(run, asked)
    tiles = _stacked([_tiles(call, asked.batch, cells) for call in calls])
    given = (asked.vmin, asked.vmax)
    colours = colour_scale(tiles[np.isfinite(tiles)], asked.cmap, given, asked.scale)
    names, shared = layer_names([call.path for call in calls])
    usual = "page" if tiles.shape[1] > FEW else "column"
    block = Tiles(tiles, names, Paint(colours))
    return draw_sheet(
        [block], [*_reading(calls, asked), *shared, colours.sentence(), _checked(run)], asked, usual
    )


def curves(
    run: Run,
    metric: str | Callable[..., Any] = "entropy",
    *,
    groups: Mapping[str, Any] | None = None,
    **options: Any,
) -> Figure:
    """Draw a read-out of each head by layer, each head a dot, with the mean of a layer's heads as a line.

    Parameters
    ----------
    metric
        What `Run.table` takes: "entropy", "rest", "mass" (with ``groups=``), or a function of a map.
    groups
        Groups of keys by name, a line each.

    Raises
    ------
    CallsError
        If the run has no map.
    OptionError
        If the read-out or an option is unknown.

    Examples
    --------
    >>> import visualizer
    >>> run = visualizer.from_arrays({f"layer.{n}": np.full((4, 8, 8), 1 / 8) for n in range(3)})
    >>> curves(run).axes[0].get_ylabel()
    'entropy (nats)'
    """
    asked = Options.read(options)
    calls = _mapped(run, asked)
    part = run[0:0] if not calls else _part(run, calls)
    table = part.table(metric, **({} if groups is None else {"groups": groups}))
    names = [name for name in table.columns if name not in ("path", "call", "item", "batch", "head")]
    layers = list(dict.fromkeys(call.path for call in calls))
    series = {name: _by_head(table, layers, name) for name in names}
    word = metric if isinstance(metric, str) else getattr(metric, "__name__", "read-out")
    short, shared = layer_names(layers)
    block = Curves(series, short, UNITS.get(word, word))
    rows = len({(row["call"], row["item"], row["batch"]) for row in table})
    mean = f"Means over queries{f' and {rows} calls or rows of the batch' if rows > 1 else ''}."
    reading = ["Each dot is a head, the line the mean of a layer's heads.", mean, *shared, _checked(run)]
    return draw_sheet([block], reading, asked)


@dataclass(frozen=True)
class Curves:
    """Numbers (layer, head) by name, NaN where a layer has no such head."""

    series: Mapping[str, Floats]
    names: Sequence[str]
    unit: str
    heading: str = ""
    paint: Paint | None = None

    def height(self, width: float) -> float:
        """Return its inches."""
        return min(0.62 * width, 2.6) + self._below

    def draw(self, axes: Axes) -> None:
        """Draw dots and lines; where there is one series, its extremes bear the heads' numbers."""
        set_inside(axes, 0.45, self._below)
        for (name, values), colour in zip(self.series.items(), SERIES, strict=False):
            at = np.arange(len(values))
            across = np.repeat(at, values.shape[1])
            axes.scatter(across, values.ravel(), s=9, color=colour, alpha=0.45, linewidths=0)
            axes.plot(at, np.nanmean(values, axis=1), color=colour, linewidth=1.2, label=name)
        if len(self.series) > 1:
            axes.legend(fontsize=SMALL, frameon=False)
        else:
            self._name_extremes(axes)
        texts, properties = plain_text(self.names)
        some = slice(None, None, 1 + len(texts) // 24)  # as many as find room
        axes.set_xticks(
            range(len(texts))[some], texts[some], rotation=90 if self._turned else 0, **properties
        )
        axes.set_ylabel(self.unit, fontsize=LABEL)
        axes.margins(y=0.1)
        thin_frame(axes)

    def _name_extremes(self, axes: Axes) -> None:
        (values,) = self.series.values()
        for find, side in ((np.nanargmax, 4), (np.nanargmin, -4)):
            layer, head = np.unravel_index(int(find(values)), values.shape)
            last = layer > len(values) / 2
            look: dict[str, Any] = {"fontsize": SMALL, "ha": "right" if last else "left", "va": "center"}
            place = (layer, values[layer, head]), (-5 if last else 5, side)
            axes.annotate(f"head {head}", *place, textcoords="offset points", **look)

    @property
    def _turned(self) -> bool:
        return max(map(len, self.names)) > 2

    @property
    def _below(self) -> float:
        return (max(map(len, self.names)) if self._turned else 2) * SMALL * 0.6 / 72 + 0.24


def _mapped(run: Run, asked: Options) -> list[Call]:
    """Return the calls of the layers that are asked for whose map was kept."""
    asked_for = asked.layer or "*"
    found = [call for call in run.calls(asked_for) if not call.levels]  # points are no keys
    calls = [call for call in found if isinstance(call.content, AttentionMap)]
    if not calls:
        raise CallsError(f"maps of {asked_for!r} were to be drawn, but the run has none: {run!r:.200}")
    return calls


def _one_a_layer(run: Run, asked: Options) -> list[Call]:
    layers: dict[str, list[Call]] = {}
    for call in _mapped(run, asked):
        layers.setdefault(call.path, []).append(call)
    number, least = asked.call or 0, min(map(len, layers.values()))
    if not 0 <= number < least:
        raise CallsError(f"call={number} was asked for, but a layer has {least} calls, counted from 0")
    return [calls[number] for calls in layers.values()]


def _part(run: Run, calls: Sequence[Call]) -> Run:
    return run if len(calls) == len(run) else Run(calls)


def _tiles(call: Call, batch: int, cells: int) -> Floats:
    """Return the maps of a call as (head, cells, cells): means where there are more, else repeated."""
    found = as_floats(pooled(call.map[batch], cells), "map")
    down, across = (np.arange(cells) * length // cells for length in found.shape[-2:])
    return found[:, down][..., across]


def _stacked(tiles: Sequence[Floats]) -> Floats:
    heads = max(map(len, tiles))
    stacked = np.full((len(tiles), heads, *tiles[0].shape[1:]), np.nan)
    for layer, one in enumerate(tiles):
        stacked[layer, : len(one)] = one
    return stacked


def _by_head(table: Any, layers: Sequence[str], name: str) -> Floats:
    """Return means (layer, head) over all calls and rows of the batch."""
    heads = 1 + max(row["head"] for row in table)
    sums, counts = np.zeros((2, len(layers), heads))
    for row in table:
        place = layers.index(row["path"]), row["head"]
        sums[place] += row[name]
        counts[place] += 1
    return np.where(counts > 0, sums / counts.clip(1), np.nan)


def _reading(calls: Sequence[Call], asked: Options) -> list[str]:
    sizes = sorted({call.shape[-2:] for call in calls})
    shapes = " to ".join(f"{queries:,} × {keys:,}" for queries, keys in dict.fromkeys((sizes[0], sizes[-1])))
    which = f" Row {asked.batch} of the batch." if max(call.shape[0] for call in calls) > 1 else ""
    map_ = f"one head's map of {shapes} queries × keys"
    return [f"A tile is {map_}, pooled by means: query down, key across.{which}"]


def _checked(run: Run) -> str:
    said = str(run.checks)
    return f"Self-check: {said}." if said else "Self-check: none."
