"""Candidates: what a softmax made, until it is known whether it is an attention map."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch

from visualizer.attention import SampledLevel, reading
from visualizer.recorders.anchors import anchored
from visualizer.recorders.edits import Edits, as_taken
from visualizer.recorders.layouts import keys_of, order_of
from visualizer.recorders.places import Place
from visualizer.recorders.provenance import MAP, Mark, storage_address
from visualizer.recorders.readable import is_readable
from visualizer.recorders.uses import Use

STREAMS = 64
"""No model mixes more streams than this."""
PLACE = 3
"""No place has more coordinates than this."""
SINKHORN = 0.02
"""How near to one the sums of a matrix are that Sinkhorn's iterations have made."""


class FormedMap(NamedTuple):
    """A map that a model formed itself.

    Attributes
    ----------
    value
        Its numbers, as the model has them.
    order
        Its axes in the order (..., query, key).
    how
        How it was normalised.
    traced
        The same tensor as autograd knows it, or where it was in the graph, where gradients are wanted.
    levels
        Where the values were read, for deformable attention.
    has_queries
        Whether its logits are products of queries and keys, and not scores of tokens alone.
    keys
        The keys that have values: others are sinks.
    values
        What the product multiplies with it, (..., key, width), where it was seen.
    padded
        Which queries (batch, query) are padding, None where none are known to be.
    """

    value: torch.Tensor
    order: tuple[int, ...]
    how: str
    traced: Any = None
    levels: tuple[SampledLevel, ...] = ()
    has_queries: bool = True
    keys: slice = slice(None)
    values: torch.Tensor | None = None
    padded: torch.Tensor | None = None


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
    is_gate
        Whether its logits are features that a layer made: shares of experts, classes, levels.
    is_scored
        Whether its logits are scores of tokens, one for each head.
    masked
        What masking made of the output, or None.
    traced
        The output as autograd knows it, where gradients are wanted; where it was, once it is written into.
    levels
        Where the values were read, for deformable attention.
    padded
        Which queries (batch, query) are padding, None where none are known to be.
    edits
        What became of it since.
    """

    how: str
    value: torch.Tensor | None
    axis: int
    place: Place
    number: int
    from_product: bool
    is_gate: bool = False
    is_scored: bool = False
    masked: torch.Tensor | None = None
    traced: Any = None
    levels: tuple[SampledLevel, ...] = ()
    padded: torch.Tensor | None = None
    edits: Edits = field(init=False)

    def __post_init__(self) -> None:
        assert self.value is not None
        self.edits = Edits(self.value)

    @property
    def mark(self) -> Mark:
        """What tensors bear that were made from it."""
        return Mark(MAP, self)

    def take(self, use: Use | None) -> FormedMap:
        """Return the map: as the product takes it if it was edited, else as the softmax made it.

        Where its rows without any key are not numbers, it is what masking made of it.
        """
        value, masked = self.value, self.masked
        assert value is not None
        if masked is not None and is_readable(value) and bool(value.sum().isnan()):
            value = masked
        order = order_of(value, self.axis, use, self.edits.latest)
        if use is not None and self.edits.are_any and self.traced is None:
            undropped = use._replace(operand=self.edits.before_dropout(use.operand))
            taken = as_taken(undropped, value.permute(order).shape)
            if taken is not None:
                value, order = taken, tuple(range(taken.dim()))
        keys = keys_of(value.permute(order), use)
        values = use.values_by_key if use is not None else None
        padded = self.padded if order == tuple(range(value.dim())) and keys == slice(None) else None
        return FormedMap(
            value, order, self.how, self.traced, self.levels, self.from_product, keys, values, padded
        )

    def anchor(self) -> None:
        """Remember where the output is in the graph now, before it is written into."""
        self.traced = anchored(self.traced)

    def let_go(self) -> None:
        """Forget the output: it has been decided on."""
        self.value = self.masked = self.traced = None
        self.edits.let_go()

    def shares_storage(self, tensor: torch.Tensor) -> bool:
        """Tell whether a tensor's numbers are the undecided output's own."""
        return self.value is not None and storage_address(self.value) == storage_address(tensor)

    def is_as_large_as(self, tensor: torch.Tensor) -> bool:
        """Tell whether a tensor has as many numbers as the undecided output."""
        return self.value is not None and not tensor.is_nested and self.value.numel() == tensor.numel()

    def is_replaced_by(self, use: Use) -> bool:
        """Tell whether an operand has the form of the undecided output."""
        value = self.value
        return (
            value is not None
            and value.numel() == use.operand.numel()
            and value.shape[self.axis] == use.length
        )

    def mix(self) -> None:
        """Take note that heads are mixed now: the map is what it was before that."""
        edited = self.edits.mix()
        if self.value is not None and edited is not None:
            self.value = edited

    def meets(self, use: Use) -> bool:
        """Tell whether a product contracts what was made from the output along the normalised axis."""
        value = self.value
        if value is None or self.from_product:
            return True
        if self._mixes_streams(use):
            return False
        if (
            use.width <= PLACE
            or (use.rows < 2 and self.is_gate)
            or (use.has_shared_values and value.dim() > 2)
        ):
            return False  # a mean of numbers or of places, a mixture, a mean of a table's rows
        length = value.shape[self.axis]
        if self.shares_storage(use.operand) and length > 1 < use.length:
            return use.operand.stride(use.axis) == value.stride(self.axis)
        return length == use.length or length not in use.operand.shape  # padded or cut since

    def _mixes_streams(self, use: Use) -> bool:
        """Tell whether what was made from the output is a mixture of few streams: both axes sum to one."""
        operand = use.operand
        if (
            operand.is_nested
            or not is_readable(operand)
            or operand.dim() < 2
            or not 1 < use.length <= STREAMS
        ):
            return False
        if operand.shape[-1] != operand.shape[-2]:
            return False
        with reading(), torch.no_grad():
            sums = torch.stack([operand.sum(-1, dtype=torch.float32), operand.sum(-2, dtype=torch.float32)])
            return bool(((sums - 1).abs() < SINKHORN).all())
