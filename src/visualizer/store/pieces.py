"""The pieces of calls on their way to files: held until they are written together, many to a shard."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from visualizer.store.kinds import name_of, raw_bits
from visualizer.store.layouts import Layout, Slot
from visualizer.store.places import Place
from visualizer.store.shards import join_shards

ROWS = 64  # that an array is said to have at first


class Pieces:
    """Gives each piece a row of an array, and writes those that it holds.

    Parameters
    ----------
    place
        Where the arrays lie.
    first
        The number of the first new array.
    """

    def __init__(self, place: Place, first: int) -> None:
        self._place, self._next = place, first
        self._layouts: dict[Any, Layout] = {}
        self._rows: dict[int, int] = {}  # how many each array has
        self._said: dict[int, int] = {}  # how many it is said to have
        self._held: defaultdict[tuple[int, int], list[Any]] = defaultdict(list)  # by array and shard
        self.nbytes = 0  # of what is held
        self.lines: list[Any] = []  # of the log, not yet taken

    def take(self, array: Any, slot: Slot, raw: Any = None) -> tuple[int, int]:
        """Hold a piece for the array of its module, role, shape and dtype; return that array, and the row.

        ``raw`` are its bits, where they are at hand.
        """
        key = slot, tuple(array.shape), name_of(array)
        if key not in self._layouts:
            self._layouts[key] = layout = Layout.of(self._next, slot, array)
            self._next += 1
            self._rows[layout.id] = self._said[layout.id] = 0
            self.lines.append(layout.to_json())
        layout = self._layouts[key]
        row = self._rows[layout.id]
        encoded = layout.encoded(raw_bits(array) if raw is None else raw)
        self._held[layout.id, row // layout.per_shard].append(encoded)
        self.nbytes += len(encoded[0])
        self._rows[layout.id] += 1
        return layout.id, row

    def write(self) -> None:
        """Write what is held; a file that was written is not written to again."""
        layouts = {layout.id: layout for layout in self._layouts.values()}
        for (array, shard), parts in self._held.items():
            layout = layouts[array]
            missing = (layout.per_shard - len(parts)) * layout.chunks
            self._place.write(layout.key(shard), join_shards(parts, missing))
            self._rows[array] = max(self._rows[array], (shard + 1) * layout.per_shard)
            self._describe(layout)
        self._held.clear()
        self.nbytes = 0

    def _describe(self, layout: Layout) -> None:
        """Say that an array has twice as many rows, where it has more than it is said to have."""
        rows, said = self._rows[layout.id], self._said[layout.id]
        if rows > said:
            self._said[layout.id] = said = max(2 * rows, ROWS)
            self._place.write(f"arrays/{layout.id}/zarr.json", layout.described(said))
