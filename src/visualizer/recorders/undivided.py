"""Exponentials that meet values first, and are divided by their sums after the product."""

from __future__ import annotations

import torch

from visualizer.attention import reading
from visualizer.recorders.readable import is_readable
from visualizer.recorders.uses import Use

_NEAR = 1e-2
"""How near a divisor is to the sums, relative to them: halves round, and some add a small number."""


class Undivided:
    """A product whose rows may be divided by the sums of what it contracts.

    Parameters
    ----------
    use
        The exponentials, and the values that they meet.
    """

    def __init__(self, use: Use) -> None:
        self._use = use

    def divided_by(self, divisor: torch.Tensor) -> Use | None:
        """Return the use of the map that a division makes of it, or None where it divides by others."""
        operand, axis, values = self._use
        if divisor.numel() * self._use.length != operand.numel() or not is_readable(divisor):
            return None
        with reading(), torch.no_grad():
            sums = operand.detach().sum(axis, keepdim=True, dtype=torch.float32)
            # in any order: the product may have had its axes in another one
            both = torch.stack([sums.flatten(), divisor.detach().float().flatten()]).sort(-1).values
            if not self._use.is_nowhere_negative or not torch.allclose(both[0], both[1], rtol=_NEAR, atol=0):
                return None
            return Use((operand.detach() / sums).to(operand.dtype), axis, values)
