"""Two runs side by side: which heads changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from visualizer.analysis.means import Floats, as_map, over_queries
from visualizer.attention import AttentionMap
from visualizer.attention.arrays import NUMPY, Array, arrays_of
from visualizer.attention.indices import take_axis
from visualizer.axes import Axis, Ids, Unknown
from visualizer.calls import Call
from visualizer.errors import CallsError, ShapeError
from visualizer.readout_table import PLACES, Table, item_of
from visualizer.run import Run

NEARLY = -1 + 2**-24  # -1, with a logarithm
TINY = 2**-126  # the smallest normal number


@dataclass(frozen=True)
class Differences:
    """How much two maps' rows differ, each (..., head), the mean over queries but for the largest.

    Attributes
    ----------
    total_variation
        ``½ Σ |a − b|``, 0 to 1: the share of attention that went elsewhere.
    jensen_shannon
        The mean of the Kullback–Leibler divergences of both from their mean, in nats, 0 to log 2.
    largest
        The largest difference of two weights.
    """

    total_variation: Floats
    jensen_shannon: Floats
    largest: Floats


def differences(a: Any, b: Any) -> Differences:
    """Return how much the rows of two maps of one shape differ, head by head.

    What rows lack to 1 counts as one more key. Padded queries of the first are left out of the means.

    Raises
    ------
    ShapeError
        If their shapes differ.

    Examples
    --------
    >>> import numpy as np
    >>> differences(np.eye(2)[None], np.full((1, 2, 2), 0.5)).total_variation.tolist()
    [0.5]
    """
    a, b = as_map(a), as_map(b)
    if a.shape != b.shape:
        raise ShapeError(f"maps of shapes {a.shape} and {b.shape} were to be compared: they must be alike")
    return _differences(a, b, range(a.shape[-1]))


def compare(first: Run, second: Run) -> Table:
    """Return one row for each head that both runs have: how much its attention differs.

    Calls are aligned by module path and number, tokens by their axes: of two texts those that both have, in
    order, are compared, with or without a space before, and the weight on all others counts as one more key.
    Where one run does not know its tokens, as one on disk without its inputs, they are compared place by
    place. The columns are ``queries``, how many were compared, and those of `Differences`, NaN where no token
    is in both; ``sort("total_variation", descending=True)`` shows the heads that moved most.

    Raises
    ------
    CallsError
        If the runs have no call in common.
    ShapeError
        If maps differ in shape and have no axes to align them by, or in batch or heads, or tokens are text in
        one run and ids in the other.

    Examples
    --------
    >>> import numpy, visualizer
    >>> first, second = numpy.full((2, 2), 0.5), numpy.eye(2)
    >>> compare(*(visualizer.from_arrays({"layer.0": one}) for one in (first, second)))
       path  call  item  batch  head  queries  total_variation  jensen_shannon  largest
    layer.0     0  None      0     0        2              0.5          0.2158      0.5
    """
    others = {(call.path, call.number): Side(second, call) for call in second}
    pairs = [(Side(first, call), others.get((call.path, call.number))) for call in first]
    rows = [row for mine, other in pairs if other is not None for row in _rows(mine, other)]
    if not rows:
        had, has = (", ".join(run.paths[:3]) or "none" for run in (first, second))
        raise CallsError(
            f"two runs were to be compared, but they have no call in common: the first has {had}, the "
            f"second {has}; give capture the module that both have, such as what a wrapper holds"
        )
    return Table(rows)


class Side(NamedTuple):
    """A call and the run that it is of, which says what its tokens are."""

    run: Run
    call: Call

    def axis(self, of: str, batch: int) -> Axis | None:
        """Return what its queries or keys are; None where nothing says that."""
        try:
            return self.run.axis(self.call, of, batch)
        except CallsError:
            return None

    def length(self, of: str) -> int:
        """Return how many queries or keys it has."""
        return self.call.shape[-2 if of == "queries" else -1]


def _rows(mine: Side, other: Side) -> Iterator[dict[str, Any]]:
    call, shapes = mine.call, (mine.call.shape[:2], other.call.shape[:2])
    if shapes[0] != shapes[1]:
        raise ShapeError(
            f"{call.path} was to be compared, but has {shapes[0]} batch rows and heads in the first run and "
            f"{shapes[1]} in the second: record both with the same batch"
        )
    for batch in range(call.shape[0]):
        queries, keys = (_aligned(mine, other, of, batch) for of in ("queries", "keys"))
        found = _of_common((mine, other), batch, queries, keys)
        for head in range(call.shape[1]):
            places = (call.path, call.number, item_of(call, batch), batch, head)
            values = {name: float(value[0, head]) for name, value in vars(found).items()}
            yield dict(zip(PLACES, places, strict=True)) | {"queries": len(queries[0])} | values


def _of_common(sides: Sequence[Side], batch: int, queries: Any, keys: Any) -> Differences:
    """Compare one row of the batch at the tokens that both sides have."""
    if not len(queries[0]) or not len(keys[0]):
        return Differences(*[np.full((1, sides[0].call.shape[1]), np.nan)] * 3)
    a, b = (side.call.map[batch : batch + 1, :, queries[n], :] for n, side in enumerate(sides))
    return _differences(a, b[..., keys[1]], keys[0])


def _aligned(mine: Side, other: Side, of: str, batch: int) -> tuple[Any, Any]:
    """Return the places of the tokens that two axes have in common, in each of them."""
    axes, lengths = (mine.axis(of, batch), other.axis(of, batch)), (mine.length(of), other.length(of))
    if (
        axes[0] is None
        or axes[1] is None
        or axes[0] == axes[1]
        or any(_is_unknown(one) for one in axes if one)
    ):
        if lengths[0] != lengths[1]:
            raise ShapeError(
                f"{mine.call.path} was to be compared, but has {lengths[0]} {of} in the first run and "
                f"{lengths[1]} in the second, and nothing says which are the same: label both runs"
            )
        return (np.arange(lengths[0]),) * 2
    if len({any(isinstance(segment, Ids) for segment in one.segments) for one in axes if one}) > 1:
        raise ShapeError(
            f"{mine.call.path} was to be compared, but one run knows the text of its {of}, and the other "
            "only ids: label both runs with the tokenizer"
        )
    return _common(axes[0].names, axes[1].names)


@lru_cache(64)  # the calls of a forward have the same
def _common(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[Any, Any]:
    """Return the places of what two texts have in common, in order; the first word lacks its space."""
    mine, other = ([name.strip() for name in names] for names in (first, second))
    blocks = SequenceMatcher(None, mine, other, autojunk=False).get_matching_blocks()
    places = [[np.arange(block[side], block[side] + block.size) for block in blocks] for side in (0, 1)]
    return np.concatenate(places[0]), np.concatenate(places[1])


def _is_unknown(axis: Axis) -> bool:
    return any(isinstance(one, Unknown) for one in axis.segments)


def _differences(a: AttentionMap, b: AttentionMap, keys: Any) -> Differences:
    """Compare some columns of a map with another, the columns of which may have been picked."""

    def of_rows(rows: Array, at: Any) -> tuple[Array, Array, Array]:
        xp, there = arrays_of(rows), tuple(slice(index.start, index.stop) for index in at)
        mine = take_axis(xp, xp.cast(rows, xp.float32), keys, rows.ndim - 1)
        other = xp.asarray(b[there].array(), xp.float32).reshape(mine.shape)
        return _of_rows(xp, _whole(xp, mine), _whole(xp, other))

    variation, divergence, largest = a.read_rows(of_rows)
    largest = NUMPY.as_numpy(largest).max(-1)
    return Differences(over_queries(a, variation), over_queries(a, divergence), largest)


def _whole(xp: Any, rows: Array) -> Array:
    """Return rows with one more column, what they lack to 1."""
    lacking = (1 - rows.sum(-1, keepdims=True, dtype=xp.exact_dtype())).clip(0)
    return xp.concat([rows, xp.cast(lacking, xp.float32)], -1)


def _of_rows(xp: Any, a: Array, b: Array) -> tuple[Array, Array, Array]:
    """Compare rows; over their mean, a is 1 + share and b is 1 − share, of which log1p loses no digit."""
    apart = a - b
    share = apart / (a + b).clip(TINY)
    terms = a * xp.log1p(share.clip(NEARLY)) + b * xp.log1p((-share).clip(NEARLY))
    apart = abs(apart)
    variation, divergence = (one.sum(-1, dtype=xp.exact_dtype()) / 2 for one in (apart, terms))
    return variation, divergence.clip(0), xp.amax(apart[..., :-1], -1)
