"""Images as they are shown in the page: those that tokens lie on, no larger than a screen needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from math import isqrt
from typing import Any

import numpy as np

from visualizer.axes import Axis
from visualizer.errors import VisualizerError
from visualizer.films import film_of_row, frame_at
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
        seen, self.trouble = _seen(run)
        self.films = _films(seen)
        self._seen: list[Any] = seen if self.films is None else [one for film in seen for one in film]
        self._told, self._arrays = told, arrays
        self._places: dict[tuple[int, int], int] = {}

    def under(self, axis: Axis, row: int, rows: int) -> Under:
        """Return what lies under the tokens of one of the rows of a batch."""
        return Under(self, axis, row, rows)

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
    """The images under the tokens of an axis, in one of ``rows`` of a batch, by their places among all."""

    pictures: Pictures
    axis: Axis
    row: int
    rows: int

    def image(self, number: int) -> int | None:
        """Return the place of the image that a grid counts as its n-th; None where there is none."""
        item, films = self.axis.item(self.row), self.pictures.films
        if films is not None and self.axis.images > 1:  # each item has a list of its own
            own = films[item] if item < len(films) else range(0)
            return self.pictures.place(own[number]) if number < len(own) else None
        place = number if self.axis.images > 1 else item
        return self.pictures.place(0 if len(self.pictures) == 1 else place)

    @property
    def count(self) -> int | None:
        """How many frames or slices there are; None where there are none."""
        return None if self._film is None else len(self._film)

    @property
    def _film(self) -> range | None:
        """The numbers of the frames or slices among the images of the run."""
        if self.pictures.films is not None:
            found: range | None = film_of_row(self.pictures.films, self.row, self.rows)
            return found
        return range(len(self.pictures)) if len(self.pictures) > 1 else None

    def film(self, steps: int) -> list[int] | None:
        """Return the place of the frame or slice that each step stands for; None where there are none."""
        film = self._film
        if film is None:
            return None
        found = [self.pictures.place(film[frame_at(step, steps, len(film))], steps) for step in range(steps)]
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


def _films(seen: Sequence[Any]) -> list[range] | None:
    """Return the numbers of the frames of each of several videos; None where there are images alone."""
    if not any(isinstance(one, list) for one in seen):
        return None
    ends = list(accumulate(map(len, seen)))
    return [range(end - len(film), end) for film, end in zip(seen, ends, strict=True)]


def _seen(run: Run) -> tuple[list[Any], str]:
    """Return the images of a run, and a sentence if what it holds is none."""
    try:
        seen = seen_images(run.image) if run.seen is None and run.image is not None else run.seen
    except VisualizerError as error:
        return [], f"The image of the run is not shown: {error}."
    return (seen if isinstance(seen, list) else [] if seen is None else [seen]), ""
