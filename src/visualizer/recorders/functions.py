"""Functions of flex attention as they were at the call: what they close over may be written into later."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import CellType, FunctionType
from typing import Any

import torch

from visualizer.attention.tensors import times_written
from visualizer.errors import VisualizerError

SMALL = 4096
"""Up to this many numbers a tensor is copied; larger ones are held and watched, if they can be."""


class HeldFunction:
    """A score or mask function, with the tensors in its closure as they were.

    Parameters
    ----------
    function
        The function that the model gave.
    shift
        The query that each held row is, (row,), where not all queries are held.
    scored
        Whether its first argument is a score.
    """

    def __init__(
        self, function: Callable[..., Any], shift: torch.Tensor | None = None, *, scored: bool
    ) -> None:
        self._tensors: list[torch.Tensor] = []
        self._function = self._held(function, {})
        self._shift, self._query = shift, 3 if scored else 2
        self._versions = self._count_versions()

    def __call__(self, *args: Any) -> Any:
        """Call the function for one cell.

        Raises
        ------
        VisualizerError
            If a tensor that it reads has changed since the call.
        """
        if self._count_versions() != self._versions:
            raise VisualizerError(
                "the map of this call was asked for, but a tensor that its score or mask function reads was "
                "changed in place since then: copy it before it is changed"
            )
        if self._shift is not None:
            place = torch.ops.aten.index.Tensor(self._shift, [args[self._query]])
            args = (*args[: self._query], place, *args[self._query + 1 :])
        return self._function(*args)

    def _count_versions(self) -> list[int]:
        return list(map(times_written, self._tensors))

    def _held(self, value: Any, known: dict[int, Any]) -> Any:
        """Return a copy of what a closure holds, as far down as functions, partials and sequences go."""
        if id(value) in known:
            return known[id(value)]
        if isinstance(value, torch.Tensor):
            held: Any = self._held_tensor(value)
        elif isinstance(value, FunctionType) and value.__closure__:
            return self._held_closure(value, known)
        elif isinstance(value, partial):
            inner = self._held(value.func, known)
            held = partial(inner, *(self._held(part, known) for part in value.args), **value.keywords)
        elif type(value) in {list, tuple}:
            held = type(value)(self._held(part, known) for part in value)
        else:
            return value
        known[id(value)] = held
        return held

    def _held_closure(self, function: FunctionType, known: dict[int, Any]) -> FunctionType:
        cells = tuple(CellType() for _ in function.__closure__ or ())
        held = FunctionType(
            function.__code__, function.__globals__, function.__name__, function.__defaults__, cells
        )
        held.__kwdefaults__ = function.__kwdefaults__
        known[id(function)] = held  # before its cells: a function may close over itself
        for mine, its in zip(cells, function.__closure__ or (), strict=True):
            try:
                mine.cell_contents = self._held(its.cell_contents, known)
            except ValueError:  # an empty cell
                continue
        return held

    def _held_tensor(self, tensor: torch.Tensor) -> torch.Tensor:
        tensor = tensor.detach()
        if tensor.numel() <= SMALL or tensor.is_inference():  # which do not count what is written into them
            return tensor.clone()
        self._tensors.append(tensor)
        return tensor


class BlockPattern:
    """A mask by blocks alone: the queries of a block see the keys of the blocks that are there.

    Parameters
    ----------
    blocks
        Which key blocks each query block sees, (batch, head, query block, key block); of length 1: all.
    size
        Queries and keys in a block.
    """

    def __init__(self, blocks: torch.Tensor, size: tuple[int, int]) -> None:
        self._blocks = blocks != 0
        self._size = size

    def __call__(self, batch: Any, head: Any, query: Any, key: Any) -> Any:
        """Tell whether a query may see a key."""
        (rows, columns), (batches, heads) = self._size, self._blocks.shape[:2]
        places = [batch % batches, head % heads, query // rows, key // columns]
        return torch.ops.aten.index.Tensor(self._blocks, places)
