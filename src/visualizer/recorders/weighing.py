"""Weights that multiply values, to be summed along an axis: a product of matrices that is written out.

Gates and mixtures are written in the same way, as sums over branches. Weights are told from those by what
scored them: a layer that gave each token one score, or one for each head, so that no axis of them is one of
its features.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch

from visualizer.attention import reading
from visualizer.recorders.provenance import FEATURES, Mark
from visualizer.recorders.uses import Use

HEADS = 64
"""No layer scores tokens for more heads than this."""


class Weighing:
    """The operands of a multiplication, until it is known along which axis its result is summed.

    Parameters
    ----------
    weights, values, product
        Both operands, which broadcast, and the result.
    """

    def __init__(self, weights: torch.Tensor, values: torch.Tensor, product: torch.Tensor) -> None:
        self.weights, self.values = weights.detach(), values.detach()
        self._layout = product.shape, product.stride()

    def is_of(self, tensor: torch.Tensor) -> bool:
        """Tell whether a tensor of the result's storage has the result's axes."""
        return self._layout == (tensor.shape, tensor.stride())

    def use(self, axes: Sequence[int] | None) -> Use | None:
        """Return what a sum over some axes makes of it: (batch, row, key) times (batch, key, feature).

        None where the axes are not keys of both operands.
        """
        shape = self._layout[0]
        with reading(), torch.no_grad():
            weights, values = self.weights.expand(shape), self.values.expand(shape)
            places = [place for place in range(len(shape)) if shape[place] > 1]
            keys = [place for place in places if place in {axis % len(shape) for axis in axes or places}]
            if not keys or not all(values.stride(key) and weights.stride(key) for key in keys):
                return None
            rows = [place for place in places if place and not values.stride(place)]
            features = [place for place in places if not weights.stride(place)]
            batch = [place for place in places if place not in {*keys, *rows, *features}]
            return Use(_three(weights, batch, rows, keys), 2, _three(values, batch, keys, features))


def score_mark(scores: torch.Tensor, width: int) -> list[Mark]:
    """Return what a layer's result bears where it may score tokens, for so many heads."""
    return [Mark(FEATURES, scores.numel(), width)] if 1 <= width <= HEADS else []


def are_scores(value: torch.Tensor, axis: int, of_logits: Iterable[Mark]) -> bool:
    """Tell whether a softmax is one over tokens that a layer scored, and not over its features."""
    length = value.shape[axis]
    widths = [mark.width for mark in of_logits if mark.kind == FEATURES and mark.source == value.numel()]
    return any(width == 1 or width % length for width in widths)


def _three(tensor: torch.Tensor, *groups: list[int]) -> torch.Tensor:
    """Return a tensor with three groups of its axes as three axes; along all others it is the same."""
    kept = [place for group in groups for place in group]
    others = [place for place in range(tensor.dim()) if place not in kept]
    shape = [math.prod(tensor.shape[place] for place in group) for group in groups]
    return tensor.permute(*others, *kept)[(0,) * len(others)].reshape(shape)
