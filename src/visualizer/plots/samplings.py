"""Deformable attention: the places that a query samples, with their weights, on the image."""

from __future__ import annotations

from dataclasses import dataclass
from operator import index
from typing import TYPE_CHECKING, Any

import numpy as np

from visualizer.axes import Axis, as_axis
from visualizer.calls import Call
from visualizer.errors import OptionError, ShapeError, TargetError
from visualizer.images import numbered_image
from visualizer.plots.arrays import Floats, as_floats
from visualizer.plots.asking import COLOURS, PAGE, Options, takes
from visualizer.plots.colours import ON_IMAGE, colour_scale
from visualizer.plots.options import opacity
from visualizer.plots.pictures import rgb_picture, seen_part, told_of
from visualizer.plots.places import Paint
from visualizer.plots.rows import scale_of
from visualizer.plots.sheets import draw_sheet
from visualizer.plots.sources import call_of, image_of, numbered
from visualizer.plots.surfaces import Picture, Pictures
from visualizer.plots.telling import Facts, layer_name
from visualizer.run import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARKERS = "o^sDvP*X"  # one for each level
SIGNS = "○△□◇▽✚★✖"


@takes(
    *("layer", "call", "sequence", "head", "batch", "queries", "image"),
    *("query", "cell", "text", "special", "nth", *COLOURS, *PAGE),
    alpha=1.0,
)
def sampling(shown: Any, *, reference: tuple[float, float] | None = None, **options: Any) -> Figure:
    """Draw where a query of deformable attention samples the image: places, weights, its reference point.

    Parameters
    ----------
    shown
        A run (with ``layer=``) or a call, recorded with its places (`Call.levels`).
    reference
        (x, y) in shares of the image; left out, the middle of the query's own patch where its axis has one.
    options
        ``query=`` or ``cell=``, ``image=``, ``queries=`` what the queries are, such as a `Grid` for each
        level, ``head=`` (all heads unless told), colours, title, caption and width, as of `row`.

    Raises
    ------
    TargetError
        If the call samples no places.
    OptionError, ShapeError
        If an option is unknown, the query is not told, or it, the head or the row of the batch is not there.
    """
    asked = Options.read(options)
    call = call_of(shown, asked) if isinstance(shown, Run) else shown
    if not isinstance(call, Call) or not call.levels:
        raise TargetError(f"places were to be drawn, but {call!r:.80} samples none: give a deformable call")
    stated = shown.labels.of_sampling(call) if isinstance(shown, Run) else None
    image = image_of(shown, asked) if isinstance(shown, Run) else asked.image
    if isinstance(image, list | tuple):
        image = numbered_image(image, 0, asked.batch)
    axis = stated if asked.queries is None else as_axis(asked.queries)
    query = _query(axis, call.shape[1], asked)
    sampled = _sampled(call, query, asked)
    picture = np.ones((256, 256, 3)) if image is None else rgb_picture(image)
    found = reference or _middle(axis, query)
    colours = colour_scale(sampled.weights, asked.cmap, (asked.vmin, asked.vmax), asked.scale, ON_IMAGE)
    paint = Paint(colours, opacity(asked.alpha))
    over: dict[str, Any] = {"points": sampled.points(), "part": seen_part(image), "notes": told_of(image)}
    block = Pictures([Picture(picture, cross=found, **over)], paint)
    name = "" if axis is None else f", {axis.name(query)}"
    head = f"head {asked.head}" if asked.head is not None else f"all {call.shape[2]} heads"
    said = {"layer": layer_name(call.path), "head": head, "query": f"token {query}{name}"}
    said |= numbered(shown if isinstance(shown, Run) else Run([call]), call)
    sentences = [
        *Facts(said).sentences,
        *_told(sampled, call, found),
        *scale_of(paint),
        "Self-check: the model's own array.",
    ]
    return draw_sheet([block], sentences, asked)


@dataclass(frozen=True)
class Sampled:
    """Places in shares of the image (point, 2), their weights and levels (point,)."""

    places: Floats
    weights: Floats
    levels: Any

    @property
    def inside(self) -> Any:
        """Which places lie within the image."""
        return ((self.places >= 0) & (self.places <= 1)).all(-1)

    def points(self) -> list[Any]:
        """Return (x, y, weight, marker) of those within the image."""
        rows = zip(self.places, self.weights, self.levels, self.inside, strict=True)
        return [
            (*place, weight, MARKERS[level % len(MARKERS)]) for place, weight, level, inside in rows if inside
        ]


def _sampled(call: Call, query: int, asked: Options) -> Sampled:
    """Return what one query samples, of one head or of all."""
    batch, _, heads, _ = call.shape
    chosen = range(heads) if asked.head is None else [_within(asked.head, heads, "head")]
    row = _within(asked.batch, batch, "batch")
    weights = as_floats(call.map[row, query], "map")  # (head, point)
    places = [as_floats(level.places, "places") for level in call.levels]
    at = [[one[row * heads + head, query].reshape(-1, 2) for one in places] for head in chosen]
    levels = [np.repeat(np.arange(len(places)), [len(part) for part in one]) for one in at]
    shares = (np.concatenate([part for one in at for part in one]) + 1) / 2
    return Sampled(shares, np.concatenate([weights[head] for head in chosen]), np.concatenate(levels))


def _told(sampled: Sampled, call: Call, reference: Any) -> list[str]:
    sizes = [" × ".join(map(str, level.shape)) for level in call.levels]
    shapes = ", ".join(f"{SIGNS[number % len(SIGNS)]} {size}" for number, size in enumerate(sizes))
    inside = sampled.inside
    outside = f"; {int((~inside).sum())} beyond the image, of weight {sampled.weights[~inside].sum():.3g}"
    cross = "Cross: the reference point." if reference is not None else "The reference point is not known."
    return [
        f"{len(inside)} places on levels {shapes}{'' if inside.all() else outside}.",
        f"The weights shown sum to {sampled.weights[inside].sum():.3g}. Areas grow with weights.",
        cross,
    ]


def _query(axis: Axis | None, length: int, asked: Options) -> int:
    if len(asked.asked) != 1 or asked.pixel is not None:
        raise OptionError("give query= or, of labelled queries, cell=, text= or special=, to say which query")
    if asked.query is not None:
        return _within(asked.query, length, "query")
    if axis is None:
        raise OptionError("the query was named, but the queries have no axis: give query= or queries=")
    axis.check(length, "the map has {} queries")
    tokens = axis.where(nth=asked.nth, **asked.asked)
    if tokens.stop - tokens.start > 1:
        raise OptionError(
            f"{asked.text!r} is queries {tokens.start} to {tokens.stop - 1}: give query=, one of them"
        )
    return int(tokens.start)


def _middle(axis: Axis | None, query: int) -> tuple[float, float] | None:
    """Return the middle of a query's patch, in shares of the image."""
    place = None if axis is None else axis.place(query)
    if place is None or len(place) != 4:
        return None
    left, top, width, height = place
    return left + width / 2, top + height / 2


def _within(value: Any, length: int, name: str) -> int:
    try:
        number = index(value)
    except TypeError:
        number = -1
    if not 0 <= number < length:
        raise ShapeError(f"{name}={value!r} was asked for, but there are {length}, counted from 0")
    return number
