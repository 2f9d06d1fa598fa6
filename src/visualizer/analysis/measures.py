"""One table of what every head of a run does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from visualizer.analysis.columns import MEASURES, OF_POINTS, Measure, Tokens
from visualizer.attention import AttentionMap
from visualizer.axes import Axis
from visualizer.calls import Call
from visualizer.errors import CallsError, OptionError
from visualizer.images import Seen
from visualizer.readout_table import Table, item_of, readout_table
from visualizer.run import Run

PADDING = frozenset({"[PAD]", "<pad>", "<|pad|>"})
SPECIAL = ("pad", "bos", "eos", "sep", "cls", "unk")


def metrics(run: Run, calls: Iterable[Call] | None = None, measures: Sequence[str] | None = None) -> Table:
    """Return one row for each call, row of the batch and head, with a column for each measure.

    ============================  ==========================================================  ===============
    column                        the mean over queries of                                    unit
    ============================  ==========================================================  ===============
    ``entropy``                   −Σ a log a                                                  nats
    ``relative_entropy``          that over the log of how many keys the query sees           share
    ``distance``                  the distance to the keys                                    tokens
    ``distance_in_pixels``        the distance to the patches, of patches                     pixels
    ``diagonal``                  the weight on the token itself                              share
    ``previous_token``            the weight on the token before                              share
    ``next_token``                the weight on the token after                               share
    ``first_token``               the weight on the first key                                 share
    ``special_tokens``            the weight on class tokens, registers, ``[SEP]`` …          share
    ``padding``                   the weight on padding, of real queries: a bug unless 0      share
    ``sinks``                     (their number: keys that receive above 0.3 on average)      keys
    ``sink_mass``                 the weight on these                                         share
    ``rest``                      what the weights lack to 1: sinks without a key took it     share
    ``same_token``                the weight on the query's own token, wherever it is         share
    ``duplicate_token``           the weight on it where it was before                        share
    ``induction``                 the weight on what followed it before                       share
    ============================  ==========================================================  ===============

    Of all calls of the run, or only of some; of all measures, or only of some. A value is NaN where it has
    no meaning: pixels without an image and patches (`Run.label`); tokens without their text or ids, of a run
    on disk those of ``save(inputs=True)``; padding where there is none, or its token means something else
    too, as the end of a text does for GPT-2; places of queries that are not known to be of one sequence with
    the keys, as in cross-attention, unless nothing is known of either; of deformable attention all but
    entropies and rest. Nothing as large as a map is formed.

    Raises
    ------
    OptionError
        If there is no such measure.
    CallsError
        If the run holds read-outs in the place of maps.

    Examples
    --------
    >>> import numpy, visualizer
    >>> run = visualizer.from_arrays({"layer.0": numpy.eye(4)[None]})
    >>> metrics(run, measures=["entropy", "diagonal"])
       path  call  item  batch  head  entropy  diagonal
    layer.0     0  None      0     0        0         1
    """
    measures = tuple(MEASURES) if measures is None else measures
    if unknown := [name for name in measures if name not in MEASURES]:
        raise OptionError(f"the measure {unknown[0]!r} was asked for; there are {', '.join(MEASURES)}")
    return Table(row for call in (run if calls is None else calls) for row in _rows(run, call, measures))


def _rows(run: Run, call: Call, measures: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Read one row of the batch after the other: each has its tokens, and one on disk is read once."""
    for batch in range(len(call.map)):
        read = _of_points(measures) if call.levels else _of_keys(run, call, batch, measures)
        mine = replace(call, content=call.map[batch : batch + 1])
        for row in readout_table([mine], read):
            yield row | {"item": item_of(call, batch), "batch": batch}


def _of_keys(run: Run, call: Call, batch: int, measures: Sequence[str]) -> dict[str, Any]:
    """Return what reads each measure of a row of the batch; NaN where it has no meaning."""
    queries, keys = (_axis(run, call, of, batch) for of in ("queries", "keys"))
    unread = _axis(run, call, "keys", batch, is_read=False)
    tokens = Tokens(queries, keys, unread, _size(run), batch, _padding(run))

    def read(measure: Measure, a: AttentionMap) -> Any:
        found = measure(a, tokens)
        return np.full(a.shape[:2], np.nan) if found is None else found

    return {name: partial(read, MEASURES[name]) for name in measures}


def _of_points(measures: Sequence[str]) -> dict[str, Any]:
    """Return as much of deformable attention."""
    return {name: OF_POINTS.get(name, lambda a: np.full(a.shape[:3], np.nan)) for name in measures}


def _size(run: Run) -> Any:
    """Return height and width in pixels of what the model was given, where that is one image."""
    return run.seen.box[:1:-1] if isinstance(run.seen, Seen) else None


def _padding(run: Run) -> frozenset[str]:
    """Return names of padding: the usual ones, and the tokenizer's where that means nothing else too."""
    padding, *others = (getattr(run.labels.tokenizer, f"{name}_token", None) for name in SPECIAL)
    return PADDING.union([padding] if padding else []).difference(others)


def _axis(run: Run, call: Call, of: str, batch: int, *, is_read: bool = True) -> Axis | None:
    labels = run.labels if is_read else run.labels.unread
    try:
        return labels.shared([call], of, batch)
    except CallsError:
        return None
