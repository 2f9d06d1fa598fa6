"""Why a map has not the tokens that a family foretells, in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from visualizer.errors import VisualizerError
from visualizer.families.layouts import Choice, Part


def unread(module: Any, error: Exception) -> str:
    """Say that a module is not built as its family is, and where that showed."""
    what = str(error) if isinstance(error, VisualizerError) else f"{type(error).__name__}: {error}"
    return f"what the tokens of {_kind(module)} are could not be read ({what})"


def misfit(module: Any, path: str, speaking: Sequence[Choice], parts: tuple[Part, Part], *, fit: bool) -> str:
    """Say what was foretold of the map under a path, and what was found; ``fit`` where several fit it."""
    foretold = " or ".join(dict.fromkeys(choice.arithmetic for choice in speaking))
    shape = ", ".join(f"{part.side}: {part.length}" for part in parts if part.length is not None)
    found = f"the map of {path or 'the model'} has another shape ({shape}, batch: {parts[0].batch})"
    found = f"the map of {path or 'the model'} may be each of them" if fit else found
    return f"{_kind(module)} foretells {foretold}, but {found}"


def untold(module: Any, path: str, sides: Sequence[str]) -> str:
    """Say which sides of a map a family does not speak of."""
    missing = " and ".join(sides)
    return f"{_kind(module)} does not tell what the {missing} of {path or 'the model'} are"


def _kind(module: Any) -> str:
    return type(module).__name__
