"""Calls: what one call of a module recorded, and how it compared with the model's own output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from visualizer.attention import AttentionMap


@dataclass(frozen=True)
class Call:
    """One attention call of a module.

    Attributes
    ----------
    path
        The module's name in the model, as `named_modules` gives it, without wrappers' names.
    map
        The attention map, `AttentionMap` of axes (batch, head, query, key).
    number
        Number of the call among those of its module, from 0.
    order
        Number of the call in the run, from 0.
    how
        How it was recorded: the kernel, or the softmax with function and line.
    step, item
        Number of the model's forward within the item, and the item's id where one was given.
    thread
        Identifier of the thread that made the call.
    paths
        All names of a shared module.
    error
        Largest difference of the rows that were computed again from the call's own output, relative to the
        largest output; a tensor until it is asked for. None where nothing was compared.
    note
        What a reader should know of it, or "".
    """

    path: str
    map: AttentionMap
    number: int
    order: int
    how: str
    step: int = 0
    item: Any = None
    thread: int = 0
    paths: tuple[str, ...] = ()
    error: Any = None
    note: str = ""

    def __repr__(self) -> str:
        return f"<call {self.number} of {self.path or '(the model)'}: {self.map!r}, {self.how}>"


@dataclass
class Checks:
    """How many calls were compared with their own outputs, and by how much the worst differed."""

    compared: int = 0
    total: int = 0
    largest: float = 0.0

    def __str__(self) -> str:
        if not self.compared:
            return ""
        return f"checked {self.compared}/{self.total} calls, largest error {self.largest:.0e}"
