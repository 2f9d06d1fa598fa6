"""Where deformable attention, whose keys are points, reads a level of a feature map."""

from __future__ import annotations

from dataclasses import dataclass

from visualizer.attention.arrays import Array


@dataclass(frozen=True, eq=False)
class SampledLevel:
    """The places at which one level of a feature map is read.

    Attributes
    ----------
    places
        (batch · head, query, point, 2): x and y from -1 (the first edge) to 1 (the last), as `grid_sample`
        takes them.
    shape
        Height and width of the level.
    number
        Its place among all that were read.
    """

    places: Array
    shape: tuple[int, ...]
    number: int

    @property
    def sizes(self) -> tuple[int, ...]:
        """The shape of the places, which of a run on disk are not read for it."""
        return tuple(self.places.shape)
