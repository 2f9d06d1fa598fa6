"""Maps that a model forms itself: softmax outputs, and what is normalised by hand, that meet an activation.

The rule: a non-negative operand, normalised along an axis, that is contracted with an activation along it.
What a softmax made is followed through dropout, masking, casts, slices, padding and mixing of heads until it
is an operand of a product with something that is no parameter, or multiplies sampled values.
"""

from __future__ import annotations

from functools import partial

import torch

from visualizer.recorders import operators
from visualizer.recorders.candidates import Candidate
from visualizer.recorders.dispatcher import Following, Hook, Operation
from visualizer.recorders.graph import GRAPH
from visualizer.recorders.handing_on import HandingOn
from visualizer.recorders.multiplications import Multiplications
from visualizer.recorders.native import NativeAttention
from visualizer.recorders.origins import Origins
from visualizer.recorders.padding import padded_queries
from visualizer.recorders.products import Products
from visualizer.recorders.provenance import FIXED, LOGITS
from visualizer.recorders.readable import is_symbolic
from visualizer.recorders.undecided import Surroundings, Undecided


class FormedMaps:
    """Recorder of the maps that a model forms itself."""

    def __init__(self, surroundings: Surroundings, native: NativeAttention) -> None:
        self._native = native
        self._origins = Origins(surroundings.is_parameter)
        self._undecided = Undecided(surroundings, self._origins.marks)
        self._products = Products(surroundings, self._origins, self._undecided, self._reach, self._widen)
        self._multiplications = Multiplications(self._origins, self._undecided, self._widen)
        multiplied, divided = self._multiplications.after_meeting, self._products.after_division
        meetings = {"mul": multiplied, "mul_": multiplied, "div": divided, "div_": divided}
        self._handing = HandingOn(self._origins, surroundings.next_number, meetings, self._widen)
        self._following: Following | None = None
        self._wide = False

    def install(self, following: Following) -> None:
        """Follow softmaxes and products; the rest only once there is something to follow."""
        self._following, self._wide = following, False
        for name in operators.overloads(("_softmax", "_masked_softmax")):
            following.follow(name, self._before(name), self._after_softmax)
        for name in operators.overloads(operators.PRODUCTS):
            following.follow(name, self._before(name), self._products.after_product)
        following.follow(operators.DISTANCE, after=self._products.after_distance)
        following.follow(operators.MULTIPLICATION, after=self._after_multiplication)
        following.follow(operators.SUM, after=self._multiplications.after_sum)
        following.follow(operators.CAST, self._handing.before_writing, self._handing.after_copying)
        for name in operators.overloads(operators.REPARAMETRISING):
            following.follow(name, after=self._handing.after_reparametrising)

    @property
    def undecided(self) -> list[Candidate]:
        """The softmax outputs that have met no activation so far."""
        return self._undecided.waiting

    def forget(self) -> None:
        """Let go of everything."""
        self._origins.marks.clear()
        self._undecided.clear()
        self._products.forget()
        self._multiplications.forget()

    def _widen(self) -> None:
        if self._wide or self._following is None:
            return
        self._wide = True
        follow = self._following.follow
        for name in operators.overloads(operators.MOVING):
            if name == operators.CAST:
                continue  # followed from the first: a weight may be cast before there is anything to follow
            follow(name, self._before(name), partial(self._handing.after_moving, operators.base(name)))
        for name in operators.overloads(operators.CHANGING):
            if name == operators.MULTIPLICATION or name in operators.POWERS:
                continue  # followed from the first, or below
            before = self._before(name) if operators.base(name) not in operators.KEEPING else None
            follow(name, before, partial(self._handing.after_changing, operators.base(name)))
        for name in operators.overloads(operators.OVERWRITING):
            follow(name, self._before(name), self._handing.after_noise if "bernoulli" in name else None)
        for name in (*operators.overloads(operators.EXPONENTIALS), *operators.POWERS):
            follow(name, self._before(name), self._handing.after_exponential)
        for name in operators.overloads(operators.SAMPLERS):
            follow(name, after=self._handing.after_sampling)

    def _before(self, name: str) -> Hook | None:
        return self._handing.before_writing if operators.writes(name) else None

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
        logits = given["self"]
        of_logits = self._origins.marks.of(logits) | ({FIXED} if self._origins.is_fixed(logits) else set())
        if result.dim() == 1 and LOGITS not in of_logits:
            return  # shares, such as those of a model's layers
        if self._native.inside:
            candidate = self._undecided.add("softmax of torch's native attention", result, axis, {LOGITS})
            self._undecided.decide(candidate, None)
        else:
            self._reach(operation, logits)
            self._widen()
            candidate = self._undecided.add("softmax", result, axis, of_logits)
            candidate.padded = padded_queries(logits, axis)

    def _reach(self, operation: Operation, *operands: torch.Tensor) -> None:
        """Have the graph reach what the model was given, and nothing that it owned before."""
        if not self._native.inside and not operators.writes(operation.operator.__name__):
            GRAPH.reach(operation.result, *operands)

    def _after_multiplication(self, operation: Operation) -> None:
        self._multiplications.begin()
        if self._wide:
            self._handing.after_changing("mul", operation)
        self._multiplications.after_multiplication(operation)
