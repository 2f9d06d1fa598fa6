"""Blocks of rows as one map: the steps of a generation, each with the keys that it had."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from visualizer.attention.arrays import NUMPY, Array
from visualizer.attention.blocks import Source
from visualizer.attention.given import as_numbers
from visualizer.attention.indices import At, Index, compose, take_axis
from visualizer.attention.lazy import LazyMap
from visualizer.errors import ShapeError, TargetError

if TYPE_CHECKING:
    from visualizer.attention.map import AttentionMap


class Stitched(Source):
    """Maps of successive steps as one map over the whole sequence: pass it to `AttentionMap`.

    Parameters
    ----------
    blocks
        (map, positions) of each step in order. The map is (..., head, query, key), the other axes alike in
        all; its rows follow those of the step before. The positions (key,) say which keys of the sequence its
        keys are; keys that a step did not have, evicted or still to come, have weight 0.

    Raises
    ------
    ShapeError
        If there are no blocks, or their shapes or positions do not fit.
    TargetError
        If they are no pairs with a map, or some are held by torch and some by numpy.

    Examples
    --------
    >>> from visualizer.attention import AttentionMap, Dense
    >>> prefill, step = (AttentionMap(Dense(np.tri(n, 3, 3 - n) / 3)) for n in (2, 1))
    >>> AttentionMap(Stitched([(prefill, [0, 1, 2]), (step, [0, 2, 3])])).numpy()[-1]
    array([0.33333333, 0.        , 0.33333333, 0.33333333])
    """

    kind = "blocks of rows"

    def __init__(self, blocks: Sequence[tuple[AttentionMap, Any]]) -> None:
        self.steps = [_step(block, positions) for block, positions in _pairs(blocks)]
        if not self.steps:
            raise ShapeError("maps were to be stitched, but there are none: give (map, positions) pairs")
        self.ends = np.cumsum([len(at[-1]) for _, at, _ in self.steps])
        first, at, _ = self.steps[0]
        leading = tuple(len(index) for index in at[:-1])
        if any(tuple(len(index) for index in other[:-1]) != leading for _, other, _ in self.steps):
            raise ShapeError(f"maps of different batch or heads were to be stitched; the first has {leading}")
        if any(type(source.xp) is not type(first.xp) for source, _, _ in self.steps):
            raise TargetError("maps of torch and of numpy were to be stitched: make them of one library")
        keys = 1 + max(int(np.asarray(positions).max()) for *_, positions in self.steps)
        self.shape = (*leading, int(self.ends[-1]), keys)
        self.xp, self.work, self.dtype = first.xp, first.work, first.dtype

    def check_unchanged(self) -> None:
        """Ask every step."""
        for source, _, _ in self.steps:
            source.check_unchanged()

    def tensors(self) -> list[Array]:
        """Return every array that is held."""
        return [tensor for source, _, _ in self.steps for tensor in source.tensors()]

    def weights(self, at: At) -> Array:
        """Put the rows of each step where its keys lie."""
        return self._scatter(at, lambda source, part: source.weights(part), 0.0)

    def logits(self, at: At) -> Array:
        """Put the logits of each step where its keys lie; minus infinity elsewhere."""
        return self._scatter(at, lambda source, part: source.logits(part), -np.inf)

    def allowed(self, at: At) -> Array:
        """Return which keys each step had and its queries could see."""

        def seen(source: Source, part: At) -> Array:
            allowed = source.allowed(part)
            return True if allowed is None else allowed

        return self._scatter(at, seen, fill=False) != 0

    def query_valid(self, at: At) -> Array | None:
        """Return which queries are no padding."""
        found = [(source.query_valid(part), rows) for source, part, rows, _ in self._touched(at)]
        known = [(valid, rows) for valid, rows in found if valid is not None]
        if not known:
            return None
        leading = np.broadcast_shapes(*(tuple(valid.shape[:-1]) for valid, _ in known))
        out = self.xp.zeros((*leading, len(at[-1])), self.xp.boolean) | True
        for valid, rows in known:
            out[..., rows] = valid
        return out

    def lse(self, at: At) -> Array:
        """Return the logarithm of denominators."""
        out = self.xp.zeros(tuple(len(index) for index in at), self.work)
        for source, part, rows, _ in self._touched(at):
            out[..., rows] = self.xp.cast(source.lse(part), self.work)
        return out

    def apply(self, at: At, w: Array) -> Array:
        """Apply each step to the rows of ``w`` that are its keys."""
        out = self._zeros(at, len(at[-1]), w.shape[-1])
        for source, part, rows, positions in self._touched(at):
            mine = take_axis(self.xp, w, positions, w.ndim - 2)
            out[..., rows, :] = self.xp.cast(source.apply(part, mine), self.work)
        return out

    def apply_t(self, at: At, u: Array) -> Array:
        """Add up what the keys of each step receive."""
        out = self._zeros(at, self.shape[-1], u.shape[-1])
        for source, part, rows, positions in self._touched(at):
            mine = take_axis(self.xp, u, rows, u.ndim - 2)
            out[..., positions, :] += self.xp.cast(source.apply_t(part, mine), self.work)
        return out

    def _touched(self, at: At) -> Iterator[tuple[Source, At, Any, Any]]:
        """Yield each step that has some of these rows, what to pick of it, where its rows and keys lie."""
        numbers = np.asarray(at[-1])
        owners = np.searchsorted(self.ends, numbers, "right")
        for owner in np.unique(owners):
            source, whole, positions = self.steps[owner]
            rows = np.flatnonzero(owners == owner)
            local = numbers[rows] - (self.ends[owner] - len(whole[-1]))
            yield source, compose(whole, (*at[:-1], local)), rows, np.asarray(positions, np.intp)

    def _scatter(self, at: At, function: Callable[[Source, At], Any], fill: float) -> Array:
        """Put rows of the steps where their keys lie."""
        out = self.xp.zeros((*(len(index) for index in at), self.shape[-1]), self.work) + fill
        for source, part, rows, positions in self._touched(at):
            found = function(source, part)
            out[..., rows[:, None], positions] = found if found is True else self.xp.cast(found, self.work)
        return out


def _pairs(blocks: Any) -> list[tuple[AttentionMap, Any]]:
    try:
        pairs = [(block, positions) for block, positions in blocks]
    except (TypeError, ValueError):
        pairs = [(blocks, None)]
    for block, _ in pairs:
        if not isinstance(block, LazyMap):
            raise TargetError(
                f"a {type(block).__name__} was to be stitched: give a list of (AttentionMap, positions) pairs"
            )
    return pairs


def _step(block: AttentionMap, positions: Any) -> tuple[Source, At, Index]:
    source, at = block.opened()
    if isinstance(positions, range):
        positions = np.arange(positions.start, positions.stop, positions.step)
    numbers = as_numbers(NUMPY, "stitching at positions", positions)
    if numbers.shape != (source.shape[-1],) or numbers.dtype.kind not in "iu" or (numbers < 0).any():
        raise ShapeError(
            f"a map with {source.shape[-1]} keys was to be stitched with positions of shape {numbers.shape}; "
            "wanted is one position from 0 on for each key"
        )
    if len(np.unique(numbers)) < len(numbers):
        raise ShapeError(
            "a map was to be stitched with the same position for two of its keys; wanted is one for each key"
        )
    return source, at, _compact(numbers.astype(np.intp))


def _compact(numbers: Any) -> Index:
    """Return positions in one piece as a range: with a number for each, memory would grow as a map does."""
    run = range(int(numbers[0]), int(numbers[0]) + len(numbers)) if len(numbers) else range(0)
    return run if len(run) and np.array_equal(numbers, np.arange(run.start, run.stop)) else numbers
