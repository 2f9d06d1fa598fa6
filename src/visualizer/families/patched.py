"""Vision models that nobody named: convolutions that cut an image into cells, and maps of as many tokens.

A strided convolution says how many rows and columns of cells an image has. Below the module that holds both
it and attention, a map of the same batch with as many queries or keys is taken to be of these cells, in rows
from the top left; with more of them, if parameters that are named as class tokens and registers are as many.
Where ids that are read, learned queries or the frames of a video are as many too, they may be those.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from visualizer.axes import Grid, Segment, Special
from visualizer.families.layouts import Given, Part, Same, as_side, reads
from visualizer.families.mistakable import learned_lengths, read_lengths

CUTS = "cells that convolutions cut images into"
FRAMES = "how many frames videos may have"
PREFIX = {
    **dict.fromkeys(("cls_token", "class_token", "class_embedding", "class_embed"), "CLS"),
    **dict.fromkeys(("dist_token", "distillation_token"), "DIST"),
    **dict.fromkeys(("reg_token", "reg_tokens", "register_tokens", "registers"), "register"),
}
"""What parameters are called that stand before the patches, in this order."""
TIMES = "a video's frames"
FEW = 16
"""How many more tokens than cells are worth a word."""
ATTENDS = re.compile("Att|ATT|(?i:attn|attention|(?<![a-z])att|mh?sa)")
"""In names of classes that hold attention, which "Flatten" is none of."""
OTHERWISE = ("mae", "masked", "xca", "channel")
"""In names of classes whose tokens may be in another order, or channels."""


class Cut(NamedTuple):
    """The cells that a convolution cut each image of a batch into."""

    batch: int
    rows: int
    columns: int


def cuts_images(module: Any) -> bool:
    """Tell whether a convolution gives fewer rows and columns than it is given."""
    return min(module.stride) > 1 and not isinstance(module.padding, str)


@reads("torch", "Conv2d", only=cuts_images)
def convolution(module: Any, given: Given) -> None:
    """Keep what becomes of each image (batch, channel, height, width), unless a part of one is left out."""
    cuts = given.memory.setdefault(CUTS, {})
    before = cuts.pop(id(module), frozenset())
    batch, _, *size = given["input"].shape if "input" in given.arguments else (0, 0)
    each = zip(size, module.kernel_size, module.stride, module.padding, module.dilation, strict=True)
    cells = [(side + 2 * pad - gap * (kernel - 1) - 1) // step + 1 for side, kernel, step, pad, gap in each]
    if cells == [-(-side // step) for side, step in zip(size, module.stride, strict=True)] != [1, 1]:
        cuts[id(module)] = before | {Cut(batch, *cells)}


Cuts = Mapping[str, Collection[Cut]]
"""What each convolution made of the images of a forward, by path."""
Read = Mapping[str, tuple[int, ...]]
"""What ids (batch, token) each embedding was given, by path."""


class Patched:
    """What maps are in models whose convolutions cut images.

    Parameters
    ----------
    modules
        The model's modules, by path.
    """

    def __init__(self, modules: Mapping[str, Any]) -> None:
        self._modules = modules
        self._sides: dict[tuple[str, Cut, int], Same | None] = {}  # one object for all layers
        self._learned: dict[str, list[tuple[str, int]]] = {}  # tokens below an owner

    def sides(
        self, path: str, parts: tuple[Part, ...], cuts: Cuts, read: Read, frames: Collection[int] = ()
    ) -> dict[str, Same]:
        """Return what the queries and keys of a map are, as far as they can be but one thing.

        Parameters
        ----------
        path, parts
            The module that made the call, and its sides.
        cuts, read, frames
            What the forward cut its images into, which ids it read, how many frames its videos may have.
        """
        if any(word in name for name in self._names(path) for word in OTHERWISE):
            return {}
        owned = [(owner, cut) for owner, cut in self._owned(path, cuts) if cut.batch == parts[0].batch]
        fitting = {
            part.side: [
                self._side(*one, part.length or 0)
                for one in owned
                if not self._others(one[0], part, read) and not self._is_timed(path, one[1], frames)
            ]
            for part in parts
        }
        found = {side: set(filter(None, some)) for side, some in fitting.items()}
        return {side: some.pop() for side, some in found.items() if len(some) == 1}

    def mistakable(
        self, path: str, parts: tuple[Part, ...], cuts: Cuts, read: Read, frames: Collection[int] = ()
    ) -> str:
        """Say that tokens may be cells or others, or those of several images; "" otherwise."""
        for part in parts:
            fitting = [
                (owner, cut)
                for owner, cut in self._owned(path, cuts)
                if cut.batch == part.batch and self._side(owner, cut, part.length or 0)
            ]
            grids = sorted({Grid(cut.rows, cut.columns).counted for _, cut in fitting})
            others = [other for owner, _ in fitting for other in self._others(owner, part, read)]
            others += [TIMES for _, cut in fitting if self._is_timed(path, cut, frames)]
            if others or len(grids) > 1:
                kind = type(self._modules[fitting[0][0]]).__name__
                more = f", or those of {others[0]}, which are as many" if others else ""
                return (
                    f"the {part.side} of {path} may be the {' or the '.join(grids)} that a convolution of "
                    f"{kind} cuts images into{more}"
                )
        return ""

    def over(self, path: str, parts: tuple[Part, ...], cuts: Cuts) -> str:
        """Say that a map of tokens among themselves has some more than an image has cells; "" otherwise."""
        lengths = {part.length for part in parts}
        for owner, cut in self._owned(path, cuts):
            more = max(one or 0 for one in lengths) - cut.rows * cut.columns
            if len(lengths) == 1 and cut.batch == parts[0].batch and 0 < more <= FEW:
                kind = type(self._modules[owner]).__name__
                grid = Grid(cut.rows, cut.columns)
                return (
                    f"a convolution of {kind} cuts images into a {grid.counted} = {grid.length} tokens, but "
                    f"the map of {path} has {grid.length + more}, of which {more} may stand anywhere"
                )
        return ""

    def _owned(self, path: str, cuts: Cuts) -> Iterator[tuple[str, Cut]]:
        """Yield the cuts whose cells a module may attend to, and the module around both that owns them."""
        for conv, some in cuts.items():
            owner = next(one for one in around(conv) if one in self._attending or is_below(path, one))
            if is_below(path, owner):
                yield from ((owner, cut) for cut in some)

    def _side(self, owner: str, cut: Cut, length: int) -> Same | None:
        """Return what so many tokens are, if they can be the cells of a cut."""
        key = owner, cut, length
        if key not in self._sides:
            more = length - cut.rows * cut.columns
            prefix = self._prefix(owner) if 0 < more <= FEW else []
            tokens = [*prefix, Grid(cut.rows, cut.columns)]
            self._sides[key] = as_side(tokens) if more == len(prefix) else None
        return self._sides[key]

    def _others(self, owner: str, part: Part, read: Mapping[str, tuple[int, ...]]) -> list[str]:
        """Return the paths of other tokens below a module that are as many as those of a side."""
        if owner not in self._learned:
            below = {path: one for path, one in self._modules.items() if is_below(path, owner)}
            self._learned[owner] = list(learned_lengths(below))
        tokens = [*self._learned[owner], *read_lengths(read, part.batch)]
        return [path for path, length in tokens if length == part.length and is_below(path, owner)]

    def _is_timed(self, path: str, cut: Cut, frames: Collection[int]) -> bool:
        """Tell whether tokens that are as many as cells may be one cell in each frame of a video."""
        named = any("temporal" in name for name in (path.lower(), *self._names(path)))
        return named or cut.rows * cut.columns in frames

    def _prefix(self, owner: str) -> list[Segment]:
        """Return the tokens before the patches, as the parameters of a module are named."""
        below = [one for path, one in self._modules.items() if is_below(path, owner)]
        named = [pair for one in below for pair in one.named_parameters(recurse=False) if pair[0] in PREFIX]
        return [
            Special(PREFIX[name])
            for name, weight in sorted(named, key=lambda pair: list(PREFIX).index(pair[0]))
            for _ in range(weight.shape[-2] if weight.dim() > 1 else 1)
        ]

    @cached_property
    def _attending(self) -> set[str]:
        """The paths of modules that hold attention, as classes are named."""
        kinds = {kind for kind in set(map(type, self._modules.values())) if ATTENDS.search(kind.__name__)}
        attending = [path for path, one in self._modules.items() if type(one) in kinds]
        return {one for path in attending for one in (path, *around(path))}

    def _names(self, path: str) -> list[str]:
        return [type(self._modules[one]).__name__.lower() for one in (path, *around(path))]


def around(path: str) -> Iterator[str]:
    """Yield the paths of the modules around one, the innermost first."""
    while path:
        path = path.rpartition(".")[0]
        yield path


def is_below(path: str, owner: str) -> bool:
    """Tell whether a path is that of a module or of one within it."""
    return not owner or path == owner or path.startswith(f"{owner}.")
