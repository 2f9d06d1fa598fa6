"""Models of text and images in one sequence: placeholders in the ids are the parts of the images again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from math import isqrt
from typing import Any, NamedTuple

from visualizer.axes import Frames, Grid, Ids, Lines, Patches, Segment, Special, Unknown
from visualizer.families.layouts import Choice, Given, Layout, Part, reads
from visualizer.families.written import as_written

Images = Callable[[], Sequence[Sequence[Segment]]]
"""Gives the segments of each image or video, in the order of the batch."""
TEXT = "language_model.*"
OF_AN_IMAGE = "a part of an image, of which is not known where it lies"
QWEN = ("Qwen2VLModel", "Qwen2_5_VLModel", "Qwen3VLModel")
KINDS = ("image", "video")
FEATURES = ("get_image_features",)


class Pictures(NamedTuple):
    """Images that were encoded before the text was read, as generation does."""

    images: Images

    @property
    def arithmetic(self) -> str:
        """That of no map."""
        return "images"

    def fit(self, part: Part) -> None:
        """Return None: they are no side of a map."""


@reads("transformers", "LlavaModel", "PaliGemmaModel", methods=FEATURES)
def llava_images(module: Any, given: Given) -> Layout:
    """Each patch of the images (image, channel, height, width) is a placeholder."""
    is_full = getattr(module.config, "vision_feature_select_strategy", "") == "full"
    prefix, size = [Special("CLS")] if is_full else [], module.config.vision_config.patch_size
    count, _, height, width = given["pixel_values"].shape
    each = [*prefix, Grid(height // size, width // size)]
    return pictured(module, given, lambda: [each] * count)


@reads("transformers", "LlavaNextModel", methods=FEATURES)
def any_resolution(module: Any, given: Given) -> Layout | None:
    """Return a small picture of the whole image, then the patches of its parts, a newline after each row."""
    vision, pinpoints = module.config.vision_config, module.config.image_grid_pinpoints
    if module.config.vision_feature_select_strategy != "default":
        return None
    parts_of = sys.modules[type(module).__module__].get_anyres_image_grid_shape
    whole, side, sizes = (
        vision.image_size,
        vision.image_size // vision.patch_size,
        given["image_sizes"].clone(),
    )

    def images() -> list[list[Segment]]:
        found: list[list[Segment]] = []
        for size in sizes.tolist():
            rows, columns = unpadded([side * count for count in parts_of(size, pinpoints, whole)], size)
            found.append([Grid(side, side), Lines(rows, columns)])
        return found

    return pictured(module, given, images)


@reads("transformers", "Gemma3Model", methods=FEATURES)
def gemma_images(module: Any, given: Given) -> Layout:
    """Patches are pooled to a square of as many placeholders as the model is made for."""
    side = isqrt(module.config.mm_tokens_per_image)
    count = len(given["pixel_values"])
    return pictured(module, given, lambda: [[Grid(side, side)]] * count)


@reads("transformers", *QWEN, methods=FEATURES)
def qwen_images(module: Any, given: Given) -> Layout:
    """Patches are merged, as many along each side as the model says."""
    merge = module.config.vision_config.spatial_merge_size
    return pictured(module, given, merged(given["image_grid_thw"], merge))


@reads("transformers", *QWEN, methods=("get_video_features",))
def qwen_videos(module: Any, given: Given) -> Layout:
    """Likewise, in steps of frames."""
    config = module.config.vision_config
    grids = merged(given["video_grid_thw"], config.spatial_merge_size, config.temporal_patch_size)
    return pictured(module, given, grids, "video")


@reads("transformers", "LlavaModel", "LlavaNextModel", "PaliGemmaModel", "Gemma3Model", *QWEN)
def joint(module: Any, given: Given) -> Layout | None:
    """Ids of which some are placeholders; the images are encoded before, or while the model runs."""
    encoded = given.get("mm_encoder_outputs") or {}
    sources: dict[int, list[Images]] = {}
    for kind in KINDS:
        before = given.tokens_of(encoded.get(kind))
        during: list[Images] = []
        given.memory[id(module), kind] = during
        token = getattr(module.config, f"{kind}_token_id", -1)
        sources[token] = [before.images] if isinstance(before, Pictures) else during

    def lay(rows: Sequence[Sequence[int]]) -> list[list[Segment]]:
        left = {token: [one for images in made for one in images()] for token, made in sources.items()}
        return [list(laid(row, left)) for row in rows]

    written = as_written(given, lay)
    return Layout(Choice(written, written, TEXT, cross=False)) if written is not None else None


def pictured(module: Any, given: Given, images: Images, kind: str = "image") -> Layout:
    """Return the layout of the method that encodes images, which tells the model's forward if that runs."""
    given.memory.setdefault((id(module), kind), []).append(images)
    return Layout(output=Pictures(images))


def unpadded(grid: Sequence[int], size: Sequence[int]) -> tuple[int, int]:
    """Return how many rows and columns of a grid an image (height, width) that was fitted into it fills."""
    (rows, columns), (height, width) = grid, size
    if width / height > columns / rows:
        return rows - 2 * ((rows - int(round(height * columns / width, 7))) // 2), columns
    return rows, columns - 2 * ((columns - int(round(width * rows / height, 7))) // 2)


def merged(grids: Any, merge: int, each: int = 1) -> Images:
    """Return the images of grids (image, 3) of steps, rows and columns before they are merged.

    Videos have ``each`` frames a step.
    """
    held = grids.detach().clone()

    def images() -> list[list[Segment]]:
        found = [(int(t), int(h) // merge, int(w) // merge) for t, h, w in held.tolist()]
        return [[Grid(h, w)] if t == 1 else [Frames(t, h, w, each)] for t, h, w in found]

    return images


def laid(row: Sequence[int], left: dict[int, list[Sequence[Segment]]]) -> Iterator[Segment]:
    """Yield the segments of a row; images are taken from those that are left."""
    number = 0
    for token, group in groupby(row, lambda one: one if one in left else None):
        ids = list(group)
        if token is None:
            yield Ids(ids)
            continue
        for segment in placed(len(ids), left[token]):
            number += isinstance(segment, Grid | Frames)  # lines are those of the grid before them
            yield numbered(segment, number - 1)


def placed(count: int, images: list[Sequence[Segment]]) -> list[Segment]:
    """Return the segments of so many placeholders: those of the next images, if these are as many."""
    found: list[Segment] = []
    while images and sum(one.length for one in found) < count:
        found += images.pop(0)
    return found if sum(one.length for one in found) == count else [Unknown(count, OF_AN_IMAGE)]


def numbered(segment: Segment, image: int) -> Segment:
    """Return a grid as that of an image of this number."""
    return replace(segment, image=image) if isinstance(segment, Patches) else segment
