"""The demo's pictures: what of a reading is drawn, and what there is to see in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from visualizer import plots
from visualizer.demo.readings import Floats, ImageReading, TextReading

CLS = 0  # the class token comes first
QUESTION = "A small ViT: which digit is on the light card?"
HEADING: dict[str, Any] = {"fontsize": 9, "fontweight": "bold"}


@dataclass(frozen=True)
class Picture:
    """A figure, the name of its file, and a line on what there is to see."""

    name: str
    shows: str
    figure: Any


def draw_text(reading: TextReading, chosen: tuple[int, int] | None = None) -> Iterator[Picture]:
    """Draw one head with its tokens, (layer, head) or the liveliest, then all heads of its layer."""
    layer, head = chosen or liveliest_head(reading.maps)
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


def draw_image(reading: ImageReading, layer: int | None = None) -> Iterator[Picture]:
    """Draw a layer, the last unless told: where CLS and one patch look in the image, and all heads."""
    layer = len(reading.maps) - 1 if layer is None else layer
    maps, name = reading.maps[layer], f"{reading.model}: layer {layer}"
    if reading.grid is not None:
        yield from _draw_rows(maps.mean(axis=0), reading, f"{name}, mean of {len(maps)} heads")
    heads = plots.heads(maps, title=name)
    yield Picture("vision_heads.png", f"the {len(maps)} heads of layer {layer}, and their mean", heads)


def draw_scene_readings(readings: Sequence[ImageReading], layer: int) -> Picture:
    """Draw scenes, what the model reads in them, and where CLS looks in a layer."""
    figure = _new_figure(5.4, 1.4 * len(readings) + 0.5)
    figure.suptitle(QUESTION, **HEADING)
    _fill_with_scenes(figure, readings, layer)
    return Picture("vision_scenes.png", "which digit the model reads, and where it looks for it", figure)


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


def liveliest_head(maps: Sequence[Floats]) -> tuple[int, int]:
    """Return layer and head of the map whose rows differ most, so none in which all look at the same token.

    Examples
    --------
    >>> sink = np.repeat([[1.0, 0.0]], 2, axis=0)
    >>> liveliest_head([np.stack([sink, np.eye(2)])])
    (0, 1)
    """
    spreads = [layer.var(axis=1).mean(axis=1) for layer in maps]
    layer = int(np.argmax([spread.max() for spread in spreads]))
    return layer, int(spreads[layer].argmax())


def _draw_rows(mean: Floats, reading: ImageReading, title: str) -> Iterator[Picture]:
    """Draw two rows of a layer's mean map (query, key) over the image."""
    place: dict[str, Any] = {"grid": reading.grid, "prefix": reading.prefix, "title": title}
    if reading.prefix:
        figure = plots.grid_to_grid(mean, reading.image, query=CLS, **place)
        yield Picture("vision_cls.png", "where the class token (CLS) looks in the image", figure)
    patch = reading.prefix + int(mean[CLS, reading.prefix :].argmax())
    figure = plots.grid_to_grid(mean, reading.image, query=patch, **place)
    yield Picture("vision_patch.png", "where the patch looks at which that token looks most", figure)


def _new_figure(width: float, height: float) -> Any:
    from visualizer.plots.figures import DPI, PrintFigure

    return PrintFigure(figsize=(width, height), dpi=DPI, layout="constrained")


def _fill_with_scenes(figure: Any, readings: Sequence[ImageReading], layer: int) -> None:
    means = [reading.maps[layer].mean(axis=0) for reading in readings]
    scale = {"vmax": max(mean[CLS].max() for mean in means)}
    panels = figure.subplots(len(readings), 2, squeeze=False)
    for reading, mean, pair in zip(readings, means, panels, strict=True):
        place: dict[str, Any] = {"grid": reading.grid, "prefix": reading.prefix, "ax": pair}
        plots.grid_to_grid(mean, reading.image, query=CLS, caption=False, **place, **scale)
        pair[0].set_title(reading.answer, fontsize=8)
        pair[1].set_title(f"Layer {layer}: where CLS looks", fontsize=8)
    note = "CLS is the class token, from which the answer is read. Mean of the layer's heads."
    figure.supxlabel(note, fontsize=7, color="#555555")
