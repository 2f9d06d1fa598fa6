"""The packaged vision transformer, reading scenes of digits that it has never seen."""

from __future__ import annotations

import math
from typing import Any

from visualizer.demo.attention import record_attention
from visualizer.demo.readings import ImageReading
from visualizer.demo.scenes import GRID, draw_held_back_scenes
from visualizer.errors import require

NAME = "ViT for digits"
SEED = 7


def read_scenes(count: int) -> list[ImageReading]:
    """Let the model read ``count`` scenes of held-back digits.

    Raises
    ------
    MissingExtraError
        If torch, safetensors or scikit-learn is not installed.
    """
    torch = require("torch", "demo", "The demo's vision model")
    from visualizer.demo.digits_vit import load_digits_vit

    model = load_digits_vit()
    scenes = draw_held_back_scenes(count, SEED)
    images = torch.from_numpy(scenes.images)
    with torch.inference_mode():
        chances = model(images).softmax(dim=1).numpy()
    return [_read(model, image, chance) for image, chance in zip(images, chances, strict=True)]


def _read(model: Any, image: Any, chances: Any) -> ImageReading:
    """Read one scene: a tensor (row, column), and the chances (class,) that the model gives it."""
    maps = record_attention(model, image[None])
    sure = math.floor(1000 * chances.max()) / 10  # never rounded up to 100 %
    answer = f"It reads {chances.argmax()}, {sure} % sure"
    return ImageReading(NAME, maps, image.numpy(), GRID, 1, answer)
