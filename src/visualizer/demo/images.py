"""Images for models: read from a file or drawn as a scene, shown as the model saw them, cut into patches."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from visualizer.demo.readings import Floats
from visualizer.demo.scenes import draw_held_back_scenes
from visualizer.errors import require
from visualizer.images import opened

MOST_PREFIX_TOKENS = 16


def load_image(path: Path | None) -> Any:
    """Return a PIL image in RGB: the file's, or a scene of digits where there is none.

    Raises
    ------
    MissingExtraError
        If Pillow, or for a scene scikit-learn, is not installed.
    VisualizerError
        If the file is missing or no image.
    """
    if path is not None:
        return opened(path)
    scene = draw_held_back_scenes(1, seed=0).images[0]
    pillow = require("PIL.Image", "demo", "Making an image")
    return pillow.fromarray((255 * scene).round().astype(np.uint8)).convert("RGB")


def as_seen(pixels: Any, mean: Sequence[float] | None, std: Sequence[float] | None) -> Floats:
    """Return a model's input as an image.

    Parameters
    ----------
    pixels
        Tensor (1, channel, row, column), normalised with ``mean`` and ``std`` of each channel, if at all.

    Returns
    -------
    array
        (row, column, channel) in [0, 1].
    """
    image: Floats = pixels[0].float().numpy().transpose(1, 2, 0) * (1 if std is None else np.asarray(std))
    return np.clip(image + (0 if mean is None else np.asarray(mean)), 0, 1)


def fit_grid(maps: Sequence[Floats], grid: tuple[int, int] | None) -> tuple[tuple[int, int] | None, int]:
    """Return the grid and the number of prefix tokens before it, or None and 0 if the maps do not fit it.

    Examples
    --------
    >>> fit_grid([np.zeros((3, 7, 7))], (2, 3))
    ((2, 3), 1)
    >>> fit_grid([np.zeros((3, 49, 49))], (14, 14))
    (None, 0)
    """
    if grid is None:
        return None, 0
    prefix = {tokens - grid[0] * grid[1] for one in maps for tokens in one.shape[1:]}
    fits = len(prefix) == 1 and 0 <= min(prefix) <= MOST_PREFIX_TOKENS
    return (grid, prefix.pop()) if fits else (None, 0)
