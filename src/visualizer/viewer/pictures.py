"""An image as it is shown in the page: no larger than a screen needs."""

from __future__ import annotations

from typing import Any

import numpy as np

from visualizer.images import Seen

LARGEST = 1024
"""Pixels of the longer side."""


def shown_image(seen: Seen) -> tuple[Any, tuple[float, float, float, float]]:
    """Return pixels (height, width, 3), uint8, and in them the box that the model was given.

    Examples
    --------
    >>> seen = Seen(np.zeros((3000, 1500, 3), np.uint8), (0.0, 0.0, 1500.0, 3000.0))
    >>> pixels, box = shown_image(seen)
    >>> pixels.shape, box
    ((1000, 500, 3), (0.0, 0.0, 500.0, 1000.0))
    """
    step = -(-max(seen.pixels.shape[:2]) // LARGEST)
    high, wide = (side // step for side in seen.pixels.shape[:2])
    cut = seen.pixels[: high * step, : wide * step].reshape(high, step, wide, step, -1)
    left, top, width, height = (side / step for side in seen.box)
    return cut.mean((1, 3)).round().astype(np.uint8), (left, top, width, height)
