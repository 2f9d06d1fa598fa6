"""A video, or the slices of a volume, as the pictures that it is made of."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

CHANNELS = {1, 3, 4}


def frames_of(image: Any) -> NDArray[Any] | None:
    """Return a video (frame, height, width, channel) or a volume (slice, height, width, 1); of others None.

    Parameters
    ----------
    image
        An array or tensor of four axes, the channels last, first or behind the frames; a batch of one too.

    Examples
    --------
    >>> frames_of(np.zeros((1, 8, 3, 40, 60))).shape, frames_of(np.zeros((16, 40, 60, 1))).shape
    ((8, 40, 60, 3), (16, 40, 60, 1))
    >>> frames_of(np.zeros((40, 60, 3))) is None
    True
    """
    if not hasattr(image, "shape"):
        return None
    image = image.detach().cpu().float() if hasattr(image, "detach") else image
    array = np.asarray(image)
    array = array[0] if array.ndim == 5 and len(array) == 1 else array
    if array.ndim != 4 or len(array) == 1:  # a batch of one image
        return None
    for axis in (3, 1, 0):
        if array.shape[axis] in CHANNELS:
            return np.moveaxis(array, axis, 3)
    return None


def frame_at(step: int, steps: int, count: int) -> int:
    """Return the middle one of those of ``count`` frames or slices that a step stands for.

    Examples
    --------
    >>> [frame_at(step, 4, 16) for step in range(4)]
    [2, 6, 10, 14]
    """
    return (2 * step + 1) * count // (2 * steps)
