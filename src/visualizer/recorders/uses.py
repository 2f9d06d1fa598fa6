"""How a product uses an operand: what it contracts, with what."""

from __future__ import annotations

from typing import NamedTuple

import torch

from visualizer.attention import reading
from visualizer.recorders.readable import is_readable


class Use(NamedTuple):
    """An operand of a product, the axis along which it is contracted, and the other operand."""

    operand: torch.Tensor
    axis: int
    values: torch.Tensor

    @property
    def length(self) -> int:
        """Length of the contracted axis."""
        return self.operand.shape[self.axis]

    @property
    def values_by_key(self) -> torch.Tensor | None:
        """The other operand as (..., key, width), or None where it is nested."""
        values = self.values
        if values.is_nested:
            return None
        values = values if values.dim() > 1 else values.unsqueeze(-1)
        return values if values.shape[-2] == self.length else values.mT

    @property
    def rows(self) -> int:
        """How many rows share the same values."""
        return self.operand.numel() // max(1, self.length * self._batches(self.operand))

    @property
    def width(self) -> int:
        """How many features the values have."""
        return self.values.numel() // max(1, self.length * self._batches(self.values))

    @property
    def has_shared_values(self) -> bool:
        """Whether all of a batch meet the same values, as coordinates and tables are the same for all."""
        values = self.values
        return values.dim() < 3 or (values.shape[0] > 1 and not values.stride(0))

    @property
    def is_nowhere_negative(self) -> bool:
        """Whether the operand has no negative number, as far as it can be read."""
        operand = self.operand
        return not operand.is_nested and is_readable(operand) and bool((operand >= 0).all())

    def _batches(self, tensor: torch.Tensor) -> int:
        return tensor.shape[0] if tensor.dim() == 3 else 1


def both_uses(left: torch.Tensor, right: torch.Tensor) -> tuple[Use, Use]:
    """Return how a product uses its two operands."""
    return Use(left, left.dim() - 1, right), Use(right, max(right.dim() - 2, 0), left)


def is_normalised(use: Use, *, partly: bool) -> bool:
    """Tell by value whether an operand has no negative number and sums to one along the contracted axis.

    ``partly`` admits sums below one, as a softmax-plus-one has them.
    """
    operand, axis = use.operand, use.axis
    if not operand.is_floating_point() or use.length < 2 or not operand.numel() or not is_readable(operand):
        return False
    with reading(), torch.no_grad():
        operand = operand.detach()
        if not bool((operand.select(0, 0) >= 0).all()):  # most operands are told by their first part
            return False
        smallest, largest = torch.aminmax(operand.sum(axis, dtype=torch.float32))
        nowhere_negative = not bool((operand < 0).any())
        return nowhere_negative and float(largest) <= 1.01 and float(smallest) > (1e-6 if partly else 0.99)
