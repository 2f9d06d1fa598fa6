"""Arrays as pixels: channels last, a normalisation undone, what is beyond black and white told."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualizer.errors import OptionError, ShapeError
from visualizer.films import CHANNELS, as_array

SLACK = 0.05  # of resizing, which may go a little beyond black and white
STRETCHED = (
    "The image's values from {:.3g} to {:.3g} are shown as black to white: its mean= and std= were not given."
)
WANTED = "give (height, width, channel), a tensor (channel, height, width), a PIL image or a file's name"


def channels_last(image: Any) -> NDArray[Any]:
    """Return an image as (height, width, channel).

    Raises
    ------
    ShapeError
        If it is none.

    Examples
    --------
    >>> channels_last(np.zeros((3, 40, 60))).shape
    (40, 60, 3)
    """
    image = image.convert("RGB") if hasattr(image, "convert") else image
    given = array = as_array(image)
    array = array[0] if array.ndim == 4 and len(array) == 1 else array
    array = array[..., None] if array.ndim == 2 else array
    if array.ndim == 3 and array.shape[2] not in CHANNELS and array.shape[0] in CHANNELS:
        array = array.transpose(1, 2, 0)
    if array.ndim != 3:
        raise ShapeError(f"{_told(given)}; {WANTED}")
    return checked(array, given)


def checked(array: NDArray[Any], given: NDArray[Any]) -> NDArray[Any]:
    """Return an array (..., channel) that holds pixels; errors tell what was ``given``.

    Raises
    ------
    ShapeError
        If it has other channels, or holds nothing or no numbers.

    Examples
    --------
    >>> checked(np.zeros((2, 40, 60, 3)), np.zeros((2, 3, 40, 60))).shape
    (2, 40, 60, 3)
    """
    if not array.size or array.dtype.kind not in "uif":
        raise ShapeError(f"{_told(given)}; {WANTED}")
    if array.shape[-1] not in CHANNELS:
        raise ShapeError(
            f"{_told(given)}, which has neither 1, 3 nor 4 channels at its end or beginning; a volume is "
            "(slice, height, width, 1)"
        )
    return array


def _told(given: NDArray[Any]) -> str:
    return f"an image of shape {given.shape} was given" if given.ndim else f"{given} was given as an image"


def pixels_of(array: NDArray[Any], mean: Any = None, std: Any = None) -> tuple[NDArray[np.uint8], str]:
    """Return values (..., channel) as pixels (..., 3), uint8, and what to say of how they are shown, or "".

    Parameters
    ----------
    array
        Floats, which 0 to 1 are black to white of, or whole numbers up to 255.
    mean, std
        By which floats were normalised, for each channel or for all.

    Raises
    ------
    OptionError
        If they were not normalised by these.
    ShapeError
        If there are other channels, or values that are not finite.

    Examples
    --------
    >>> pixels_of(np.full((1, 1, 1), -0.5), mean=0.5, std=0.5)[0].tolist()
    [[[64, 64, 64]]]
    """
    if array.dtype == np.uint8 and mean is None and std is None:
        shown, note = array.copy(), ""  # the caller's may change
    else:
        values = array.astype(np.float64) / (255 if array.dtype.kind in "ui" else 1)
        unnormalised = mean is None and std is None
        values, note = _shown(values) if unnormalised else (_restored(values, mean, std), "")
        shown = np.clip(values * 255 + 0.5, 0, 255).astype(np.uint8)
    return np.repeat(shown, 3, axis=-1) if shown.shape[-1] == 1 else shown[..., :3], note


def _restored(values: NDArray[np.float64], mean: Any, std: Any) -> NDArray[np.float64]:
    """Undo a normalisation."""
    numbers = [np.asarray(0 if mean is None else mean, float), np.asarray(1 if std is None else std, float)]
    for name, one in zip(("mean", "std"), numbers, strict=True):
        if one.ndim > 1 or one.size not in {1, values.shape[-1]}:
            raise ShapeError(f"{name}= has {one.size} numbers, but the image has {values.shape[-1]} channels")
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
