"""A reading: the attention maps of one pass of a model, and what its tokens are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualizer.axes import Axis

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Given:
    """What the user gives a model to read; what is not given has a default.

    Attributes
    ----------
    text, text_pair
        One or two sentences.
    image
        Path of an image file.
    """

    text: str | None = None
    text_pair: str | None = None
    image: Path | None = None


@dataclass(frozen=True)
class TextReading:
    """A model that read text.

    Attributes
    ----------
    model
        What to call it in titles.
    maps
        One array (head, query, key) a layer, rows sum to 1.
    tokens
        The pieces of text in the order of queries and keys.
    axis
        The text itself, where each token lies in it, and which are special; None where that is not known.
    """

    model: str
    maps: list[Floats]
    tokens: list[str]
    axis: Axis | None = None


@dataclass(frozen=True)
class ImageReading:
    """A model that read an image.

    Attributes
    ----------
    model
        What to call it in titles.
    maps
        One array (head, query, key) a layer, rows sum to 1.
    image
        The image as the model saw it: (row, column) or (row, column, 3), in [0, 1].
    grid
        Rows and columns of patches; None where the tokens are not the patches of the whole image in order.
    prefix
        Number of tokens before the patches: 1 for a class token (CLS), more with registers.
    answer
        What the model said of the image, in a few words; empty where it said nothing.
    """

    model: str
    maps: list[Floats]
    image: Floats
    grid: tuple[int, int] | None
    prefix: int
    answer: str = ""
