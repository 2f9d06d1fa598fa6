"""What tokens are, told once for all maps that have them, and named by number."""

from __future__ import annotations

from collections.abc import Sequence

from visualizer.axes import Axis
from visualizer.viewer.pictures import Pictures
from visualizer.viewer.protocol import AxisInfo
from visualizer.viewer.tokens import axis_info


class Numbering:
    """The axes of runs: ``told`` lists them as the page has them."""

    def __init__(self) -> None:
        self.told: list[AxisInfo] = []
        self._numbers: dict[str, int] = {}
        self._known: dict[tuple[Pictures, Axis | int, int, int], int] = {}

    def sides(self, axes: Sequence[Axis], batches: int, pictures: Pictures) -> list[int]:
        """Return the number of the axis of each row of the batch; of one alone where all are the same.

        Axes are told apart by identity first, as texts are long: whoever gives them keeps them.
        """
        several = len(axes) > 1
        found = [self._number(axes[row if several else 0], row, batches, pictures) for row in range(batches)]
        return found[:1] if len(set(found)) == 1 else found

    def _number(self, axis: Axis, row: int, rows: int, pictures: Pictures) -> int:
        same, alike = (pictures, id(axis), row, rows), (pictures, axis, row, rows)
        if same not in self._known:
            found = self._known.get(alike)
            found = (
                self._tell(axis_info(axis, row, pictures.under(axis, row, rows))) if found is None else found
            )
            self._known[same] = self._known[alike] = found
        return self._known[same]

    def _tell(self, told: AxisInfo) -> int:
        number = self._numbers.setdefault(repr(told), len(self.told))
        if number == len(self.told):
            self.told.append(told)
        return number
