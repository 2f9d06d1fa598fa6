"""What is copied and never pickled: unpickling runs code."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, NoReturn

from visualizer.errors import VisualizerError

if TYPE_CHECKING:
    from typing import Self


class OnlyCopied:
    """Base of what `copy` may copy, and pickle may not.

    Examples
    --------
    >>> import pickle
    >>> try:
    ...     pickle.dumps(OnlyCopied())
    ... except VisualizerError as error:
    ...     print(str(error)[:36])
    an OnlyCopied was to be pickled, whi
    """

    def __copy__(self) -> Self:
        made = object.__new__(type(self))
        vars(made).update(vars(self))
        return made

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        memo[id(self)] = made = object.__new__(type(self))
        vars(made).update(copy.deepcopy(vars(self), memo))
        return made

    def __reduce__(self) -> NoReturn:
        raise VisualizerError(
            f"{_named(self)} was to be pickled, which runs code on loading: run.save(path) writes "
            "it, visualizer.load(path) reads it, and call.map.numpy() is an array"
        )


def _named(one: object) -> str:
    name = type(one).__name__
    return f"{'an' if name[0] in 'AEIO' else 'a'} {name}"
