"""Calls: what one call of a module recorded, and how it compared with the model's own output."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from visualizer.copying import OnlyCopied
from visualizer.errors import CallsError
from visualizer.memory import measure_bytes

if TYPE_CHECKING:
    from visualizer.attention import AttentionMap


@dataclass(frozen=True)
class Call(OnlyCopied):
    """One attention call of a module.

    Attributes
    ----------
    path
        The module's name in the model, as `named_modules` gives it, without wrappers' names.
    content
        The attention map, an `AttentionMap` of axes (batch, head, query, key); read-outs by name where only
        those were kept; the value of a local.
    number
        Number of the call among those of its module, from 0.
    order
        Number of the call in the run, from 0.
    how
        How it was recorded: the kernel, or the softmax with function and line, or the local.
    step
        Number of the model's forward among those of the item, from 0.
    item, rows
        Id of the item that the call belongs to, and ids of the rows of its batch, where they were given and
        its batch has as many rows.
    thread
        Identifier of the thread that made the call.
    paths
        All names of a shared module.
    error
        Largest difference of the rows that were computed again from the call's own output, relative to the
        largest number of those rows; a tensor until it is asked for. None where nothing was compared.
    formed
        Whether the map was there as an array, and nothing had to be computed again.
    sequence, first_key
        Calls that continue one sequence bear the same number; the position of the call's first key in it.
    note
        What a reader should know of it, or "".
    levels
        For deformable attention, whose keys are points: where each level of the feature map was read
        (`SampledLevel`).
    v, output
        The values (batch, key head, key, width) and the output (batch, head, query, width) of a fused call,
        where values were asked for.
    traced
        What `Run.gradients` needs, where it was asked for.
    axes
        What its "queries" and "keys" are, where that was inferred; `Run.axis` returns it.
    split
        The axes, counted from the last, along which ranks hold parts of the output, where DTensors say so.
    """

    path: str
    content: Any
    number: int
    order: int
    how: str
    step: int = 0
    item: Any = None
    rows: tuple[Any, ...] = ()
    thread: int = 0
    paths: tuple[str, ...] = ()
    error: Any = None
    formed: bool = False
    sequence: int = 0
    first_key: int = 0
    note: str = ""
    levels: tuple[Any, ...] = field(default=(), repr=False)
    v: Any = field(default=None, repr=False)
    output: Any = field(default=None, repr=False)
    traced: Any = field(default=None, repr=False)
    split: tuple[int, ...] | None = field(default=None, repr=False)
    axes: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def map(self) -> AttentionMap:
        """The attention map.

        Raises
        ------
        CallsError
            If only read-outs of it were kept, or if the call holds a local that is none.
        """
        from visualizer.attention import AttentionMap

        if isinstance(self.content, AttentionMap):
            return self.content
        kept = f"the read-outs {', '.join(self.content)}" if isinstance(self.content, dict) else self.how
        raise CallsError(
            f"the map of {self.path or 'the model'} was asked for, but {kept} was kept: read `content`"
        )

    def storages(self) -> dict[int, int]:
        """Return the bytes of each piece of memory that is held, by its address; the graph is torch's."""
        from visualizer.attention.arrays import arrays_of

        held: dict[int, int] = {}
        for value in self.content.values() if isinstance(self.content, dict) else [self.content]:
            if hasattr(value, "storages"):
                held.update(value.storages())
            else:
                held[id(value)] = measure_bytes(value)
        beside = (self.v, self.output, getattr(self.traced, "value", None))
        held.update(arrays_of(one).storage(one) for one in beside if one is not None)
        return held

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the map or value; of a read-out () as there are several."""
        return tuple(getattr(self.content, "shape", ()))

    def __deepcopy__(self, memo: dict[int, Any]) -> Call:
        """Return a copy without the graph."""
        content, v, output = (copy.deepcopy(held, memo) for held in (self.content, self.v, self.output))
        return replace(self, content=content, v=v, output=output, traced=None)

    def __repr__(self) -> str:
        return f"<call {self.number} of {self.path or '(the model)'}: {self.content!r}, {self.how}>"


def join_steps(calls: Sequence[Call]) -> AttentionMap:
    """Return calls that continue one sequence as one map."""
    from visualizer.attention import AttentionMap, Stitched

    steps = [(call.map, range(call.first_key, call.first_key + call.shape[-1])) for call in calls]
    return AttentionMap(Stitched(steps))


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
