"""What is known of operands, handed on to the results of operators that move, change or copy them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from visualizer.attention import reading
from visualizer.recorders import operators
from visualizer.recorders.dispatcher import Hook, Operation
from visualizer.recorders.origins import Origins, candidates_of, tensors_in
from visualizer.recorders.provenance import EXPONENTIAL, FIXED, LOGITS, MAP, NOISE, NOT_HANDED_ON, Mark
from visualizer.recorders.sampled import sampled_mark
from visualizer.recorders.writes import alias, before_writing

BROADER = 64
"""How many times as large a result may be that still counts as made from an operand."""


class HandingOn:
    """The hooks that hand marks on.

    Parameters
    ----------
    origins
        What is known of tensors.
    next_number
        Returns the running call's number in the order of all calls.
    meetings
        By operator, what takes a change of marked operands that may decide on candidates.
    widen
        Has everything followed, as there is something to follow.
    """

    def __init__(
        self,
        origins: Origins,
        next_number: Callable[[], int],
        meetings: Mapping[str, Hook],
        widen: Callable[[], None],
    ) -> None:
        self._origins, self._marks = origins, origins.marks
        self._next_number = next_number
        self._meetings = meetings
        self._widen = widen

    def before_writing(self, operation: Operation) -> None:
        """Copy maps that are about to be written over."""
        for target in operators.written(operation.operator.__name__, operation.args, operation.kwargs):
            before_writing(target)
            marks = self._marks.of(target)
            if not marks:
                continue
            self._marks.drop(target, FIXED)
            for candidate in candidates_of(marks):
                if operators.assigns(operation.operator.__name__):
                    candidate.edits.add()
                if candidate.value is not None and candidate.shares_storage(target):
                    with reading():
                        candidate.value = candidate.value.clone()
                    candidate.anchor()

    def after_copying(self, operation: Operation) -> None:
        """Hand marks on. A cast is a copy; but so is the bias that a product begins with, in one dtype."""
        target, source = operation.args[:2]
        marks = self._origins.of_all(operation.args)
        if isinstance(source, torch.Tensor) and source.dtype != target.dtype:
            marks |= self._origins.fixed_marks([source])
            if FIXED in marks and not source.is_floating_point():  # a quantised weight
                self._widen()
        if marks:
            self._hand_on(operators.CAST, operation.args, marks, target)

    def after_moving(self, name: str, operation: Operation) -> None:
        """Hand marks on to the same numbers in other places."""
        marks = self._origins.of_all(operation.args) | self._origins.fixed_marks(operation.args)
        if marks:
            for tensor in tensors_in(operation.result):
                self._hand_on(name, operation.args, marks, tensor)

    def _hand_on(self, name: str, args: Any, marks: set[Mark], tensor: torch.Tensor) -> None:
        self._marks.put(tensor, marks)
        for candidate in candidates_of(marks):
            candidate.edits.follow(tensors_in(args), tensor)
            moved = name not in operators.COPYING and candidate.is_as_large_as(tensor)
            if moved or name in operators.SCATTERING:
                candidate.edits.add()

    def after_reparametrising(self, operation: Operation) -> None:
        """Mark what a layer makes of its weights."""
        if marks := self._origins.fixed_marks(operation.args):
            self._widen()
            self._marks.put(next(tensors_in(operation.result)), marks)

    def after_changing(self, name: str, operation: Operation) -> None:
        """Hand marks on to other numbers in the same places, once what weights meet is decided."""
        result = next(tensors_in(operation.result), None)
        if result is None:
            return
        if name not in operators.LAYERS and (fixed := self._origins.fixed_marks(operation.args)):
            self._marks.put(result, fixed)
        if not self._origins.of_all(operation.args):
            return
        if name in self._meetings:
            self._meetings[name](operation)
        marks = self._handed_on(operation.args, result)
        self._marks.put(result, marks)
        drops = name == "native_dropout" or NOISE in self._origins.of_all(operation.args)
        for candidate in candidates_of(marks):
            if name in operators.MIXING:
                candidate.mix()
            elif drops:
                bearing = (one for one in tensors_in(operation.args) if candidate.mark in self._marks.of(one))
                candidate.edits.drop(bearing, result)
            else:
                candidate.edits.add()
            candidate.edits.follow(tensors_in(operation.args), result)
        if name in operators.KEEPING and not result.is_nested:
            for candidate in candidates_of(self._marks.of(result)):
                if candidate.value is not None and candidate.value.shape == result.shape:
                    candidate.masked = alias(result)

    def _handed_on(self, args: Any, result: torch.Tensor) -> set[Mark]:
        handed: set[Mark] = set()
        for operand in tensors_in(args):
            marks = self._marks.of(operand) - NOT_HANDED_ON
            if operand.numel() == result.numel():
                handed |= marks
            elif result.numel() <= BROADER * operand.numel():
                handed |= {mark for mark in marks if mark.kind != MAP}
        return handed

    def after_exponential(self, operation: Operation) -> None:
        """Mark the exponentials of logits."""
        marks = self._origins.of_all(operation.args)
        if LOGITS in marks:
            self._marks.put(operation.result, [*marks, EXPONENTIAL])

    def after_noise(self, operation: Operation) -> None:
        """Mark what is drawn at random."""
        self._marks.put(operation.result, [NOISE])

    def after_sampling(self, operation: Operation) -> None:
        """Mark what is read from a feature map."""
        self._marks.put(operation.result, [sampled_mark(operation, self._next_number())])
