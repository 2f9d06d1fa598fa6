"""All layers and heads of a run at a glance: their maps as small tiles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from visualizer.attention import AttentionMap
from visualizer.calls import Call, join_steps
from visualizer.errors import CallsError, OptionError
from visualizer.plots.arrays import Floats, as_floats, pooled
from visualizer.plots.asking import COLOURS, PAGE, Options, takes
from visualizer.plots.colours import colour_scale
from visualizer.plots.figures import LABEL, SMALL, draw_image
from visualizer.plots.generations import continue_one
from visualizer.plots.measuring import width_of
from visualizer.plots.paths import layer_names
from visualizer.plots.places import Paint
from visualizer.plots.sheets import draw_sheet, inner_width, set_inside
from visualizer.plots.sources import check_sequence
from visualizer.plots.telling import Facts
from visualizer.plots.writing import plain_text
from visualizer.run import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GAP = 1  # cells between tiles
LABELS = 0.5  # inches for the names of layers, about
FEW = 4  # heads that find room in a column
TILE, TALLEST = 0.8, 9.0  # inches of a tile, and of all layers, at most
SMALLEST = 0.2  # inches of a tile, below which the heads of a layer are drawn in several rows, if it helps


@dataclass(frozen=True)
class Tiles:
    """Maps as tiles (layer, head, row, column), NaN where a layer has no such head."""

    tiles: Floats
    names: Sequence[str]
    paint: Paint
    along: str = "head"
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
        texts, properties = plain_text(self.names)
        box = axes.get_window_extent()
        wide, high = (side / count for side, count in ((box.width, heads), (box.height, layers)))
        points = axes.figure.dpi / 72
        across = math.ceil((width_of(str(heads - 1), SMALL) + 3) * points / wide)  # as many as find room
        down = math.ceil(1.2 * SMALL * points / high)
        axes.set_xticks(range(0, heads, across))
        axes.set_yticks(range(0, layers, down), texts[::down], **properties)
        axes.set_xlabel(self.along, fontsize=LABEL, labelpad=1)
        axes.tick_params(labelsize=SMALL, width=0, length=0, pad=2)
        axes.spines[:].set_visible(False)
        axes.patch.set_alpha(0)

    @property
    def _left(self) -> float:
        return max(width_of(name, SMALL) for name in self.names) / 72 + 0.08

    def _side(self, width: float) -> float:
        layers, heads = self.tiles.shape[:2]
        return float(min((width - self._left) / heads, TILE, TALLEST / layers))


@takes("layer", "call", "sequence", "batch", *COLOURS, *PAGE, scale="sqrt")
def atlas(run: Run, *, cells: int = 32, **options: Any) -> Figure:
    """Draw all layers × heads of a run, each map as a tile of ``cells`` × ``cells``, on one scale.

    Maps are pooled by means, lazily at any length. Of a generation it is the map of the whole sequence, the
    first, or ``sequence=``; else of a layer with several calls the first is drawn, or ``call=``, of one with
    fewer the last. Of a batch it is the first row, or ``batch=``; ``layer=`` may be a pattern.

    Raises
    ------
    CallsError
        If the run has no map, or no such call or sequence.
    OptionError
        If an option is unknown, or ``cells`` is below 2.

    Examples
    --------
    >>> import visualizer
    >>> run = visualizer.from_arrays({f"layer.{n}": np.full((4, 8, 8), 1 / 8) for n in range(3)})
    >>> [text.get_text() for text in atlas(run).axes[0].get_yticklabels()]
    ['layer.0', 'layer.1', 'layer.2']
    """
    asked = Options.read(options)
    if cells < 2:
        raise OptionError(f"cells={cells} was asked for, but a tile has at least 2")
    layers = _one_a_layer(run, asked)
    maps = [join_steps(calls) if len(calls) > 1 else calls[0].map for calls in layers]
    tiles = _stacked([_tiles(one[asked.batch], cells) for one in maps])
    given = (asked.vmin, asked.vmax)
    colours = colour_scale(tiles[np.isfinite(tiles)], asked.cmap, given, asked.scale)
    names, shared = layer_names([calls[0].path for calls in layers])
    usual = "page" if tiles.shape[1] > FEW else "column"
    tiles, names, along = _folded(tiles, names, inner_width(asked, usual) - LABELS)
    block = Tiles(tiles, names, Paint(colours), along)
    checked = Facts(calls=tuple(call for calls in layers for call in calls)).checked
    which = [*_which(run, layers, asked), *_row(maps, asked.batch)]
    reading = [*_reading(maps), *which, *shared, colours.sentence(), *checked]
    return draw_sheet([block], reading, asked, usual)


def _folded(tiles: Floats, names: list[str], width: float) -> tuple[Floats, list[str], str]:
    """Return tiles with a layer's heads in as many rows as make them legible, names, and what is along."""
    layers, heads, *cells = tiles.shape
    sides = {n: min(width * n / heads, TALLEST / (layers * n), SMALLEST) for n in range(1, heads + 1)}
    lines = max(sides, key=lambda n: (round(sides[n], 6), -n))
    if lines == 1:
        return tiles, names, "head"
    each = -(-heads // lines)
    lines = -(-heads // each)  # no row is without heads
    spare = ((0, 0), (0, each * lines - heads), (0, 0), (0, 0))
    folded = np.pad(tiles, spare, constant_values=np.nan).reshape(layers * lines, each, *cells)
    firsts = range(0, each * lines, each)
    named = [f"{name}: {first}–{min(first + each, heads) - 1}" for name in names for first in firsts]
    return folded, named, "head, counted from the first of its row"


def _mapped(run: Run, asked: Options) -> list[Call]:
    """Return the calls of the layers that are asked for whose map was kept."""
    asked_for = "*" if asked.layer is None else asked.layer
    found = [
        call for call in run.some_calls(asked_for, "to be drawn") if not call.levels
    ]  # points are no keys
    calls = [call for call in found if isinstance(call.content, AttentionMap)]
    if not calls:
        raise CallsError(f"maps of {asked_for!r} were to be drawn, but the run has none: {run!r:.200}")
    return calls


def _one_a_layer(run: Run, asked: Options) -> list[list[Call]]:
    """Return of each layer the call that is drawn, or those that continue one sequence."""
    layers: dict[str, list[Call]] = {}
    mapped = _mapped(run, asked)
    for call in mapped:
        layers.setdefault(call.path, []).append(call)
    check_sequence(mapped, asked)
    if asked.sequence is not None:
        layers = {path: _sequence(calls, asked.sequence) for path, calls in layers.items()}
    number, most = asked.call or 0, max(map(len, layers.values()))
    if not 0 <= number < most:
        raise CallsError(f"call={number} was asked for, but layers have up to {most} calls, counted from 0")
    if asked.call is None:
        return [_whole(calls) for calls in layers.values()]
    return [[calls[min(number, len(calls) - 1)]] for calls in layers.values()]


def _sequence(calls: Sequence[Call], number: int) -> list[Call]:
    """Return the calls of a sequence, or those of the last where a layer has no such one."""
    there = {call.sequence for call in calls}
    return [call for call in calls if call.sequence == (number if number in there else max(there))]


def _whole(calls: Sequence[Call]) -> list[Call]:
    """Return the calls of the first sequence if they continue one, else the first."""
    first = [call for call in calls if call.sequence == calls[0].sequence]
    return first if continue_one(first) else [calls[0]]


def _tiles(map_: AttentionMap, cells: int) -> Floats:
    """Return maps as (head, cells, cells): means where there are more, else repeated."""
    found = as_floats(pooled(map_, cells), "map")
    down, across = (np.arange(cells) * length // cells for length in found.shape[-2:])
    return found[:, down][..., across]


def _stacked(tiles: Sequence[Floats]) -> Floats:
    heads = max(map(len, tiles))
    stacked = np.full((len(tiles), heads, *tiles[0].shape[1:]), np.nan)
    for layer, one in enumerate(tiles):
        stacked[layer, : len(one)] = one
    return stacked


def _reading(maps: Sequence[AttentionMap]) -> list[str]:
    sizes = sorted({one.shape[-2:] for one in maps})
    shapes = " to ".join(f"{queries:,} × {keys:,}" for queries, keys in dict.fromkeys((sizes[0], sizes[-1])))
    return [f"A tile is one head's map of {shapes} queries × keys, pooled by means: query down, key across."]


def _which(run: Run, layers: Sequence[Sequence[Call]], asked: Options) -> list[str]:
    """Say which call of each layer, or which sequence, where there are several."""
    beside = [run.calls(calls[0].path) for calls in layers]
    sequences = {call.sequence for calls in beside for call in calls}
    shown = max(layers, key=len)
    of = f", number {shown[0].sequence}" if len(sequences) > 1 else ""
    items = {calls[0].item for calls in layers}
    item = f", item {shown[0].item}" if len(items) == 1 and items != {None} else ""
    if len(shown) > 1:
        least = min(map(len, layers))
        count = f"{least} to {len(shown)}" if least < len(shown) else f"{least}"
        return [f"{count} calls of each layer as one sequence{of}{item}."]
    if max(map(len, beside)) < 2:
        return []
    number = asked.call or 0
    last = ", or its last" if number >= min(map(len, beside)) else ""
    of = "" if asked.sequence is None else f" in sequence {shown[0].sequence}"
    return [f"Call {number} of each layer{last}{of}{item}."]


def _row(maps: Sequence[AttentionMap], batch: int) -> list[str]:
    return [f"Row {batch} of the batch."] if any(one.shape[0] > 1 for one in maps) else []
