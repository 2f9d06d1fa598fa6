"""Products of matrices: what they contract shows maps, and what they make may be logits."""

from __future__ import annotations

import threading
from collections.abc import Callable

import torch

from visualizer.recorders import operators
from visualizer.recorders.candidates import Candidate
from visualizer.recorders.dispatcher import Operation
from visualizer.recorders.origins import Origins, candidates_of
from visualizer.recorders.pending import Pending
from visualizer.recorders.provenance import EXPONENTIAL, FEATURES, LOGITS, MAP, NOT_HANDED_ON, Mark
from visualizer.recorders.readable import is_symbolic
from visualizer.recorders.undecided import Surroundings, Undecided
from visualizer.recorders.undivided import Undivided
from visualizer.recorders.uses import Use, both_uses, is_normalised
from visualizer.recorders.weighing import score_mark

FEW = 256
"""No gate has more features than this."""


class Products:
    """The hooks of products, and of what stands for one.

    Parameters
    ----------
    surroundings
        What is asked of the installation.
    origins, undecided
        What is known of tensors, and the candidates that products decide on.
    reach
        Has the graph reach the result of an operation on some tensors.
    widen
        Has everything followed, as there is something to follow.
    """

    def __init__(
        self,
        surroundings: Surroundings,
        origins: Origins,
        undecided: Undecided,
        reach: Callable[..., None],
        widen: Callable[[], None],
    ) -> None:
        self._around = surroundings
        self._origins, self._marks = origins, origins.marks
        self._undecided = undecided
        self._reach, self._widen = reach, widen
        self._undivided: Pending[Undivided] = Pending()

    def forget(self) -> None:
        """Wait for no division."""
        self._undivided = Pending()

    def after_product(self, operation: Operation) -> None:
        """Decide on what a product contracts, or else mark what it makes."""
        if is_symbolic(operation.result):
            return
        left, right = operators.factors(operation)
        of_left, of_right = self._marks.of(left), self._marks.of(right)
        fixed = self._origins.is_fixed(left), self._origins.is_fixed(right)
        if all(fixed):
            return
        if any(fixed):
            mixed = (left, of_left) if fixed[1] else (_turned(right), of_right)
            self._mixed(*mixed, operation.result)
            self._after_layer(right if fixed[1] else _turned(left), operation.result)
            return
        of_rows, of_columns = both_uses(left, right)
        used_left, used_right = self._contracted(of_rows, of_left), self._contracted(of_columns, of_right)
        if used_left or used_right or self._replaced(left, right):
            return
        self._reach(operation, left, right)  # what is normalised by hand is known as such too late
        self._widen()
        self._marks.put(operation.result, [LOGITS])
        self._undivided.end()
        for use, marks in ((of_rows, of_left), (of_columns, of_right)):
            if {LOGITS, EXPONENTIAL} <= marks and not self._around.wants_gradients:
                self._marks.put(operation.result, [self._undivided.begin(Undivided(use))])

    def _contracted(self, use: Use, marks: set[Mark]) -> bool:
        """Decide on the maps that an operand was made from, if it is contracted along a normalised axis."""
        if not marks:
            return False
        met = [candidate for candidate in candidates_of(marks) if candidate.meets(use)]
        for candidate in met:
            candidate.edits.are_any &= len(met) == 1  # what is made of several shows each as it was
            self._undecided.decide(candidate, use)
        if not met and LOGITS in marks and is_normalised(use, partly=EXPONENTIAL in marks):
            self._undecided.decide_by_hand(use.operand, use.axis, use)
            return True
        return bool(met)

    def _replaced(self, left: torch.Tensor, right: torch.Tensor) -> bool:
        """Decide on a map in whose place another one is contracted, as where a hook returns its own."""
        mine = threading.get_ident()
        waiting = [one for one in self._undecided.waiting if one.from_product and one.place.thread == mine]
        for use in both_uses(left, right) if waiting else ():
            candidate = next((one for one in reversed(waiting) if one.is_replaced_by(use)), None)
            if candidate is not None and (is_normalised(use, partly=False) or self._awaits(candidate, use)):
                candidate.edits.replace()
                self._undecided.decide(candidate, use)
                return True
        return False

    def _awaits(self, candidate: Candidate, use: Use) -> bool:
        """Tell whether an operand stands for a map: its module made one last, of that form."""
        value, operand = candidate.value, use.operand
        assert value is not None
        return (
            self._undecided.waiting[-1:] == [candidate]
            and value.shape[-2:] == operand.shape[-2:]
            and use.is_nowhere_negative
            and self._around.place().module == candidate.place.module
        )

    def _mixed(self, operand: torch.Tensor, marks: set[Mark], result: torch.Tensor) -> None:
        """Hand marks on where a parameter mixes heads; a projection of the keys' axis ends a map."""
        for candidate in candidates_of(marks):
            candidate.mix()
        if marks and result.numel() == operand.numel():
            kept = marks - NOT_HANDED_ON
            self._marks.put(result, [mark for mark in kept if not _is_projected(mark, operand)])

    def _after_layer(self, weight: torch.Tensor, result: torch.Tensor) -> None:
        """Mark features that are few enough for a gate's."""
        width = weight.shape[-1] if weight.dim() > 1 else 1
        if 1 < width <= FEW:
            self._widen()
            self._marks.put(result, [Mark(FEATURES, width=width)])
        self._marks.put(result, score_mark(result, width))

    def after_division(self, operation: Operation) -> None:
        """Decide on exponentials whose product with values is divided by their sums."""
        product, divisor = operation.args[:2]
        undivided = self._undivided.of(self._marks.of(product))
        if undivided is None or not isinstance(divisor, torch.Tensor):
            return
        use = undivided.divided_by(divisor)
        if use is not None:
            self._undivided.end()
            self._undecided.decide_by_hand(use.operand, use.axis, use)

    def after_distance(self, operation: Operation) -> None:
        """Mark the distances of two activations as their products are."""
        if not any(map(self._origins.is_fixed, operation.args[:2])):
            self._widen()
            self._marks.put(operation.result, [LOGITS])


def _turned(operand: torch.Tensor) -> torch.Tensor:
    return operand.mT if operand.dim() > 1 else operand


def _is_projected(mark: Mark, operand: torch.Tensor) -> bool:
    if mark.kind != MAP:
        return False
    value, length = mark.source.value, operand.shape[-1]
    return value is None or (
        length == value.shape[mark.source.axis]
        and is_normalised(Use(operand, operand.dim() - 1, operand), partly=True)
    )
