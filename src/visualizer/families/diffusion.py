"""diffusers: cells of a latent image among themselves and beside the words of the prompt."""

from __future__ import annotations

from typing import Any

from visualizer.axes import Axis, Grid, Scattered, Segment, Unknown
from visualizer.families.layouts import Choice, Given, Layout, Part, as_side, both, reads

PROMPT = "what the prompt became: run.label(path, keys=[...]) says what it reads"
ORDER = "cells of several images"


@reads("diffusers", "Transformer2DModel")
def transformer(module: Any, given: Given) -> Layout | None:
    """Cells of a latent image (batch, channel, height, width); in cross-attention, they and the prompt."""
    if module.is_input_vectorized:
        return None
    size = module.patch_size if module.is_input_patches else 1
    grid = as_side(latent_cells(given["hidden_states"], size))
    prompt = given.get("encoder_hidden_states")
    words = given.tokens_of(prompt) or (as_side(words_of(prompt)) if prompt is not None else None)
    return Layout(Choice(grid, grid, cross=False), Choice(grid, words, cross=True))


@reads("diffusers", "Attention")
def attention(module: Any, given: Given) -> Layout | None:  # noqa: ARG001  # as all
    """Attention within a convolutional network is given the feature map itself."""
    features = given["hidden_states"]
    if features.dim() != 4 or given.get("encoder_hidden_states") is not None:
        return None
    return Layout(both(latent_cells(features, 1)))


@reads("diffusers", "SD3Transformer2DModel")
def sd3(module: Any, given: Given) -> Layout:
    """Cells of a latent image, and after them the prompt; in the second attention, cells alone."""
    grid = latent_cells(given["hidden_states"], module.config.patch_size)
    joint = [*grid, *words_of(given["encoder_hidden_states"])]
    return Layout(both(joint, "*.attn"), both(grid, "*.attn2"))


@reads("diffusers", "FluxTransformer2DModel")
def flux(module: Any, given: Given) -> Layout:  # noqa: ARG001  # as all
    """Return the prompt, and after it packed cells of a latent image, whose rows and columns are told."""
    joint = Packed(words_of(given["encoder_hidden_states"]), given["img_ids"])
    return Layout(Choice(joint, joint))


class Packed:
    """Segments, and after them cells in the order of their (…, row, column); it is read when asked for."""

    def __init__(self, before: list[Segment], cells: Any) -> None:
        self._before, self._cells = before, cells.detach().clone()
        self.length = sum(one.length for one in before) + cells.shape[-2]

    @property
    def arithmetic(self) -> str:
        """How many tokens they are."""
        return f"{self.length} tokens"

    def fit(self, part: Part) -> Packed | None:
        """Return itself where it is as long as the side."""
        return self if part.length in {None, self.length} else None

    def rows(self) -> tuple[Axis, ...]:
        """Return the one axis; cells of several images, which lie at the same places, have none."""
        found = [
            (int(row), int(column))
            for *_, row, column in self._cells.reshape(-1, self._cells.shape[-1]).tolist()
        ]
        rows, columns = (max(place) + 1 for place in zip(*found, strict=True))
        at = [row * columns + column for row, column in found]
        if at == list(range(rows * columns)):
            return (Axis((*self._before, Grid(rows, columns))),)
        is_one = len(set(at)) == len(at)
        cells = Scattered(rows, columns, at=tuple(at)) if is_one else Unknown(len(at), ORDER)
        return (Axis((*self._before, cells)),)


def latent_cells(latent: Any, size: int) -> list[Segment]:
    """Return the cells of a latent image (batch, channel, height, width) in patches of a size."""
    return [Grid(latent.shape[-2] // size, latent.shape[-1] // size)]


def words_of(prompt: Any) -> list[Segment]:
    """Return as many tokens as a prompt (batch, token, channel) became."""
    return [Unknown(prompt.shape[1], PROMPT)]
