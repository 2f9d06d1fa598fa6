"""Images as they are shown in the page: those that tokens lie on, no larger than a screen needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import isqrt
from typing import Any

import numpy as np

from visualizer.axes import Axis
from visualizer.errors import VisualizerError
from visualizer.films import frame_at
from visualizer.images import Seen, seen_images
from visualizer.run import Run
from visualizer.viewer.arrays import Arrays
from visualizer.viewer.protocol import ImageInfo

LARGEST = 1024
"""Pixels of the longer side of an image; frames of a film have as many pixels together."""


class Pictures:
    """The images of a run; those that tokens lie on are added to what the page is told of.

    Parameters
    ----------
    run
        Whose.
    told, arrays
        All images that the page is told of, of other runs too, and all arrays.
    """

    def __init__(self, run: Run, told: list[ImageInfo], arrays: Arrays) -> None:
        self._seen, self.trouble = _seen(run)
        self._told, self._arrays = told, arrays
        self._places: dict[tuple[int, int], int] = {}

    def under(self, axis: Axis, row: int) -> Under:
        """Return what lies under the tokens of a row of the batch."""
        return Under(self, axis, row)

    def place(self, number: int, films: int = 1) -> int | None:
        """Return where in the list of all images one is, as large as the frame of so many; None: none."""
        if number >= len(self._seen):
            return None
        longest = LARGEST // (isqrt(films - 1) + 1)
        if (number, longest) not in self._places:
            self._places[number, longest] = len(self._told)
            self._add(self._seen[number], longest)
        return self._places[number, longest]

    def _add(self, seen: Seen, longest: int) -> None:
        (high, wide), step = seen.pixels.shape[:2], _step(seen, longest)
        make = partial(shown_image, seen, longest)
        ref = self._arrays.add(f"image.{len(self._told)}", "u1", (high // step, wide // step, 3), make)
        left, top, width, height = (side / step for side in seen.box)
        self._told.append(ImageInfo(ref, wide, high, (left, top, width, height), seen.note))

    def __len__(self) -> int:
        return len(self._seen)


@dataclass(frozen=True)
class Under:
    """The images under the tokens of an axis, in a row of the batch, by their places in the list of all."""

    pictures: Pictures
    axis: Axis
    row: int

    def image(self, number: int) -> int | None:
        """Return the place of the image that a grid counts as its n-th; None where there is none."""
        place = number if self.axis.images > 1 else self.axis.item(self.row)
        return self.pictures.place(0 if len(self.pictures) == 1 else place)

    @property
    def count(self) -> int | None:
        """How many frames or slices there are; None where there are none."""
        return len(self.pictures) if len(self.pictures) > 1 else None

    def film(self, steps: int) -> list[int] | None:
        """Return the place of the frame or slice that each step stands for; None where there are none."""
        count = self.count
        if count is None:
            return None
        found = [self.pictures.place(frame_at(step, steps, count), steps) for step in range(steps)]
        return [one for one in found if one is not None]


def shown_image(seen: Seen, longest: int = LARGEST) -> Any:
    """Return pixels (height, width, 3), uint8.

    Examples
    --------
    >>> shown_image(Seen(np.zeros((3000, 1500, 3), np.uint8), (0.0, 0.0, 1500.0, 3000.0))).shape
    (1000, 500, 3)
    """
    step = _step(seen, longest)
    high, wide = (side // step for side in seen.pixels.shape[:2])
    cut = seen.pixels[: high * step, : wide * step].reshape(high, step, wide, step, -1)
    return cut.mean((1, 3)).round().astype(np.uint8)


def _step(seen: Seen, longest: int) -> int:
    """Return how many pixels along each side become one."""
    step: int = -(-max(seen.pixels.shape[:2]) // longest)
    return step


def _seen(run: Run) -> tuple[Sequence[Seen], str]:
    """Return the images of a run, and a sentence if what it holds is none."""
    try:
        seen = seen_images(run.image) if run.seen is None and run.image is not None else run.seen
    except VisualizerError as error:
        return [], f"The image of the run is not shown: {error}."
    return (seen if isinstance(seen, list) else [] if seen is None else [seen]), ""
