"""Maps that a model forms itself: softmax outputs, and what is normalised by hand, that meet an activation.

The rule: a non-negative operand, normalised along an axis, that is contracted with an activation along it.
What a softmax made is followed through dropout, masking, casts, slices, padding and mixing of heads until it
is an operand of a product with something that is no parameter, or multiplies sampled values.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

import torch

from visualizer.attention import reading
from visualizer.recorders import operators
from visualizer.recorders.candidates import Candidate
from visualizer.recorders.dispatcher import Following, Hook, Operation
from visualizer.recorders.graph import GRAPH
from visualizer.recorders.native import NativeAttention
from visualizer.recorders.pending import Pending
from visualizer.recorders.places import Place
from visualizer.recorders.provenance import (
    EXPONENTIAL,
    FEATURES,
    FIXED,
    LOGITS,
    MAP,
    NOISE,
    NOT_HANDED_ON,
    OUTER,
    PAIRED,
    Mark,
    Marks,
)
from visualizer.recorders.readable import is_symbolic
from visualizer.recorders.sampled import sampled_levels, sampled_mark
from visualizer.recorders.undivided import Undivided
from visualizer.recorders.uses import Use, both_uses, is_normalised
from visualizer.recorders.weighing import Weighing, are_scores, score_mark
from visualizer.recorders.writes import before_writing

UNDECIDED = 32
"""How many softmax outputs are kept until it is known whether they are maps."""
FEW = 256
"""No gate has more features than this."""
_OF_WEIGHTS = {MAP, EXPONENTIAL.kind}
BROADER = 64
"""How many times as large a result may be that still counts as made from an operand."""


class Surroundings(Protocol):
    """What the recorder asks of the installation."""

    @property
    def wants_gradients(self) -> bool:
        """Whether the graph should reach every map."""

    def is_parameter(self, tensor: Any) -> bool:
        """Tell whether a tensor is a parameter or a buffer of a model, or a view of one."""

    def place(self) -> Place:
        """Return where the running call was made."""

    def next_number(self) -> int:
        """Return the running call's number in the order of all calls."""

    def found_formed(self, candidate: Candidate, use: Use | None) -> None:
        """Take a candidate that has turned out to be a map, and the product that showed it."""

    def left_formed(self, candidate: Candidate) -> None:
        """Take a candidate that has turned out to be no map."""


class FormedMaps:
    """Recorder of the maps that a model forms itself."""

    def __init__(self, surroundings: Surroundings, native: NativeAttention) -> None:
        self._around = surroundings
        self._native = native
        self._marks = Marks()
        self._undecided: deque[Candidate] = deque()
        self._following: Following | None = None
        self._wide = False
        self._weighing: Pending[Weighing] = Pending()
        self._undivided: Pending[Undivided] = Pending()

    def install(self, following: Following) -> None:
        """Follow softmaxes and products; the rest only once there is something to follow."""
        self._following, self._wide = following, False
        for name in operators.overloads(("_softmax", "_masked_softmax")):
            following.follow(name, self._before(name), self._after_softmax)
        for name in operators.overloads(operators.PRODUCTS):
            following.follow(name, self._before(name), self._after_product)
        following.follow(operators.DISTANCE, after=self._after_distance)
        following.follow(operators.MULTIPLICATION, after=self._after_multiplication)
        following.follow(operators.SUM, after=self._after_sum)
        following.follow(operators.CAST, self._before_writing, self._after_copying)
        for name in operators.overloads(operators.REPARAMETRISING):
            following.follow(name, after=self._after_reparametrising)

    @property
    def undecided(self) -> list[Candidate]:
        """The softmax outputs that have met no activation so far."""
        return list(self._undecided)

    def forget(self) -> None:
        """Let go of everything."""
        self._marks.clear()
        self._undecided.clear()
        self._weighing, self._undivided = Pending(), Pending()

    def _widen(self) -> None:
        if self._wide or self._following is None:
            return
        self._wide = True
        follow = self._following.follow
        for name in operators.overloads(operators.MOVING):
            if name == operators.CAST:
                continue  # followed from the first: a weight may be cast before there is anything to follow
            follow(name, self._before(name), partial(self._after_moving, operators.base(name)))
        for name in operators.overloads(operators.CHANGING):
            if name == operators.MULTIPLICATION or name in operators.POWERS:
                continue  # followed from the first, or below
            before = self._before(name) if operators.base(name) not in operators.KEEPING else None
            follow(name, before, partial(self._after_changing, operators.base(name)))
        for name in operators.overloads(operators.OVERWRITING):
            follow(name, self._before(name), self._after_noise if "bernoulli" in name else None)
        for name in (*operators.overloads(operators.EXPONENTIALS), *operators.POWERS):
            follow(name, self._before(name), self._after_exponential)
        for name in operators.overloads(operators.SAMPLERS):
            follow(name, after=self._after_sampling)

    def _after_softmax(self, operation: Operation) -> None:
        result = operation.result
        if result.is_nested or not result.dim() or not result.is_floating_point():
            return  # of a nested tensor each part is seen by itself
        if is_symbolic(result):
            return
        if self._native.elsewhere:
            return
        given = operation.named()
        axis = given["dim"] if isinstance(given.get("dim"), int) else -1  # a masked softmax may leave it out
        of_logits = self._marks.of(given["self"]) | ({FIXED} if self._is_fixed(given["self"]) else set())
        if result.dim() == 1 and LOGITS not in of_logits:
            return  # shares, such as those of a model's layers
        if self._native.inside:
            candidate = self._add("softmax of torch's native attention", result, axis, {LOGITS})
            self._decide(candidate, None)
        else:
            self._reach(operation, given["self"])
            self._widen()
            self._add("softmax", result, axis, of_logits)

    def _reach(self, operation: Operation, *operands: torch.Tensor) -> None:
        """Have the graph reach what the model was given, and nothing that it owned before."""
        if not self._native.inside and not operators.writes(operation.operator.__name__):
            GRAPH.reach(operation.result, *operands)

    def _add(self, how: str, value: torch.Tensor, axis: int, of_logits: set[Mark]) -> Candidate:
        candidate = Candidate(
            how=how,
            value=value.detach(),
            axis=axis % value.dim(),
            place=self._around.place(),
            number=self._around.next_number(),
            from_product=LOGITS in of_logits,
            is_gate=FIXED in of_logits or Mark(FEATURES, width=value.shape[axis]) in of_logits,
            is_scored=are_scores(value, axis, of_logits),
        )
        if self._around.wants_gradients:
            candidate.traced = value
        if len(self._undecided) == UNDECIDED:
            oldest = self._undecided.popleft()
            self._around.left_formed(oldest)
            if not oldest.from_product:  # its storage bears a mark with it: each would keep the other alive
                oldest.let_go()
        self._undecided.append(candidate)
        self._marks.put(value, [candidate.mark])
        return candidate

    def _decide(self, candidate: Candidate, use: Use | None) -> None:
        if candidate.value is None:
            return
        self._around.found_formed(candidate, use)
        candidate.let_go()
        with suppress(ValueError):  # another thread may have let it go
            self._undecided.remove(candidate)

    def _after_product(self, operation: Operation) -> None:
        if is_symbolic(operation.result):
            return
        left, right = operators.factors(operation)
        of_left, of_right = self._marks.of(left), self._marks.of(right)
        fixed = self._is_fixed(left), self._is_fixed(right)
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

    def _after_division(self, product: torch.Tensor, divisor: Any) -> None:
        """Decide on exponentials whose product with values is divided by their sums."""
        undivided = self._undivided.of(self._marks.of(product))
        if undivided is None or not isinstance(divisor, torch.Tensor):
            return
        use = undivided.divided_by(divisor)
        if use is not None:
            self._undivided.end()
            by_hand = self._add("normalised by hand", use.operand, use.axis, {LOGITS})
            self._decide(by_hand, use)

    def _after_distance(self, operation: Operation) -> None:
        if not any(map(self._is_fixed, operation.args[:2])):
            self._widen()
            self._marks.put(operation.result, [LOGITS])

    def _replaced(self, left: torch.Tensor, right: torch.Tensor) -> bool:
        """Decide on a map in whose place another one is contracted, as where a hook returns its own."""
        mine = threading.get_ident()
        waiting = [one for one in self.undecided if one.from_product and one.place.thread == mine]
        for use in both_uses(left, right) if waiting else ():
            candidate = next((one for one in reversed(waiting) if one.is_replaced_by(use)), None)
            if candidate is not None and (is_normalised(use, partly=False) or self._awaits(candidate, use)):
                candidate.edits.replace()
                self._decide(candidate, use)
                return True
        return False

    def _awaits(self, candidate: Candidate, use: Use) -> bool:
        """Tell whether an operand stands for a map: its module made one last, of that form."""
        value, operand = candidate.value, use.operand
        assert value is not None
        return (
            self.undecided[-1:] == [candidate]
            and value.shape[-2:] == operand.shape[-2:]
            and use.is_nowhere_negative
            and self._around.place().module == candidate.place.module
        )

    def _mixed(self, operand: torch.Tensor, marks: set[Mark], result: torch.Tensor) -> None:
        """Hand marks on where a parameter mixes heads; a projection of the keys' axis ends a map."""
        for candidate in _candidates(marks):
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

    def _contracted(self, use: Use, marks: set[Mark]) -> bool:
        """Decide on the maps that an operand was made from, if it is contracted along a normalised axis."""
        if not marks:
            return False
        met = [candidate for candidate in _candidates(marks) if candidate.meets(use)]
        for candidate in met:
            candidate.edits.are_any &= len(met) == 1  # what is made of several shows each as it was
            self._decide(candidate, use)
        if not met and LOGITS in marks and is_normalised(use, partly=EXPONENTIAL in marks):
            by_hand = self._add("normalised by hand", use.operand, use.axis, {LOGITS})
            self._decide(by_hand, use)
            return True
        return bool(met)

    def _before(self, name: str) -> Hook | None:
        return self._before_writing if operators.writes(name) else None

    def _before_writing(self, operation: Operation) -> None:
        """Copy maps that are about to be written over."""
        for target in operators.written(operation.operator.__name__, operation.args, operation.kwargs):
            before_writing(target)
            marks = self._marks.of(target)
            if not marks:
                continue
            self._marks.drop(target, FIXED)
            for candidate in _candidates(marks):
                if operators.assigns(operation.operator.__name__):
                    candidate.edits.add()
                if candidate.value is not None and candidate.shares_storage(target):
                    with reading():
                        candidate.value = candidate.value.clone()
                    candidate.anchor()

    def _after_copying(self, operation: Operation) -> None:
        """Hand marks on. A cast is a copy; but so is the bias that a product begins with, in one dtype."""
        target, source = operation.args[:2]
        marks = self._marks_of_all(operation.args)
        if isinstance(source, torch.Tensor) and source.dtype != target.dtype:
            marks |= self._fixed_marks([source])
            if FIXED in marks and not source.is_floating_point():  # a quantised weight
                self._widen()
        if marks:
            self._hand_on(operators.CAST, operation.args, marks, target)

    def _after_moving(self, name: str, operation: Operation) -> None:
        marks = self._marks_of_all(operation.args) | self._fixed_marks(operation.args)
        if marks:
            for tensor in _tensors(operation.result):
                self._hand_on(name, operation.args, marks, tensor)

    def _hand_on(self, name: str, args: Any, marks: set[Mark], tensor: torch.Tensor) -> None:
        self._marks.put(tensor, marks)
        for candidate in _candidates(marks):
            candidate.edits.follow(_tensors(args), tensor)
            if name not in operators.COPYING and candidate.is_as_large_as(tensor):
                candidate.edits.add()

    def _after_reparametrising(self, operation: Operation) -> None:
        if marks := self._fixed_marks(operation.args):
            self._widen()
            self._marks.put(next(_tensors(operation.result)), marks)

    def _fixed_marks(self, args: Any) -> set[Mark]:
        """Return the mark of what is made from parameters alone; numbers do not count."""
        operands = [tensor for tensor in _tensors(args) if tensor.dim()]
        return {FIXED} if operands and all(map(self._is_fixed, operands)) else set()

    def _is_fixed(self, tensor: Any) -> bool:
        """Tell whether a tensor is a parameter, or was made from parameters alone without a layer."""
        return FIXED in self._marks.of(tensor) or self._around.is_parameter(tensor)

    def _after_changing(self, name: str, operation: Operation) -> None:
        result = next(_tensors(operation.result), None)
        if result is None:
            return
        if name not in operators.LAYERS and (fixed := self._fixed_marks(operation.args)):
            self._marks.put(result, fixed)
        if not self._marks_of_all(operation.args):
            return
        if name in {"mul", "mul_"}:
            self._after_multiplying(operation.args[0], operation.args[1], result)
        if name in {"div", "div_"}:
            self._after_division(*operation.args[:2])
        marks = self._handed_on(operation.args, result)
        self._marks.put(result, marks)
        drops = name == "native_dropout" or NOISE in self._marks_of_all(operation.args)
        for candidate in _candidates(marks):
            if name in operators.MIXING:
                candidate.mix()
            elif not drops:
                candidate.edits.add()
            candidate.edits.follow(_tensors(operation.args), result)
        if name in operators.KEEPING and not result.is_nested:
            for candidate in _candidates(self._marks.of(result)):
                if candidate.value is not None and candidate.value.shape == result.shape:
                    candidate.masked = result.detach()

    def _handed_on(self, args: Any, result: torch.Tensor) -> set[Mark]:
        handed: set[Mark] = set()
        for operand in _tensors(args):
            marks = self._marks.of(operand) - NOT_HANDED_ON
            if operand.numel() == result.numel():
                handed |= marks
            elif result.numel() <= BROADER * operand.numel():
                handed |= {mark for mark in marks if mark.kind != MAP}
        return handed

    def _after_multiplication(self, operation: Operation) -> None:
        self._weighing.end()
        if self._wide:
            self._after_changing("mul", operation)
        left, right = operation.args
        size = operation.result.numel()
        if not all(isinstance(one, torch.Tensor) and one.numel() > 1 for one in (left, right)):
            return
        if left.shape == right.shape or self._is_fixed(left) or self._is_fixed(right):
            return
        if any(mark.kind in _OF_WEIGHTS for mark in self._marks_of_all((left, right))):
            return  # weights times values
        if left.numel() < size and right.numel() < size:
            self._marks.put(operation.result, [OUTER])
        elif left.shape[-1] == right.shape[-1] > 1:
            self._marks.put(operation.result, [PAIRED])

    def _after_sum(self, operation: Operation) -> None:
        summed, axes = operation.args[:2]
        self._after_weighing(summed, axes)
        marks = self._marks.of(summed)
        along_features = PAIRED in marks and list(axes or ()) in ([-1], [summed.dim() - 1])
        if OUTER in marks or along_features:
            self._widen()
            self._marks.put(operation.result, [LOGITS])

    def _after_multiplying(self, left: Any, right: Any, result: torch.Tensor) -> None:
        """Take weights that multiply sampled values, or that multiply values without a matrix product."""
        if not isinstance(left, torch.Tensor) or not isinstance(right, torch.Tensor):
            return
        for weights, values in ((left, right), (right, left)):
            for candidate in _candidates(self._marks.of(weights)):
                if candidate.value is None:
                    continue
                if levels := sampled_levels(self._marks.of(values)):
                    candidate.how, candidate.levels = "softmax of deformable attention", levels
                    self._decide(candidate, None)
                elif self._are_weighed(candidate, weights, values, result):
                    self._decide(candidate, None)
                elif candidate.is_scored and not self._is_fixed(values):
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
        for candidate in _candidates(self._marks.of(weighing.weights)):
            if use is not None and candidate.is_scored and candidate.meets(use):
                self._decide(candidate, use)

    def _weighed_by_hand(self, weights: torch.Tensor, values: torch.Tensor) -> None:
        """Take weights that were normalised by hand along an axis that they share with values."""
        if _candidates(self._marks.of(weights)) or weights.dim() != values.dim():
            return
        shared = [axis for axis in range(weights.dim()) if weights.shape[axis] == values.shape[axis] > 1]
        for partly in (False, True):
            for axis in reversed(shared):
                if is_normalised(Use(weights, axis, values), partly=partly):
                    flat = weights.squeeze(-1)
                    self._decide(self._add("normalised by hand", flat, axis, {LOGITS}), None)
                    return

    def _are_weighed(self, candidate: Candidate, weights: Any, values: Any, result: Any) -> bool:
        """Tell whether weights from a product are spread over the features of an activation."""
        assert candidate.value is not None
        return (
            candidate.from_product
            and result.numel() > weights.numel()
            and values.numel() > candidate.value.shape[candidate.axis]
            and not self._is_fixed(values)
            and not any(mark.kind != FEATURES for mark in self._marks.of(values))
        )

    def _after_exponential(self, operation: Operation) -> None:
        marks = self._marks_of_all(operation.args)
        if LOGITS in marks:
            self._marks.put(operation.result, [*marks, EXPONENTIAL])

    def _after_noise(self, operation: Operation) -> None:
        self._marks.put(operation.result, [NOISE])

    def _after_sampling(self, operation: Operation) -> None:
        self._marks.put(operation.result, [sampled_mark(operation, self._around.next_number())])

    def _marks_of_all(self, args: Any) -> set[Mark]:
        return set().union(*(self._marks.of(tensor) for tensor in _tensors(args))) - NOT_HANDED_ON


def _candidates(marks: set[Mark]) -> list[Candidate]:
    found: list[Candidate] = [mark.source for mark in marks if mark.kind == MAP]
    return sorted(found, key=lambda candidate: candidate.number)


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


def _tensors(values: Any) -> Iterator[torch.Tensor]:
    if isinstance(values, torch.Tensor):
        yield values
    elif isinstance(values, tuple | list):
        for value in values:
            yield from _tensors(value)
