"""The image that was looked at, as it is shown, and which part of it a model was given."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualizer.errors import OptionError, ShapeError, VisualizerError, require

SLACK = 0.05  # of resizing, which may go a little beyond black and white
STRETCHED = (
    "The image's values from {:.3g} to {:.3g} are shown as black to white: its mean= and std= were not given."
)


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
    values = _channels_last(opened(image))
    if mean is not None or std is not None:
        values, note = _restored(values, mean, std), ""
    else:
        values, note = _shown(values)
    pixels = np.broadcast_to(values, (*values.shape[:2], 3)) if values.shape[2] == 1 else values[..., :3]
    shown: NDArray[np.uint8] = np.clip(pixels * 255 + 0.5, 0, 255).astype(np.uint8)
    return Seen(shown, seen_box(crop, shown.shape[1], shown.shape[0]), note)


def seen_images(image: Any, mean: Any = None, std: Any = None, crop: Any = None) -> Seen | list[Seen]:
    """Return what `seen_image` does, of a list of images for each of them; ``crop`` is that of one alone.

    Raises
    ------
    OptionError
        Besides what `seen_image` raises: if several images and a ``crop`` are given.
    """
    image = opened(image)
    if not (isinstance(image, list | tuple) and image and all(map(_is_image, image))):
        return seen_image(image, mean, std, crop)
    if crop is not None:
        raise OptionError(f"crop= was given beside {len(image)} images: give the parts that were looked at")
    return [seen_image(one, mean, std) for one in image]


def numbered_image(images: Any, number: int, item: int = 0, each: int = 1) -> Any:
    """Return one of a list of images; one image alone is that of all rows of a batch.

    Where an input has several, ``each``, they are listed by ``number``, else by ``item`` of the batch.

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
    listed = isinstance(images, list | tuple)
    several, wanted = (images, number if each > 1 else item) if listed else ([images], number)
    if wanted >= len(several):
        raise OptionError(
            f"image {wanted} is looked at, counted from 0, but image= holds {len(several)}: give a list of "
            "all images that the model was given"
        )
    return several[wanted]


def _is_image(one: Any) -> bool:
    return hasattr(one, "convert") or len(getattr(one, "shape", ())) > 1


def _channels_last(image: Any) -> NDArray[np.float64]:
    """Return an image as (height, width, channel), whole numbers as shares of 255."""
    image = image.convert("RGB") if hasattr(image, "convert") else image
    image = image.detach().cpu().float() if hasattr(image, "detach") else image
    array = np.asarray(image)
    found = (
        f"an image of shape {array.shape} was given" if array.ndim else f"{image!r:.80} was given as an image"
    )
    array = array[0] if array.ndim == 4 and len(array) == 1 else array
    array = array[..., None] if array.ndim == 2 else array
    if array.ndim != 3 or not array.size or array.dtype.kind not in "uif":
        raise ShapeError(
            f"{found}; give (height, width, channel), a tensor (channel, height, width), a PIL image or a "
            "file's name"
        )
    if array.shape[2] not in {1, 3, 4} and array.shape[0] in {1, 3, 4}:
        array = array.transpose(1, 2, 0)
    if array.shape[2] not in {1, 3, 4}:
        raise ShapeError(f"{found}, which has neither 1, 3 nor 4 channels at its end or beginning")
    whole = array.dtype.kind in "ui"
    return array.astype(np.float64) / (255 if whole else 1)


def _restored(values: NDArray[np.float64], mean: Any, std: Any) -> NDArray[np.float64]:
    """Undo a normalisation."""
    numbers = [np.asarray(0 if mean is None else mean, float), np.asarray(1 if std is None else std, float)]
    for name, one in zip(("mean", "std"), numbers, strict=True):
        if one.ndim > 1 or one.size not in {1, values.shape[2]}:
            raise ShapeError(f"{name}= has {one.size} numbers, but the image has {values.shape[2]} channels")
    restored: NDArray[np.float64] = values * numbers[1] + numbers[0]
    if not (restored.min() >= -SLACK and restored.max() <= 1 + SLACK):
        raise OptionError(
            f"mean= and std= were given, but values from {values.min():.3g} to {values.max():.3g}, times std "
            f"and plus mean, run from {restored.min():.3g} to {restored.max():.3g} and not from 0 to 1: give "
            "what the image was normalised by"
        )
    return restored


def _shown(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
    """Return values in [0, 1], stretched where they are beyond it, and what to say of that."""
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        raise ShapeError("an image was given that holds NaN or infinite values")
    if low >= 0 and high <= 1:
        return values, ""
    return (values - low) / max(high - low, np.finfo(float).tiny), STRETCHED.format(low, high)


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
