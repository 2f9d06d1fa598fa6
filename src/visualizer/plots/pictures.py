"""Images as RGB arrays: from PIL, numpy or torch, colour or grey, with or without transparency."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualizer.errors import ShapeError
from visualizer.images import Seen, opened
from visualizer.plots.arrays import Floats, as_numbers

CHANNELS = (1, 3, 4)
LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601, as PIL's mode "L"
Box = tuple[float, float, float, float]  # left, top, width, height
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)
EIGHT_BIT_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")


def rgb_picture(image: Any) -> Floats:
    """Return ``image`` as RGB (height, width, 3), floats in [0, 1]; what is transparent lies on white.

    Taken are PIL images, names of files, what a run has seen, and arrays (height, width), (height, width,
    channel) or (channel, height, width) with 1, 3 or 4 channels, holding whole numbers in [0, 255] or floats
    in [0, 1].

    Raises
    ------
    ShapeError
        If the axes are others or ambiguous, or values lie outside of that range.
    TargetError
        If it is a model, or holds no real numbers.

    Examples
    --------
    >>> rgb_picture(np.zeros((3, 20, 30))).shape
    (20, 30, 3)
    """
    image = image.pixels if isinstance(image, Seen) else opened(image)
    if getattr(image, "mode", None) in EIGHT_BIT_MODES and hasattr(image, "convert"):
        return _opaque(np.asarray(image.convert("RGBA")) / 255)
    pixels = _channels_last(as_numbers(image, "image"))
    white = 255.0 if pixels.dtype.kind in "iu" or _whole(pixels) else 1.0
    if not (pixels.min() >= 0 and pixels.max() <= white):  # NaN fails too
        message = (
            f"image has values from {pixels.min():.3g} to {pixels.max():.3g}, wanted are floats in [0, 1] or "
            "whole numbers in [0, 255]: undo the model's normalisation first"
        )
        raise ShapeError(message)
    return _opaque(pixels.astype(np.float64) / white)


def is_picture(shown: Any) -> bool:
    """Tell images, by their kind or their three axes, and names of files from maps.

    Examples
    --------
    >>> is_picture("photo.jpg"), is_picture(np.zeros((8, 8, 3))), is_picture(np.eye(8))
    (True, True, False)
    """
    named = isinstance(shown, Seen | str | os.PathLike) or hasattr(shown, "convert")
    return named or np.ndim(shown) == 3


def told_of(image: Any) -> tuple[str, ...]:
    """Return what a caption has to say of how an image is shown, a sentence or none."""
    return (image.note,) if isinstance(image, Seen) and image.note else ()


def spanned(part: Box, span: tuple[float, float]) -> Box:
    """Return the box that a grid spans, which may be more or less than the part it begins in."""
    (left, top, width, height), (down, across) = part, span
    return left, top, width * across, height * down


def seen_part(image: Any) -> Box:
    """Return the part of an image that the model was given, in shares of it; all, where nothing is said."""
    return image.share if isinstance(image, Seen) else WHOLE


def grey_picture(picture: Floats) -> Floats:
    """Return the luminance of an RGB picture, in [0, 1], as RGB (height, width, 3).

    Examples
    --------
    >>> grey_picture(np.ones((1, 1, 3))).round(3).tolist()
    [[[1.0, 1.0, 1.0]]]
    """
    return np.repeat((picture @ np.array(LUMINANCE))[..., None], 3, axis=2)


def _channels_last(array: NDArray[Any]) -> NDArray[Any]:
    if array.ndim == 2 and array.size:
        return array[..., None]
    if array.ndim == 3 and array.size:
        first, last = array.shape[0] in CHANNELS, array.shape[2] in CHANNELS
        if first != last:
            return array if last else np.moveaxis(array, 0, 2)
    message = (
        f"image has shape {array.shape}, wanted is (height, width), (height, width, channel) or "
        "(channel, height, width) with 1, 3 or 4 channels and longer sides"
    )
    raise ShapeError(message)


def _whole(pixels: Floats) -> bool:
    """Tell whether floats are the numbers of an 8-bit image, converted."""
    return bool(pixels.max() > 1 and (pixels == np.round(pixels)).all())


def _opaque(pixels: Floats) -> Floats:
    if pixels.shape[2] == 1:
        return np.repeat(pixels, 3, axis=2)
    colours, cover = pixels[..., :3], pixels[..., 3:]
    return colours * cover + 1 - cover if cover.size else colours
