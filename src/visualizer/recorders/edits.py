"""What became of a softmax output on its way to the product: whether the product takes it as it was made."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch

from visualizer.recorders.provenance import storage_address
from visualizer.recorders.readable import is_readable
from visualizer.recorders.uses import Use
from visualizer.recorders.writes import alias


class Edits:
    """What a model, or a hook in it, has done to a softmax output.

    Parameters
    ----------
    value
        The output.

    Attributes
    ----------
    latest
        What the output has become, in its own layout, as far as operators lead from one to the next. It
        shares its storage with the model's tensor, so it shows what is written into that.
    are_any
        Whether numbers were changed, by more than dropout, while they were a map.
    """

    def __init__(self, value: torch.Tensor) -> None:
        self.latest: torch.Tensor | None = value
        self.are_any = False
        self._mixed = False
        self._dropped: tuple[torch.Tensor, torch.Tensor] | None = None  # before and after dropout

    def follow(self, operands: Iterable[torch.Tensor], result: torch.Tensor) -> None:
        """Go on from an operand to the result, if it is the latest that is the operand."""
        if any(self._is_latest(operand) for operand in operands) and self._is_alike(result):
            self.latest = alias(result)

    def add(self) -> None:
        """Count an edit; what has been mixed is no map any more."""
        self.are_any |= not self._mixed
        self._dropped = None

    def drop(self, operands: Iterable[torch.Tensor], result: torch.Tensor) -> None:
        """Remember what dropout was given of an edited map."""
        alike = [operand for operand in operands if operand.shape == result.shape]
        if self.are_any and alike:
            self._dropped = alike[0].detach(), result.detach()

    def before_dropout(self, operand: torch.Tensor) -> torch.Tensor:
        """Return what a product's operand was before dropout, where it is a view of what dropout gave."""
        if self._dropped is None:
            return operand
        before, after = self._dropped
        if storage_address(after) != storage_address(operand) or before.stride() != after.stride():
            return operand
        moved = before.storage_offset() - after.storage_offset()
        return before.as_strided(operand.shape, operand.stride(), operand.storage_offset() + moved)

    def let_go(self) -> None:
        """Forget the tensors."""
        self.latest = self._dropped = None

    def mix(self) -> torch.Tensor | None:
        """Take note that heads are mixed now, and return the edited map before that, if it was edited."""
        edited, self.are_any, self._mixed = self.are_any, False, True
        return self.latest if edited else None

    def replace(self) -> None:
        """Take note that something else has taken the output's place."""
        self.latest, self.are_any = None, True

    def _is_alike(self, tensor: torch.Tensor) -> bool:
        return self.latest is not None and not tensor.is_nested and tensor.shape == self.latest.shape

    def _is_latest(self, tensor: torch.Tensor) -> bool:
        if self.latest is None or not self._is_alike(tensor) or tensor.stride() != self.latest.stride():
            return False
        return storage_address(tensor) == storage_address(self.latest)


def as_taken(use: Use, shape: torch.Size) -> torch.Tensor | None:
    """Return a product's operand as a map (..., query, key), or None where it cannot be one.

    Parameters
    ----------
    use
        The product's use of it.
    shape
        The map's shape as the softmax made it: there may have been more keys.
    """
    if use.operand.is_nested or not is_readable(use.operand):
        return None
    taken = (*shape[:-1], use.length)
    if use.operand.numel() != math.prod(taken):
        return None
    return use.operand.detach().movedim(use.axis, -1).reshape(taken)
