"""The softmax outputs of which it is not known yet whether they are maps, and how each is decided on."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import Any, Protocol

import torch

from visualizer.recorders.candidates import Candidate
from visualizer.recorders.places import Place
from visualizer.recorders.provenance import FEATURES, FIXED, LOGITS, Mark, Marks
from visualizer.recorders.uses import Use
from visualizer.recorders.weighing import are_scores
from visualizer.recorders.writes import alias

UNDECIDED = 32
"""How many softmax outputs are kept until it is known whether they are maps."""


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


class Undecided:
    """The candidates that have met no activation so far."""

    def __init__(self, surroundings: Surroundings, marks: Marks) -> None:
        self._around = surroundings
        self._marks = marks
        self._candidates: deque[Candidate] = deque()

    @property
    def waiting(self) -> list[Candidate]:
        """The candidates, in the order of making."""
        return list(self._candidates)

    def clear(self) -> None:
        """Let go of all of them."""
        self._candidates.clear()

    def add(self, how: str, value: torch.Tensor, axis: int, of_logits: set[Mark]) -> Candidate:
        """Keep a candidate until it is decided on, or too many have come after it."""
        candidate = Candidate(
            how=how,
            value=alias(value),
            axis=axis % value.dim(),
            place=self._around.place(),
            number=self._around.next_number(),
            from_product=LOGITS in of_logits,
            is_gate=FIXED in of_logits or Mark(FEATURES, width=value.shape[axis]) in of_logits,
            is_scored=are_scores(value, axis, of_logits),
        )
        if self._around.wants_gradients:
            candidate.traced = value
        if len(self._candidates) == UNDECIDED:
            oldest = self._candidates.popleft()
            self._around.left_formed(oldest)
            if not oldest.from_product:  # its storage bears a mark with it: each would keep the other alive
                oldest.let_go()
        self._candidates.append(candidate)
        self._marks.put(value, [candidate.mark])
        return candidate

    def decide(self, candidate: Candidate, use: Use | None) -> None:
        """Tell of a candidate that has turned out to be a map, and let it go."""
        if candidate.value is None:
            return
        self._around.found_formed(candidate, use)
        candidate.let_go()
        with suppress(ValueError):  # another thread may have let it go
            self._candidates.remove(candidate)

    def decide_by_hand(self, value: torch.Tensor, axis: int, use: Use | None) -> None:
        """Take a map that was normalised by hand: it is known as one from its values alone."""
        self.decide(self.add("normalised by hand", value, axis, {LOGITS}), use)
