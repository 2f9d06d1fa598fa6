"""What is known of families of models: what their tokens are. Their libraries are not imported."""

from __future__ import annotations

from typing import Any

from visualizer.families import encoders, joint_models, text_models, timm_models, vision_models
from visualizer.families.layouts import READINGS, Choice, Given, Layout, Part, Reading, Side, Tokens

__all__ = [
    "Choice", "Given", "Layout", "Part", "Reading", "Side", "Tokens", "encoders", "joint_models",
    "reading_of", "text_models", "timm_models", "vision_models",
]  # fmt: skip


def reading_of(kind: type[Any]) -> Reading | None:
    """Return how a class of modules is read, or what it derives from; None if it is not known."""
    keys = ((base.__module__.partition(".")[0], base.__qualname__) for base in kind.__mro__)
    return next((READINGS[key] for key in keys if key in READINGS), None)
