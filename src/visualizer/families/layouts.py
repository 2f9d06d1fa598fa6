"""What a family says: what the tokens below a module are, while a method of it runs."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from visualizer.axes import Axis, Grid, Segment, Windows


class Part(NamedTuple):
    """One side of a call's map.

    Attributes
    ----------
    side
        "queries" or "keys".
    length, batch
        How many tokens it has, None where only some of the queries were kept; how many rows the map's batch
        has.
    sequence
        What is the same for all calls of one module that continue one sequence.
    first
        Position of the first key in that sequence.
    number
        Number of the call among all of its module.
    """

    side: str
    length: int | None
    batch: int
    sequence: Any = None
    first: int = 0
    number: int = 0


class Tokens(Protocol):
    """What the tokens along one side of a map are, worked out when it is asked for."""

    @property
    def length(self) -> int:
        """Number of tokens."""

    def rows(self) -> tuple[Axis, ...]:
        """Return their axes: one for each row of the batch, or one for all."""


class Side(Protocol):
    """What one side of maps may be."""

    @property
    def arithmetic(self) -> str:
        """How many tokens it foretells, in words."""

    def fit(self, part: Part) -> Tokens | None:
        """Return what the tokens of a side are; None where they are not these."""


@dataclass(frozen=True)
class Same:
    """One axis for all rows of a batch."""

    axis: Axis

    @property
    def length(self) -> int:
        """Number of tokens."""
        return self.axis.length

    @property
    def arithmetic(self) -> str:
        """That of the axis, and how many windows there are."""
        return ", ".join([self.axis.arithmetic, *(one.divided for one in self._windows)])

    @property
    def _windows(self) -> list[Windows]:
        return [one for one in self.axis.segments if isinstance(one, Windows)]

    def fit(self, part: Part) -> Same | None:
        """Return itself where it is as long as the side, and the batch is whole items of windows."""
        whole = all(part.batch % one.count == 0 for one in self._windows)
        return self if whole and part.length in {None, self.length} else None

    def rows(self) -> tuple[Axis, ...]:
        """Return the axis."""
        return (self.axis,)


@dataclass(frozen=True)
class Choice:
    """Which axes the maps of some modules have.

    Attributes
    ----------
    queries, keys
        What their sides are; None where it is not known.
    within
        Pattern of the modules' paths below the one that was read.
    cross
        Whether they attend to another sequence; None where that does not matter.
    """

    queries: Side | None
    keys: Side | None
    within: str = "*"
    cross: bool | None = None

    @property
    def arithmetic(self) -> str:
        """How many queries and keys it foretells, in words."""
        both = [side.arithmetic if side is not None else "anything" for side in (self.queries, self.keys)]
        return both[0] if both[0] == both[1] else f"{both[0]} for queries and {both[1]} for keys"

    def holds(self, path: str, *, cross: bool) -> bool:
        """Tell whether it speaks of a module, by its path below the one that was read."""
        return self.cross in {None, cross} and fnmatch.fnmatchcase(path, self.within)

    def fit(self, queries: Part, keys: Part) -> tuple[Tokens | None, Tokens | None] | None:
        """Return what both sides of a map are; None where one of them is not as it says."""
        sides = [(self.queries, queries), (self.keys, keys)]
        found = [side.fit(part) if side is not None else None for side, part in sides]
        if any(side is not None and one is None for (side, _), one in zip(sides, found, strict=True)):
            return None
        return found[0], found[1]


@dataclass(frozen=True)
class Given:
    """What a method was called with.

    Attributes
    ----------
    arguments
        By the names of its parameters.
    tokens_of
        Returns what the tokens of a tensor are that another known module gave back; None if it is not such.
    memory
        What the readers of one model keep from one call to the next.
    calls
        How many calls of the module there were before.
    """

    arguments: Mapping[str, Any]
    tokens_of: Callable[[Any], Side | None]
    memory: dict[Any, Any]
    calls: int = 0

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]

    def get(self, name: str) -> Any:
        """Return an argument; None where the method has no such parameter."""
        return self.arguments.get(name)


class Layout:
    """All that a module's maps may be. Where not exactly one choice fits a map, its tokens are unknown.

    Parameters
    ----------
    choices
        What they may be.
    output
        What the tokens of the tensor are that the method gives back; None where that is not known.
    why
        Why nothing is known of them; "" where that is nothing to tell.
    """

    def __init__(self, *choices: Choice, output: Side | None = None, why: str = "") -> None:
        self.choices, self.output, self.why = choices, output, why


Reader = Callable[[Any, Given], Layout | None]
"""Reads a module as one of its methods begins, and what that was called with: sizes and ids, no weights."""


READINGS: dict[tuple[str, str], dict[str, Reader]] = {}
"""By package and class: what reads its modules as a method of them begins, by the method."""


ONLY: dict[Reader, Callable[[Any], bool]] = {}
"""Which modules of their classes readers read, where these are not all."""


def reads(
    package: str,
    *names: str,
    methods: Sequence[str] = ("forward",),
    only: Callable[[Any], bool] | None = None,
) -> Callable[[Reader], Reader]:
    """Have a function read the classes of these names in a package or module, and what derives from them.

    The name of a file may stand for its module, wherever it was copied to, and "*" for any; ``only`` tells
    which of the classes' modules are read.
    """

    def register(reader: Reader) -> Reader:
        if only is not None:
            ONLY[reader] = only
        for name in names:
            READINGS.setdefault((package, name), {}).update(dict.fromkeys(methods, reader))
        return reader

    return register


def stepped(cells: Sequence[int], steps: Sequence[float], size: Sequence[int]) -> Grid:
    """Return a grid of (rows, columns) that begin so many pixels apart, of an image (height, width)."""
    (rows, columns), (down, across) = cells, steps
    height, width = size
    return Grid(rows, columns, span=(rows * down / height, columns * across / width))


def as_side(segments: Iterable[Segment]) -> Same:
    """Return segments as a side that all rows share."""
    return Same(Axis(tuple(segments)))


def both(segments: Iterable[Segment], within: str = "*", *, cross: bool | None = None) -> Choice:
    """Return the choice of modules that attend from tokens to the same tokens."""
    side = as_side(segments)
    return Choice(side, side, within, cross)
