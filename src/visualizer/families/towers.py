"""Qwen's vision towers: patches of all images in one sequence, and a call for each frame or window of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby, product
from typing import Any

from visualizer.axes import Axis, Grid, Scattered, Segment, Unknown
from visualizer.families.layouts import Choice, Given, Layout, Part, reads

TOWER = "the vision tower that is running"
ELSEWHERE = "patches of an image, of which is not known which"
Patch = tuple[int, int, int, int]
"""Number of the image, its rows and columns, and the number of the patch in it."""


@reads("transformers", "Qwen2VisionTransformerPretrainedModel", "Qwen3VLVisionModel")
@reads("transformers", "Qwen2_5_VisionTransformerPretrainedModel")
def tower(module: Any, given: Given) -> None:
    """Patches that will be merged follow one another; in some towers windows do."""
    merge, window = module.spatial_merge_size, getattr(module, "window_size", 0)
    size = window // merge // module.patch_size if window else 0
    given.memory[TOWER] = Tower(given["grid_thw"].detach().clone(), merge, size)


@reads("transformers", "VisionAttention", "Qwen2_5_VLVisionAttention", "Qwen3VLVisionAttention")
def attention(module: Any, given: Given) -> Layout | None:  # noqa: ARG001  # as all
    """Pieces of the sequence (token, channel) have a call each; ``cu_seqlens`` says where they end."""
    running = given.memory.get(TOWER)
    if running is None:
        return None
    pieces = Pieces(running, given["cu_seqlens"].detach().clone(), given.calls)
    return Layout(Choice(pieces, pieces))


class Tower:
    """The patches of a forward, read when they are asked for.

    Parameters
    ----------
    grids
        A tensor (image, 3) of steps, rows and columns.
    merge
        How many patches along each side are merged.
    size
        How many merged patches along each side make a window; 0 where there are none.
    """

    def __init__(self, grids: Any, merge: int, size: int) -> None:
        self._grids, self._merge, self._size = grids, merge, size

    @cached_property
    def order(self) -> list[Patch]:
        """All patches in the order of the sequence."""
        return [
            (number, rows, columns, row * columns + column)
            for number, (steps, rows, columns) in enumerate(self._grids.tolist())
            for _ in range(steps)
            for row, column in self._cells(rows, columns)
        ]

    def _cells(self, rows: int, columns: int) -> Iterator[tuple[int, int]]:
        """Yield the cells of a frame: window by window, merged patch by merged patch."""
        sides = rows // self._merge, columns // self._merge
        tall, wide = (self._size or side for side in sides)
        for top, left in product(range(0, sides[0], tall), range(0, sides[1], wide)):
            bottom, right = min(top + tall, sides[0]), min(left + wide, sides[1])
            for row, column in product(range(top, bottom), range(left, right)):
                for down, across in product(range(self._merge), repeat=2):
                    yield row * self._merge + down, column * self._merge + across


@dataclass
class Pieces:
    """What the calls of a module attend to in one forward, one after another.

    Attributes
    ----------
    tower
        The patches.
    ends
        A tensor of where pieces of them begin and end.
    begun
        How many calls of the module there were before.
    """

    tower: Tower
    ends: Any
    begun: int
    _pieces: dict[tuple[int, int], Piece] = field(default_factory=dict)

    @property
    def arithmetic(self) -> str:
        """That it depends on the call."""
        return "a frame or a window in each call"

    def fit(self, part: Part) -> Piece | None:
        """Return the piece of a call."""
        if part.length is None:
            return None
        key = part.number - self.begun, part.length
        return self._pieces.setdefault(key, Piece(self, *key))

    def read(self, number: int) -> Sequence[Patch]:
        """Return the patches of a piece; none where there is no such."""
        ends = self.ends.tolist()
        return self.tower.order[ends[number] : ends[number + 1]] if number + 1 < len(ends) else ()


class Piece:
    """Patches that a call attends to, looked up when they are asked for."""

    def __init__(self, pieces: Pieces, number: int, length: int) -> None:
        self._pieces, self._number, self.length = pieces, number, length

    def rows(self) -> tuple[Axis, ...]:
        """Return the one axis; of a piece of another length nothing is known."""
        patches = self._pieces.read(self._number)
        if len(patches) != self.length:
            return (Axis((Unknown(self.length, ELSEWHERE),)),)
        return (
            Axis(tuple(as_segment(image, group) for image, group in groupby(patches, lambda one: one[:3]))),
        )


def as_segment(image: tuple[int, int, int], patches: Iterator[Patch]) -> Segment:
    """Return patches of one image as its grid, or as those in it."""
    number, rows, columns = image
    at = tuple(patch for *_, patch in patches)
    whole = at == tuple(range(rows * columns))
    return Grid(rows, columns, number) if whole else Scattered(rows, columns, number, at)
