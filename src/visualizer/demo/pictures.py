"""The demo's pictures: what of a reading is drawn, and what there is to see in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from visualizer import plots
from visualizer.demo.choices import Choice
from visualizer.demo.readings import Floats, ImageReading, TextReading

ANY = Choice()
CLS = 0  # the class token comes first
QUESTION = "A small ViT: which digit is on the light card?"
HEADING: dict[str, Any] = {"fontsize": 9, "fontweight": "bold"}


@dataclass(frozen=True)
class Picture:
    """A figure, the name of its file, and a line on what there is to see."""

    name: str
    shows: str
    figure: Any


def draw_text(reading: TextReading, choice: Choice = ANY) -> Iterator[Picture]:
    """Draw one head with its tokens, of those chosen the liveliest, then all heads of its layer."""
    layer, head = liveliest_head(reading.maps, choice.places(reading.model, reading.maps))
    maps, name = reading.maps[layer], f"{reading.model}: layer {layer}"
    yield Picture(
        "text_head.png",
        f"where each token of the text looks, in head {head} of layer {layer}",
        plots.head(maps[head], tokens=reading.tokens, title=f"{name}, head {head}"),
    )
    yield Picture(
        "text_heads.png",
        f"the {len(maps)} heads of that layer, and their mean",
        plots.heads(maps, tokens=reading.tokens, title=name),
    )


def draw_image(reading: ImageReading, choice: Choice = ANY, usual: int | None = None) -> Iterator[Picture]:
    """Draw the chosen layer, else the ``usual`` or last: where CLS and one patch look, and all heads."""
    layer = choice.layer_of(reading.model, reading.maps, usual)
    maps, name = reading.maps[layer], f"{reading.model}: layer {layer}"
    if reading.grid is not None:
        which = f"mean of {len(maps)} heads" if choice.head is None else f"head {choice.head}"
        yield from _draw_rows(_one_map(maps, choice.head), reading, f"{name}, {which}")
    heads = plots.heads(maps, title=name)
    yield Picture("vision_heads.png", f"the {len(maps)} heads of layer {layer}, and their mean", heads)


def draw_scene_readings(readings: Sequence[ImageReading], choice: Choice, usual: int) -> Iterator[Picture]:
    """Draw scenes, what the model reads in them, and where CLS looks in the chosen or ``usual`` layer."""
    layer = choice.layer_of(readings[0].model, readings[0].maps, usual)
    figure = _new_figure(5.4, 1.4 * len(readings) + 0.5)
    figure.suptitle(QUESTION, **HEADING)
    _fill_with_scenes(figure, readings, layer, choice.head)
    yield Picture("vision_scenes.png", "which digit the model reads, and where it looks for it", figure)


def draw_overview(
    text: TextReading, chosen: tuple[int, int], scenes: Sequence[ImageReading], layer: int
) -> Picture:
    """Draw one head (layer, head) with its tokens beside scenes and where CLS looks in a layer."""
    figure = _new_figure(9.6, 4.9)
    left, right = figure.subfigures(1, 2, width_ratios=(1, 0.95))
    left.suptitle("BERT: word pieces look for themselves in the other sentence", **HEADING)
    maps = text.maps[chosen[0]]
    caption = f"Layer {chosen[0]}, head {chosen[1]}. Row = query, column = key."
    plots.head(maps[chosen[1]], tokens=text.tokens, ax=left.subplots(), caption=caption)
    right.suptitle(QUESTION, **HEADING)
    _fill_with_scenes(right, scenes, layer)
    return Picture("overview.png", "both models at a glance", figure)


def liveliest_head(maps: Sequence[Floats], places: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return the place (layer, head) whose rows differ most, so none in which all look at the same token.

    Examples
    --------
    >>> import numpy as np
    >>> sink = np.repeat([[1.0, 0.0]], 2, axis=0)
    >>> liveliest_head([np.stack([sink, np.eye(2)])], [(0, 0), (0, 1)])
    (0, 1)
    """
    return max(places, key=lambda place: maps[place[0]][place[1]].var(axis=0).mean())


def _one_map(maps: Floats, head: int | None) -> Floats:
    """Return a head's map (query, key), or the mean of all."""
    one: Floats = maps.mean(axis=0) if head is None else maps[head]
    return one


def _draw_rows(weights: Floats, reading: ImageReading, title: str) -> Iterator[Picture]:
    """Draw two rows of a map (query, key) over the image."""
    place: dict[str, Any] = {"grid": reading.grid, "prefix": reading.prefix, "title": title}
    if reading.prefix:
        figure = plots.grid_to_grid(weights, reading.image, query=CLS, **place)
        yield Picture("vision_cls.png", "where the class token (CLS) looks in the image", figure)
    patch = reading.prefix + int(weights[CLS, reading.prefix :].argmax())
    figure = plots.grid_to_grid(weights, reading.image, query=patch, **place)
    yield Picture("vision_patch.png", "where the patch looks at which that token looks most", figure)


def _new_figure(width: float, height: float) -> Any:
    from visualizer.plots.figures import DPI, PrintFigure

    return PrintFigure(figsize=(width, height), dpi=DPI, layout="constrained")


def _fill_with_scenes(
    figure: Any, readings: Sequence[ImageReading], layer: int, head: int | None = None
) -> None:
    maps = [_one_map(reading.maps[layer], head) for reading in readings]
    scale = {"vmax": max(one[CLS].max() for one in maps)}
    panels = figure.subplots(len(readings), 2, squeeze=False)
    for reading, one, pair in zip(readings, maps, panels, strict=True):
        place: dict[str, Any] = {"grid": reading.grid, "prefix": reading.prefix, "ax": pair}
        plots.grid_to_grid(one, reading.image, query=CLS, caption=False, **place, **scale)
        pair[0].set_title(reading.answer, fontsize=8)
        pair[1].set_title(f"Layer {layer}: where CLS looks", fontsize=8)
    which = "Mean of the layer's heads." if head is None else f"Head {head} of the layer."
    note = f"CLS is the class token, from which the answer is read. {which}"
    figure.supxlabel(note, fontsize=7, color="#555555")
