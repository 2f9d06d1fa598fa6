"""Which layer and head the user wants to see, and whether a model has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from visualizer.demo.readings import Floats
from visualizer.errors import OptionError


@dataclass(frozen=True)
class Choice:
    """A layer and a head, both counted from 0; None where any will do.

    Examples
    --------
    >>> import numpy as np
    >>> maps = [np.zeros((2, 5, 5)), np.zeros((4, 5, 5))]
    >>> Choice(head=3).places("Swin", maps), Choice(layer=0).places("Swin", maps)
    ([(1, 3)], [(0, 0), (0, 1)])
    """

    layer: int | None = None
    head: int | None = None

    @property
    def open(self) -> bool:
        """Whether nothing was chosen."""
        return self.layer is None and self.head is None

    def places(self, model: str, maps: Sequence[Floats]) -> list[tuple[int, int]]:
        """Return each (layer, head) of a model's ``maps``, arrays (head, query, key), that was chosen.

        Raises
        ------
        OptionError
            If there is none; ``model`` is what it is called then.
        """
        chosen = [place for place in _all(maps) if self._holds(*place)]
        if not chosen:
            raise OptionError(self._problem(model, [len(layer) for layer in maps]))
        return chosen

    def layer_of(self, model: str, maps: Sequence[Floats], usual: int | None = None) -> int:
        """Return the layer to draw: of those that can be, the usual one, else the last.

        Raises
        ------
        OptionError
            If the model does not have what was chosen.
        """
        layers = [layer for layer, _ in self.places(model, maps)]
        return usual if usual in layers else layers[-1]

    def _holds(self, layer: int, head: int) -> bool:
        return self.layer in {None, layer} and self.head in {None, head}

    def _problem(self, model: str, heads: Sequence[int]) -> str:
        if self.layer is not None and not 0 <= self.layer < len(heads):
            return f"--layer {self.layer} was asked for, but {model} has layers 0 to {len(heads) - 1}"
        there = model if self.layer is None else f"layer {self.layer} of {model}"
        most = max(heads) if self.layer is None else heads[self.layer]
        return f"--head {self.head} was asked for, but {there} has heads 0 to {most - 1}"


def _all(maps: Sequence[Floats]) -> Iterator[tuple[int, int]]:
    yield from ((number, head) for number, layer in enumerate(maps) for head in range(len(layer)))
