"""What is known of an operator's operands: their marks, and whether parameters alone made them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch

from visualizer.recorders.candidates import Candidate
from visualizer.recorders.provenance import FIXED, MAP, NOT_HANDED_ON, Mark, Marks


class Origins:
    """The marks of tensors, and what follows from them.

    Parameters
    ----------
    is_parameter
        Tells whether a tensor is a parameter or a buffer of a model, or a view of one.
    """

    def __init__(self, is_parameter: Callable[[Any], bool]) -> None:
        self.marks = Marks()
        self._is_parameter = is_parameter

    def of_all(self, args: Any) -> set[Mark]:
        """Return what operands hand on to what is made from them."""
        return set().union(*(self.marks.of(tensor) for tensor in tensors_in(args))) - NOT_HANDED_ON

    def fixed_marks(self, args: Any) -> set[Mark]:
        """Return the mark of what is made from parameters alone; numbers do not count."""
        operands = [tensor for tensor in tensors_in(args) if tensor.dim()]
        return {FIXED} if operands and all(map(self.is_fixed, operands)) else set()

    def is_fixed(self, tensor: Any) -> bool:
        """Tell whether a tensor is a parameter, or was made from parameters alone without a layer."""
        return FIXED in self.marks.of(tensor) or self._is_parameter(tensor)


def candidates_of(marks: set[Mark]) -> list[Candidate]:
    """Return what marks say that a tensor was made from, in the order of making."""
    found: list[Candidate] = [mark.source for mark in marks if mark.kind == MAP]
    return sorted(found, key=lambda candidate: candidate.number)


def tensors_in(values: Any) -> Iterator[torch.Tensor]:
    """Yield the tensors among arguments, and those in their lists."""
    if isinstance(values, torch.Tensor):
        yield values
    elif isinstance(values, tuple | list):
        for value in values:
            yield from tensors_in(value)
