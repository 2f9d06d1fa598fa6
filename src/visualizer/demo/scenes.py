"""Scenes of handwritten digits: one on a light card, others on dark ground; the label is the card's digit.

The digits are the 1,797 real ones of 8 × 8 pixels that scikit-learn brings along (UCI "Optical Recognition of
Handwritten Digits"), drawn at twice their size. Every fourth is held back from training. Scene and patch grid
are not square, so that rows and columns cannot be mistaken for each other unseen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from visualizer.errors import require

if TYPE_CHECKING:
    from numpy.typing import NDArray

PATCH = 8
GRID = (6, 10)
SIZE = (GRID[0] * PATCH, GRID[1] * PATCH)
MARGIN = 1
CARD = 16 + 2 * MARGIN  # the digits are drawn with 16 pixels
# Each digit lies anywhere in a slot of its own, so that none overlap and few lie square on the patches.
SLOTS = (2, 3)
DIGITS_IN_A_SCENE = 4
HELD_BACK_EVERY = 4


@dataclass(frozen=True)
class Scenes:
    """A batch of scenes.

    Attributes
    ----------
    images
        (scene, row, column) of 48 × 80 pixels, float32 in [0, 1].
    labels
        (scene,) the digit on the card, 0 to 9.
    corners
        (scene, 2) row and column of the card's top left pixel; a card is 18 × 18 pixels.
    """

    images: NDArray[np.float32]
    labels: NDArray[np.int64]
    corners: NDArray[np.int64]

    def card_cells(self) -> NDArray[np.bool_]:
        """Tell which patches the card touches: (scene, 6, 10)."""
        row, column = (corner[:, None] for corner in self.corners.T)
        rows = _touched(row, GRID[0])
        columns = _touched(column, GRID[1])
        return rows[:, :, None] & columns[:, None, :]


def _touched(start: NDArray[np.int64], cells: int) -> NDArray[np.bool_]:
    edges = np.arange(cells) * PATCH
    touched: NDArray[np.bool_] = (edges < start + CARD) & (edges + PATCH > start)
    return touched


def load_digits(*, held_back: bool) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Load the digits for training, or those held back from it.

    Returns
    -------
    tuple
        Digits (n, 16, 16), float32 in [0, 1], ink bright; and their classes (n,).

    Raises
    ------
    MissingExtraError
        If scikit-learn is not installed.

    Examples
    --------
    >>> load_digits(held_back=True)[0].shape
    (449, 16, 16)
    """
    data = require("sklearn.datasets", "demo", "The demo's scenes of digits").load_digits()
    chosen = (np.arange(len(data.images)) % HELD_BACK_EVERY == HELD_BACK_EVERY - 1) == held_back
    return _doubled(data.images[chosen] / 16).astype(np.float32), data.target[chosen].astype(np.int64)


def _doubled(images: NDArray[np.float64]) -> NDArray[np.float64]:
    """Draw at twice the size, linearly between pixels: (n, h, w) becomes (n, 2h, 2w)."""
    for axis in (1, 2):
        padded = np.pad(images, [(1, 1) if a == axis else (0, 0) for a in range(3)], mode="edge")
        before, here, after = (np.take(padded, np.arange(k, k + images.shape[axis]), axis) for k in range(3))
        pair = np.stack([0.25 * before + 0.75 * here, 0.75 * here + 0.25 * after], axis + 1)
        images = pair.reshape([2 * n if a == axis else n for a, n in enumerate(images.shape)])
    return images


def draw_scenes(
    digits: NDArray[np.float32],
    classes: NDArray[np.int64],
    count: int,
    rng: np.random.Generator,
    shown: int = DIGITS_IN_A_SCENE,
) -> Scenes:
    """Draw ``count`` scenes that show ``shown`` of these digits each.

    Examples
    --------
    >>> scenes = draw_scenes(*load_digits(held_back=True), 3, np.random.default_rng(0))
    >>> scenes.images.shape, scenes.card_cells().shape
    ((3, 48, 80), (3, 6, 10))
    """
    images = np.zeros((count, *SIZE), np.float32)
    chosen = rng.integers(len(digits), size=(count, shown))
    corners = _corners(count, shown, rng)
    for image, which, places in zip(images, chosen, corners, strict=True):
        for k, (row, column) in enumerate(places):
            digit = np.pad(digits[which[k]], MARGIN)
            # The first is the target: dark ink on a light card.
            image[row : row + CARD, column : column + CARD] = 1 - digit if k == 0 else digit
    return Scenes(images, classes[chosen[:, 0]], corners[:, 0])


def draw_held_back_scenes(count: int, seed: int) -> Scenes:
    """Draw ``count`` scenes of digits that are held back from training, the same ones for the same seed.

    Raises
    ------
    MissingExtraError
        If scikit-learn is not installed.

    Examples
    --------
    >>> draw_held_back_scenes(3, seed=0).labels.shape
    (3,)
    """
    return draw_scenes(*load_digits(held_back=True), count, np.random.default_rng(seed))


def _corners(count: int, shown: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Place the digits of each scene in slots, one a slot: (scene, digit, 2), the first is the target's."""
    slots = np.argsort(rng.random((count, SLOTS[0] * SLOTS[1])), axis=1)[:, :shown]
    slot_size = np.array(SIZE) // np.array(SLOTS)
    slack = rng.integers(slot_size - CARD + 1, size=(*slots.shape, 2))
    corners: NDArray[np.int64] = np.stack(np.divmod(slots, SLOTS[1]), -1) * slot_size + slack
    return corners
