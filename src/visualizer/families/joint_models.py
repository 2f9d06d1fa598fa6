"""Models of text and images in one sequence: placeholders in the ids are the parts of the images again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from math import isqrt
from typing import Any

from visualizer.axes import Frames, Grid, Ids, Segment, Special, Unknown
from visualizer.families.layouts import Choice, Given, Layout, reads
from visualizer.families.written import as_written

Images = Callable[[], Sequence[Sequence[Segment]]]
"""Gives the segments of each image or video, in the order of the batch."""
TEXT = "language_model.*"
OF_AN_IMAGE = "a part of an image, of which is not known where it lies"


@reads("transformers", "LlavaModel", "PaliGemmaModel")
def llava(module: Any, given: Given) -> Layout | None:
    """Each patch of the images (image, channel, height, width) is a placeholder."""
    image, size = given.get("pixel_values"), module.config.vision_config.patch_size
    grid = (image.shape[-2] // size, image.shape[-1] // size) if image is not None else (0, 0)
    count = image.shape[0] if image is not None else 0
    prefix = (
        [Special("CLS")] if getattr(module.config, "vision_feature_select_strategy", "") == "full" else []
    )
    return joint(given, {module.config.image_token_id: lambda: [[*prefix, Grid(*grid)]] * count})


@reads("transformers", "Gemma3Model")
def gemma(module: Any, given: Given) -> Layout | None:
    """Patches are pooled to a square of as many placeholders as the model is made for."""
    side = isqrt(module.config.mm_tokens_per_image)
    count = given["pixel_values"].shape[0] if given.get("pixel_values") is not None else 0
    return joint(given, {module.config.image_token_id: lambda: [[Grid(side, side)]] * count})


@reads("transformers", "Qwen2VLModel", "Qwen2_5_VLModel", "Qwen3VLModel")
def qwen(module: Any, given: Given) -> Layout | None:
    """Patches are merged, as many along each side as the model says; videos have steps of two frames."""
    merge = module.config.vision_config.spatial_merge_size
    return joint(
        given,
        {
            module.config.image_token_id: merged(given.get("image_grid_thw"), merge),
            module.config.video_token_id: merged(given.get("video_grid_thw"), merge),
        },
    )


def merged(grids: Any, merge: int) -> Images:
    """Return the images of grids (image, 3) of steps, rows and columns, before they are merged."""
    held = grids.detach().clone() if grids is not None else None

    def images() -> list[list[Segment]]:
        sizes = held.tolist() if held is not None else []
        found = [(int(t), int(h) // merge, int(w) // merge) for t, h, w in sizes]
        return [[Grid(h, w)] if t == 1 else [Frames(t, h, w)] for t, h, w in found]

    return images


def joint(given: Given, images: dict[int, Images]) -> Layout | None:
    """Return the layout of a text model whose ids have placeholders; None where there are no ids."""

    def lay(rows: Sequence[Sequence[int]]) -> list[list[Segment]]:
        left = {token: list(of()) for token, of in images.items()}
        return [list(laid(row, left)) for row in rows]

    written = as_written(given, lay)
    return Layout(Choice(written, written, TEXT, cross=False)) if written is not None else None


def laid(row: Sequence[int], left: dict[int, list[Sequence[Segment]]]) -> Iterator[Segment]:
    """Yield the segments of a row; images are taken from those that are left."""
    number = 0
    for token, group in groupby(row, lambda one: one if one in left else None):
        ids = list(group)
        if token is None:
            yield Ids(ids)
            continue
        for segment in placed(len(ids), left[token]):
            yield numbered(segment, number)
            number += isinstance(segment, Grid | Frames)


def placed(count: int, images: list[Sequence[Segment]]) -> list[Segment]:
    """Return the segments of so many placeholders: those of the next images, if these are as many."""
    found: list[Segment] = []
    while images and sum(one.length for one in found) < count:
        found += images.pop(0)
    return found if sum(one.length for one in found) == count else [Unknown(count, OF_AN_IMAGE)]


def numbered(segment: Segment, image: int) -> Segment:
    """Return a grid as that of an image of this number."""
    return Grid(*segment.cells, image=image) if isinstance(segment, Grid) else segment
