"""A video, or the slices of a volume, as the pictures that it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

CHANNELS = {1, 3, 4}


def frames_of(image: Any) -> NDArray[Any] | None:
    """Return a video (frame, height, width, channel) or a volume (slice, height, width, 1); of others None.

    Parameters
    ----------
    image
        An array or tensor of four axes, the channels last, behind the frames or first; a batch of one too.
        Where several axes could be channels, the first of these that has not 4.

    Examples
    --------
    >>> frames_of(np.zeros((1, 8, 3, 40, 60))).shape, frames_of(np.zeros((16, 40, 60, 1))).shape
    ((8, 40, 60, 3), (16, 40, 60, 1))
    >>> frames_of(np.zeros((1, 3, 4, 40, 60))).shape, frames_of(np.zeros((1, 1, 16, 40, 60))).shape
    ((4, 40, 60, 3), (16, 40, 60, 1))
    >>> frames_of(np.zeros((40, 60, 3))) is None
    True
    """
    if not hasattr(image, "shape"):
        return None
    array = as_array(image)
    if array.ndim == 4 and len(array) == 1:  # a batch of one image
        return None
    array = array[0] if array.ndim == 5 and len(array) == 1 else array
    if array.ndim != 4:
        return None
    found = [axis for axis in (3, 1, 0) if array.shape[axis] in CHANNELS]
    found.sort(key=lambda axis: array.shape[axis] == 4)
    return np.moveaxis(array, found[0], 3) if found else None


def films_of(image: Any) -> list[Any] | None:
    """Return the videos or volumes of a batch, each as it was given; of others None.

    Parameters
    ----------
    image
        An array or tensor of five axes, the batch first, of more than one; or a list of what `frames_of`
        takes, or of lists of pictures.

    Examples
    --------
    >>> [film.shape for film in films_of(np.zeros((2, 8, 40, 60, 3)))]
    [(8, 40, 60, 3), (8, 40, 60, 3)]
    >>> films_of([np.zeros((40, 60, 3)), np.zeros((40, 60, 3))]) is None
    True
    """
    if isinstance(image, list | tuple):
        films = [isinstance(one, list | tuple) or frames_of(one) is not None for one in image]
        return list(image) if films and all(films) else None
    is_batch = len(getattr(image, "shape", ())) == 5 and len(image) > 1
    return list(as_array(image)) if is_batch else None


def film_of_row(films: Sequence[Any], row: int, rows: int) -> Any:
    """Return the one of several films that a row of a batch is of, as many rows of each; None if they differ.

    Examples
    --------
    >>> [film_of_row(["a", "b"], row, 4) for row in range(4)], film_of_row(["a", "b"], 0, 3)
    (['a', 'a', 'b', 'b'], None)
    """
    return None if rows % len(films) else films[row * len(films) // rows]


def as_array(image: Any) -> NDArray[Any]:
    """Return an array or a tensor as numpy has it, whole numbers as they are.

    Examples
    --------
    >>> as_array([[0, 255]]).tolist()
    [[0, 255]]
    """
    if hasattr(image, "detach"):
        image = image.detach().cpu()
        image = image.float() if image.is_floating_point() else image  # numpy has no bfloat16
    return np.asarray(image)


def frame_at(step: int, steps: int, count: int) -> int:
    """Return the middle one of those of ``count`` frames or slices that a step stands for.

    Examples
    --------
    >>> [frame_at(step, 4, 16) for step in range(4)]
    [2, 6, 10, 14]
    """
    return (2 * step + 1) * count // (2 * steps)
