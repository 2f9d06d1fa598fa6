"""What a page is told of runs, and the arrays that it then asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

from visualizer.analysis.columns import MEASURES
from visualizer.attention import AttentionMap
from visualizer.attention.arrays import NUMPY
from visualizer.errors import OptionError
from visualizer.kept import Kept
from visualizer.run import Run
from visualizer.viewer.arrays import Arrays
from visualizer.viewer.describing import measures_told, run_infos
from visualizer.viewer.exhibits import Exhibit, exhibits
from visualizer.viewer.forming import Forming
from visualizer.viewer.given import runs_given
from visualizer.viewer.measuring import metrics_of
from visualizer.viewer.numbering import Numbering
from visualizer.viewer.overviews import Small
from visualizer.viewer.padding import padding_of
from visualizer.viewer.pictures import Pictures
from visualizer.viewer.protocol import (
    Blob,
    BlobRef,
    Details,
    ImageInfo,
    Later,
    Manifest,
    MapInfo,
    Overview,
    Padding,
    Rows,
    RunInfo,
    SamplingInfo,
)
from visualizer.viewer.querying import rows_asked
from visualizer.viewer.rows import dtype_of, least, rows_of
from visualizer.viewer.samplings import Sampled, sampled_calls, sampling_info, unread


class Payload:
    """Runs as a page is told of them: `manifest`, and `blob` for each name in it.

    Parameters
    ----------
    runs
        One run, or two to compare.
    served
        Whether rows, columns and tiles can be asked for too.
    queries
        Only the rows of these: an int, a slice, what `Run.where` finds, or a list; all unless given.

    Raises
    ------
    TargetError
        If something that is no run is among them.
    OptionError
        If there are more than two runs.

    Examples
    --------
    >>> import numpy, visualizer
    >>> payload = Payload(visualizer.from_arrays({"layer.0": numpy.eye(4)[None]}))
    >>> told = payload.manifest.maps[0]
    >>> told.path, told.rows.kind, payload.blob(told.rows.heads[0].name).array()[1].tolist()
    ('layer.0', 'dense', [0.0, 1.0, 0.0, 0.0])
    """

    def __init__(self, runs: Run | Sequence[Run], *, served: bool = False, queries: Any = None) -> None:
        self.runs = runs_given(runs)
        self.served, self._queries = served, queries
        found = [exhibits(run, number) for number, run in enumerate(self.runs)]
        self.exhibits = [one for shown, _ in found for one in shown]
        self.samplings = [one for number, run in enumerate(self.runs) for one in sampled_calls(run, number)]
        self._omitted = [left for _, left in found if left]
        self.kept = Kept()
        self._arrays = Arrays()
        self._rows: dict[int, Rows] = {}
        self._paddings: dict[int, Padding | None] = {}
        self._forming = Forming()
        self._axes = Numbering()

    @property
    def shows(self) -> bool:
        """Whether there is something to be shown."""
        return bool(self.exhibits or self.samplings)

    def blob(self, name: str) -> Blob:
        """Return an array that the manifest, or the details of a map that were asked for, name.

        Raises
        ------
        OptionError
            If they name none such.
        """
        _ = self.outline
        return self._arrays.blob(name)

    def details(self, number: int) -> Details:
        """Return what of a map takes reading it: how a page comes by its rows, and what is padding."""
        return Details(self.rows(number), self.padding(number))

    def rows(self, number: int) -> Rows:
        """Return how a page comes by the rows of a map."""
        if number not in self._rows:
            map_, asked = self.exhibits[number].map, self.rows_asked(number)
            self._rows[number] = rows_of(self._arrays, str(number), map_, served=self.served, queries=asked)
        return self._rows[number]

    def rows_asked(self, number: int) -> list[int] | None:
        """Return which rows of a map are those of ``queries``; None: all."""
        return None if self._queries is None else rows_asked(self._queries, self.exhibits[number])

    def least(self, number: int) -> tuple[str, int]:
        """Return the role and the least bytes of the array that a head's rows most likely come from."""
        return least(self.exhibits[number].map, self.rows_asked(number))

    def padding(self, number: int) -> Padding | None:
        """Return which tokens of a map are padding."""
        if number not in self._paddings:
            self._paddings[number] = self._padding(str(number), self.exhibits[number].map)
        return self._paddings[number]

    @cached_property
    def manifest(self) -> Manifest:
        """What the page is told first: where it can ask, no map is read for it."""
        if self.served:
            return self.outline
        maps = [replace(one, **vars(self.details(one.id))) for one in self.outline.maps]
        return replace(self.outline, maps=maps)

    @cached_property
    def outline(self) -> Manifest:
        """The manifest without what takes reading maps."""
        images: list[ImageInfo] = []
        pictures = [Pictures(run, images, self._arrays) for run in self.runs]
        return Manifest(
            title=" / ".join(info.name for info in self._infos),
            runs=self._infos,
            maps=[self._map(number, one, pictures[one.run]) for number, one in enumerate(self.exhibits)],
            samplings=[
                self._sampling(number, one, pictures[one.run]) for number, one in enumerate(self.samplings)
            ],
            axes=self._axes.told,
            images=images,
            measures=measures_told(),
            omitted=[
                *self._omitted,
                *(one.trouble for one in pictures if one.trouble),
                *(said for run in self.runs for said in unread(run)),
            ],
            remarks=list(dict.fromkeys(remark for run in self.runs for remark in run.remarks())),
            served=self.served,
        )

    @cached_property
    def _infos(self) -> list[RunInfo]:
        return run_infos(self.runs)

    @cached_property
    def _layers(self) -> dict[tuple[int, str], int]:
        """The place of each module among those of its run."""
        return {(n, path): place for n, run in enumerate(self.runs) for place, path in enumerate(run.paths)}

    def _map(self, number: int, shown: Exhibit, pictures: Pictures) -> MapInfo:
        first, a = shown.first, shown.map
        signed = a.opened()[0].signed
        measured = not signed and (self._queries is None or Small(a).sampled is None)
        return MapInfo(
            id=number,
            run=shown.run,
            path=first.path,
            layer=self._layers[shown.run, first.path],
            call=first.number,
            order=first.order,
            step=first.step,
            item=None if first.item is None else str(first.item),
            ids=[str(one) for one in first.rows] or None,
            steps=shown.steps,
            grows=shown.grows,
            shape=tuple(a.shape),  # type: ignore[arg-type]  # exhibits have four axes
            how=first.how,
            note=first.note,
            error=_worst(shown),
            queries=self._axes.sides(shown.queries, a.shape[0], pictures),
            keys=self._axes.sides(shown.keys, a.shape[0], pictures),
            places=list(shown.places) or None,
            signed=signed,
            padding=None,
            rows=Later(),
            overview=self._overview(str(number), shown),
            metrics=self._metrics(str(number), shown) if measured else None,
            options=dict(shown.options),
        )

    def _sampling(self, number: int, shown: Sampled, pictures: Pictures) -> SamplingInfo:
        rows = range(shown.call.shape[0])
        queries = self._axes.sides((shown.queries,), len(rows), pictures)
        images = [pictures.under(shown.queries, row, len(rows)).image(0) for row in rows]
        return sampling_info(self._arrays, shown, number, queries, images)

    def _metrics(self, name: str, shown: Exhibit) -> BlobRef:
        shape, run = (*shown.map.shape[:2], len(MEASURES)), self.runs[shown.run]
        return self._arrays.add(
            f"{name}.metrics", "f4", shape, lambda: metrics_of(run, shown, self._forming.formed)
        )

    def _padding(self, name: str, map_: AttentionMap) -> Padding | None:
        found = padding_of(map_)
        refs = [
            None if one is None else self._arrays.add(f"{name}.{side}", "u1", one.shape, partial(_same, one))
            for side, one in (("queries", found.queries), ("keys", found.keys))
        ]
        return Padding(*refs) if any(refs) else None

    def _overview(self, name: str, shown: Exhibit) -> Overview:
        small, dtype = Small(shown.map, self._forming.formed), dtype_of(shown.map)
        shape = (*shown.map.shape[:2], *small.cells)
        mean = self._arrays.add(f"{name}.mean", dtype, shape, lambda: small.pool("mean"))
        if small.is_whole:
            return Overview(mean, mean, None)
        largest = self._arrays.add(f"{name}.max", dtype, shape, lambda: small.pool("max"))
        return Overview(mean, largest, small.sampled)


def served(runs: Run | Sequence[Run]) -> Payload:
    """Return runs for a page that can ask for rows, columns and tiles too.

    Raises
    ------
    OptionError
        If there are more than two runs, or they hold no map.
    """
    payload = Payload(runs, served=True)
    if not payload.shows:
        raise OptionError(f"a run was to be shown, but there is no map in it: {payload.runs[0].why_empty()}")
    return payload


def _same(array: Any) -> Any:
    return array


def _worst(shown: Exhibit) -> float | None:
    """Return the largest error that was found while recording; None where nothing was compared."""
    errors = [call.error for call in shown.calls if call.error is not None]
    return max((float(NUMPY.as_numpy(error)) for error in errors), default=None)
