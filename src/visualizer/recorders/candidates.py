"""Candidates: what a softmax made, until it is known whether it is an attention map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from visualizer.attention import reading
from visualizer.recorders.places import Place
from visualizer.recorders.provenance import Mark, storage_address


class Use(NamedTuple):
    """A tensor, and the axis along which a product contracts it."""

    operand: torch.Tensor
    axis: int

    @property
    def length(self) -> int:
        """Length of the contracted axis."""
        return self.operand.shape[self.axis]


class FormedMap(NamedTuple):
    """A map that a model formed itself.

    Attributes
    ----------
    value
        Its numbers, as the model has them.
    axis
        The axis of its keys.
    how
        How it was normalised.
    traced
        The same tensor as autograd knows it, where gradients are wanted.
    """

    value: torch.Tensor
    axis: int
    how: str
    traced: Any = None


@dataclass(eq=False)  # compared as the objects that they are
class Candidate:
    """A softmax output, and what is known of it.

    Attributes
    ----------
    how
        How it was normalised: ``softmax``, or what stands for it.
    value
        The output, or None once it has been decided on.
    axis
        The normalised axis.
    place, number
        Where it was made, and when among all calls.
    from_product
        Whether its logits come from a product of two activations.
    masked
        What masking made of the output, or None.
    traced
        The output as autograd knows it, where gradients are wanted.
    """

    how: str
    value: torch.Tensor | None
    axis: int
    place: Place
    number: int
    from_product: bool
    masked: torch.Tensor | None = None
    traced: Any = None

    @property
    def mark(self) -> Mark:
        """What tensors bear that were made from it."""
        return Mark("map", self)

    def take(self, use: Use | None) -> FormedMap:
        """Return the map: with zeros where rows without any key are not numbers."""
        value, masked = self.value, self.masked
        assert value is not None
        if masked is not None and value.device.type != "meta" and bool(value.sum().isnan()):
            value = masked
        return FormedMap(value, self.key_axis(use), self.how, self.traced)

    def let_go(self) -> None:
        """Forget the output: it has been decided on."""
        self.value = self.masked = self.traced = None

    def shares_storage(self, tensor: torch.Tensor) -> bool:
        """Tell whether a tensor's numbers are the undecided output's own."""
        return self.value is not None and storage_address(self.value) == storage_address(tensor)

    def meets(self, use: Use) -> bool:
        """Tell whether a product contracts what was made from the output along the normalised axis."""
        if self.value is None or self.from_product:
            return True
        length = self.value.shape[self.axis]
        if length not in use.operand.shape:  # padded or cut since
            return True
        if self.shares_storage(use.operand) and length > 1:
            return length == use.length and use.operand.stride(use.axis) == self.value.stride(self.axis)
        return length == use.length

    def key_axis(self, use: Use | None) -> int:
        """Return the output's axis of keys: the contracted one.

        It is the normalised one unless the map is normalised over its queries, as in slot attention.
        """
        assert self.value is not None
        last = self.value.dim() - 1
        if use is None or self.axis == last or use.operand.is_nested or self.value.shape[last] != use.length:
            return self.axis
        if self.value.shape[self.axis] != use.length:
            return last
        same = self.shares_storage(use.operand) and use.operand.stride(use.axis) == self.value.stride(last)
        return last if same else self.axis


def is_normalised(use: Use, *, partly: bool) -> bool:
    """Tell by value whether an operand has no negative number and sums to one along the contracted axis.

    ``partly`` admits sums below one, as a softmax-plus-one has them.
    """
    operand, axis = use
    if not operand.is_floating_point() or operand.device.type == "meta" or use.length < 2:
        return False
    with reading(), torch.no_grad():
        operand = operand.detach()
        if not bool((operand.select(0, 0) >= 0).all()):  # most operands are told by their first part
            return False
        smallest, largest = torch.aminmax(operand.sum(axis, dtype=torch.float32))
        nowhere_negative = not bool((operand < 0).any())
        return nowhere_negative and float(largest) <= 1.01 and float(smallest) > (1e-6 if partly else 0.99)
