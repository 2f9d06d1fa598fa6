"""What is known of families of models: what their tokens are. Their libraries are not imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from visualizer.families import (
    diffusion,
    encoders,
    joint_models,
    mistakable,
    originals,
    patched,
    pyramids,
    rearranged,
    sounds,
    text_models,
    timm_models,
    towers,
    vision_models,
)
from visualizer.families.layouts import ONLY, READINGS, Choice, Given, Layout, Part, Reader, Side, Tokens
from visualizer.families.mistakable import READ
from visualizer.families.patched import CUTS, FRAMES, Patched
from visualizer.families.picked import Picked
from visualizer.families.reasons import misfit, unread, untold

__all__ = [
    "CUTS", "FRAMES", "READ", "Choice", "Given", "Layout", "Part", "Patched", "Picked", "Reader", "Side",
    "Tokens", "diffusion", "encoders", "joint_models", "misfit", "mistakable", "originals", "patched",
    "pyramids", "readers_of", "reads_it", "rearranged", "sounds", "text_models", "timm_models", "towers",
    "unread", "untold", "vision_models",
]  # fmt: skip


def readers_of(kind: type[Any]) -> Mapping[str, Reader]:
    """Return what reads a class of modules, or what it derives from, by method; none if it is not known."""
    modules = ((base, base.__module__.split(".")) for base in kind.__mro__)
    keys = (
        (module, base.__qualname__)
        for base, names in modules
        for module in (".".join(names), names[0], names[-1], "*")
    )
    return next((READINGS[key] for key in keys if key in READINGS), {})


def reads_it(reader: Reader, module: Any) -> bool:
    """Tell whether a reader reads a module of its class."""
    return reader not in ONLY or ONLY[reader](module)
