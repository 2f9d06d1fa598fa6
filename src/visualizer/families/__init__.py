"""What is known of families of models: what their tokens are. Their libraries are not imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from visualizer.families import encoders, joint_models, text_models, timm_models, vision_models
from visualizer.families.layouts import READINGS, Choice, Given, Layout, Part, Reader, Side, Tokens

__all__ = [
    "Choice", "Given", "Layout", "Part", "Reader", "Side", "Tokens", "encoders", "joint_models",
    "readers_of", "text_models", "timm_models", "vision_models",
]  # fmt: skip


def readers_of(kind: type[Any]) -> Mapping[str, Reader]:
    """Return what reads a class of modules, or what it derives from, by method; none if it is not known."""
    keys = ((base.__module__.partition(".")[0], base.__qualname__) for base in kind.__mro__)
    return next((READINGS[key] for key in keys if key in READINGS), {})
