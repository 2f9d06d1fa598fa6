"""Arrays that were changed in place since they were held, where that can be told."""

from __future__ import annotations

from typing import Any

from visualizer.attention.arrays import Array, arrays_of
from visualizer.errors import VisualizerError


class Watched:
    """What holds arrays and knows how often each was changed in place when it was made.

    Numpy arrays and tensors of inference mode do not count their changes.
    """

    def tensors(self) -> list[Array]:
        """Return every array that is held."""
        raise NotImplementedError

    def count_changes(self) -> None:
        """Take what is held for unchanged."""
        object.__setattr__(self, "_versions", self._count())

    def check_unchanged(self) -> None:
        """Raise an error if an array was changed in place since it was held.

        Raises
        ------
        VisualizerError
            If one was: the map would not be the call's.
        """
        if self._count() != self._versions:  # type: ignore[attr-defined]
            raise VisualizerError(
                "a map was asked for, but one of the arrays that it is made of was changed in place since "
                "then (a cache that goes on, an in-place operation): make the map of copies, or, where it "
                "was recorded, record with keep='dense'"
            )

    def __getstate__(self) -> dict[str, Any]:  # torch copies no tensor that has a graph
        return {name: _without_graph(value) for name, value in vars(self).items()}

    def __setstate__(self, state: dict[str, Any]) -> None:  # a copy's tensors count their changes anew
        self.__dict__.update(state)
        self.count_changes()

    def _count(self) -> list[int]:
        return [arrays_of(array).version(array) for array in self.tensors()]


def _without_graph(value: Any) -> Any:
    return value.detach() if getattr(value, "requires_grad", False) else value
