"""The image that was looked at, as it is shown, and which part of it a model was given."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualizer.errors import OptionError, ShapeError, VisualizerError, require
from visualizer.films import films_of, frames_of
from visualizer.pixels import channels_last, checked, pixels_of


@dataclass(frozen=True)
class Seen:
    """What was looked at.

    Attributes
    ----------
    pixels
        The image (height, width, 3), uint8.
    box
        (left, top, width, height) in pixels of the part that the model was given.
    note
        A sentence on how its values were changed to be shown, which captions have too, or "".
    """

    pixels: NDArray[np.uint8]
    box: tuple[float, float, float, float]
    note: str = ""

    @property
    def share(self) -> tuple[float, float, float, float]:
        """The part that the model was given, in shares of the image."""
        (left, top, width, height), (high, wide) = self.box, self.pixels.shape[:2]
        return left / wide, top / high, width / wide, height / high

    def place(self, box: Sequence[float]) -> tuple[float, float, float, float]:
        """Return a box in shares of what the model was given as one in pixels of the image."""
        left, top, width, height = self.box
        x, y, w, h = box
        return left + x * width, top + y * height, w * width, h * height


Looked = Seen | list["Looked"]
"""What was looked at: an image, several or a video, several videos."""


def pixels_in(seen: Looked) -> Any:
    """Return the pixels of what was looked at, in lists as that is."""
    return [pixels_in(one) for one in seen] if isinstance(seen, list) else seen.pixels


def opened(image: Any) -> Any:
    """Return an image; of a file's name, or a list with names in it, what PIL reads there, in RGB.

    Raises
    ------
    VisualizerError
        If a file is missing or no image.
    MissingExtraError
        If there is a name, and Pillow is not installed.

    Examples
    --------
    >>> opened("photo.jpg")
    Traceback (most recent call last):
        ...
    visualizer.errors.VisualizerError: The image photo.jpg could not be read: No such file or directory
    """
    if isinstance(image, list | tuple):
        return (
            [opened(one) for one in image]
            if any(isinstance(one, str | os.PathLike) for one in image)
            else image
        )
    if not isinstance(image, str | os.PathLike):
        return image
    pillow = require("PIL.Image", "plots", "Reading an image")
    try:
        with pillow.open(image) as read:
            return read.convert("RGB")
    except Exception as error:  # noqa: BLE001  # what Pillow raises for a broken file, or a bomb, is open
        reason = getattr(error, "strerror", None) or "it is no image that can be read"
        raise VisualizerError(f"The image {os.fspath(image)} could not be read: {reason}") from None


def seen_image(image: Any, mean: Any = None, std: Any = None, crop: Any = None) -> Seen:
    """Return an image as it is shown, and which part of it was looked at.

    Parameters
    ----------
    image
        A PIL image or a file's name, an array (height, width) or (height, width, channel) of uint8 or of
        floats in [0, 1], or the tensor (channel, height, width) that the model was given, a batch of one too.
    mean, std
        By which a tensor was normalised, for each channel; where they are not given, values beyond [0, 1] are
        stretched, which ``note`` says.
    crop
        (left, top, width, height) in pixels of the part that was looked at; left out, all of it.

    Raises
    ------
    OptionError
        If ``mean`` or ``std`` are not what it was normalised by.
    ShapeError
        If it is no image, or the part lies outside of it.

    Examples
    --------
    >>> seen = seen_image(np.zeros((40, 60, 3), np.uint8), crop=(20, 0, 40, 40))
    >>> seen.place((0.5, 0.5, 0.25, 0.25))
    (40.0, 20.0, 10.0, 10.0)
    """
    pixels, note = pixels_of(channels_last(opened(image)), mean, std)
    return Seen(pixels, seen_box(crop, pixels.shape[1], pixels.shape[0]), note)


def seen_images(image: Any, mean: Any = None, std: Any = None, crop: Any = None) -> Looked:
    """Return what `seen_image` does, of several images for each of them.

    They are a list; or a video or a volume, as `visualizer.films.frames_of` takes them, which is shown by one
    rule and has one ``crop``; or several of these, as `visualizer.films.films_of` takes them.

    Raises
    ------
    OptionError
        Besides what `seen_image` raises: if a list of images and a ``crop`` are given.

    Examples
    --------
    >>> [seen.pixels.shape for seen in seen_images(np.zeros((2, 40, 60, 3)))]
    [(40, 60, 3), (40, 60, 3)]
    """
    image = opened(image)
    films = films_of(image)
    if films is not None:
        _refuse_crop(crop, len(films), "videos")
        return [seen_images(one, mean, std) for one in films]
    film = frames_of(image)
    if film is not None:
        pixels, note = pixels_of(checked(film, film), mean, std)
        box = seen_box(crop, pixels.shape[2], pixels.shape[1])
        return [Seen(one, box, note) for one in pixels]
    if not (isinstance(image, list | tuple) and image and all(map(_is_image, image))):
        return seen_image(image, mean, std, crop)
    _refuse_crop(crop, len(image), "images")
    return [seen_image(one, mean, std) for one in image]


def _refuse_crop(crop: Any, count: int, what: str) -> None:
    if crop is not None:
        raise OptionError(f"crop= was given beside {count} {what}: give the parts that were looked at")


def numbered_image(images: Any, number: int, item: int = 0, each: int = 1) -> Any:
    """Return one of a list of images; one image alone is that of all rows of a batch.

    Where an input has several, ``each``, they are listed by ``number``, else by ``item`` of the batch. The
    frames of several videos count on from one to the next; or each item has a list of its own.

    Raises
    ------
    OptionError
        If there are not so many.

    Examples
    --------
    >>> numbered_image(["a", "b"], 1, each=2), numbered_image(["a", "b"], 0, item=1)
    ('b', 'b')
    >>> numbered_image("a", 0, item=1)
    'a'
    """
    films = films_of(images)
    if films is not None:
        images = [*_one_of(films, item)] if each > 1 else [frame for film in films for frame in film]
    if not isinstance(images, list | tuple):
        return _one_of([images], number)
    return _one_of(images, number if each > 1 else item)


def _one_of(several: Sequence[Any], wanted: int) -> Any:
    if wanted >= len(several):
        raise OptionError(
            f"image {wanted} is looked at, counted from 0, but image= holds {len(several)}: give a list of "
            "all images that the model was given"
        )
    return several[wanted]


def _is_image(one: Any) -> bool:
    return hasattr(one, "convert") or len(getattr(one, "shape", ())) > 1


def seen_box(crop: Any, width: int, height: int) -> tuple[float, float, float, float]:
    """Return the part of an image that was looked at.

    Raises
    ------
    ShapeError
        If it is no part of it.
    """
    if crop is None:
        return 0.0, 0.0, float(width), float(height)
    box = np.asarray(crop, float)
    if box.shape != (4,) or not (box[2:] > 0).all():
        raise ShapeError(f"crop={crop!r} was given; give (left, top, width, height) in pixels")
    left, top, across, down = map(float, box)
    if left < 0 or top < 0 or left + across > width or top + down > height:
        raise ShapeError(
            f"crop={crop!r} ends at {left:g} + {across:g} = {left + across:g} across and {top:g} + {down:g} "
            f"= {top + down:g} down, but the image has {width} × {height} pixels"
        )
    return left, top, across, down
