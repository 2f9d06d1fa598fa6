"""Multiplications: weights that meet values without a product of matrices, and products written out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from visualizer.recorders.candidates import Candidate
from visualizer.recorders.dispatcher import Operation
from visualizer.recorders.origins import Origins, candidates_of
from visualizer.recorders.pending import Pending
from visualizer.recorders.provenance import EXPONENTIAL, FEATURES, LOGITS, MAP, OUTER, PAIRED
from visualizer.recorders.sampled import sampled_levels
from visualizer.recorders.undecided import Undecided
from visualizer.recorders.uses import Use, is_normalised
from visualizer.recorders.weighing import Weighing

_OF_WEIGHTS = {MAP, EXPONENTIAL.kind}


class Multiplications:
    """The hooks of multiplications, and of the sums that end them.

    Parameters
    ----------
    origins, undecided
        What is known of tensors, and the candidates that multiplications decide on.
    widen
        Has everything followed, as there is something to follow.
    """

    def __init__(self, origins: Origins, undecided: Undecided, widen: Callable[[], None]) -> None:
        self._origins, self._marks = origins, origins.marks
        self._undecided = undecided
        self._widen = widen
        self._weighing: Pending[Weighing] = Pending()

    def forget(self) -> None:
        """Wait for no sum."""
        self._weighing = Pending()

    def begin(self) -> None:
        """Wait no more for the sum of the multiplication before."""
        self._weighing.end()

    def after_multiplication(self, operation: Operation) -> None:
        """Mark what is a product of two activations once it is summed."""
        left, right = operation.args
        size = operation.result.numel()
        if not all(isinstance(one, torch.Tensor) and one.numel() > 1 for one in (left, right)):
            return
        if left.shape == right.shape or self._origins.is_fixed(left) or self._origins.is_fixed(right):
            return
        if any(mark.kind in _OF_WEIGHTS for mark in self._origins.of_all((left, right))):
            return  # weights times values
        if left.numel() < size and right.numel() < size:
            self._marks.put(operation.result, [OUTER])
        elif left.shape[-1] == right.shape[-1] > 1:
            self._marks.put(operation.result, [PAIRED])

    def after_sum(self, operation: Operation) -> None:
        """Take the sum that ends a product, of weights and values or of two activations."""
        summed, axes = operation.args[:2]
        self._after_weighing(summed, axes)
        marks = self._marks.of(summed)
        along_features = PAIRED in marks and list(axes or ()) in ([-1], [summed.dim() - 1])
        if OUTER in marks or along_features:
            self._widen()
            self._marks.put(operation.result, [LOGITS])

    def after_meeting(self, operation: Operation) -> None:
        """Take weights that multiply sampled values, or that multiply values without a matrix product."""
        (left, right), result = operation.args[:2], operation.result
        if not isinstance(left, torch.Tensor) or not isinstance(right, torch.Tensor):
            return
        for weights, values in ((left, right), (right, left)):
            for candidate in candidates_of(self._marks.of(weights)):
                if candidate.value is None:
                    continue
                if levels := sampled_levels(self._marks.of(values)):
                    candidate.how, candidate.levels = "softmax of deformable attention", levels
                    self._undecided.decide(candidate, None)
                elif self._are_weighed(candidate, weights, values, result):
                    self._undecided.decide(candidate, None)
                elif candidate.is_scored and not self._origins.is_fixed(values):
                    self._marks.put(result, [self._weighing.begin(Weighing(weights, values, result))])
            if {LOGITS, EXPONENTIAL} <= self._marks.of(weights) and result.numel() > weights.numel():
                self._weighed_by_hand(weights, values)

    def _after_weighing(self, summed: torch.Tensor, axes: Any = None) -> None:
        """Decide on weights of scored tokens once the sum shows along which axis they are contracted."""
        weighing = self._weighing.of(self._marks.of(summed))
        if weighing is None or not weighing.is_of(summed):
            return
        self._weighing.end()
        use = weighing.use(axes)
        for candidate in candidates_of(self._marks.of(weighing.weights)):
            if use is not None and candidate.is_scored and candidate.meets(use):
                self._undecided.decide(candidate, use)

    def _weighed_by_hand(self, weights: torch.Tensor, values: torch.Tensor) -> None:
        """Take weights that were normalised by hand along an axis that they share with values."""
        if candidates_of(self._marks.of(weights)) or weights.dim() != values.dim():
            return
        shared = [axis for axis in range(weights.dim()) if weights.shape[axis] == values.shape[axis] > 1]
        for partly in (False, True):
            for axis in reversed(shared):
                if is_normalised(Use(weights, axis, values), partly=partly):
                    self._undecided.decide_by_hand(weights.squeeze(-1), axis, None)
                    return

    def _are_weighed(self, candidate: Candidate, weights: Any, values: Any, result: Any) -> bool:
        """Tell whether weights from a product are spread over the features of an activation."""
        assert candidate.value is not None
        return (
            candidate.from_product
            and result.numel() > weights.numel()
            and values.numel() > candidate.value.shape[candidate.axis]
            and not self._origins.is_fixed(values)
            and not any(mark.kind != FEATURES for mark in self._marks.of(values))
        )
