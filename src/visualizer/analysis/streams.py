"""Relevance where two streams look at one another in turn, as text and image do in LXMERT."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from visualizer.analysis.attributing import layer_of
from visualizer.analysis.means import Floats, divided, exact, numbers, plus
from visualizer.attention import AttentionMap
from visualizer.attention.arrays import Array, arrays_of
from visualizer.errors import ShapeError

Step = tuple[str, str, Any, Any]
"""Whose queries and whose keys, the map, and its gradient."""
Relevances = dict[tuple[str, str], Floats]


def co_relevance(steps: Iterable[Step | list[Step]]) -> Relevances:
    """Return how relevant each token of each stream is to each of each, by (stream, stream), (batch, s, q).

    Chefer et al. 2021, "Generic Attention-model Explainability for Interpreting Bi-Modal and Encoder-Decoder
    Transformers", equations 5 to 11. For self-attention R^ss ← R^ss + Ā R^ss and R^sq ← R^sq + Ā R^sq; for
    attention of s to q R^sq ← R^sq + (R̄^ss)ᵀ Ā R̄^qq and R^ss ← R^ss + Ā R^qs. Each R is formed, N × N, where
    the layers are; of Ā rows are, some at a time. Rows of one token alone would take a number of products
    with Ā that doubles with each layer of attention between streams, as R̄ stands on both sides of it there.

    Parameters
    ----------
    steps
        In the order of execution ``("text", "image", map, gradient)``: whose queries, whose keys, a map
        (batch, head, query, key) and its gradient. Those that read what was there before either, as both
        directions of one layer do, together in a list.

    Raises
    ------
    ShapeError
        If a stream has another length than before.
    MemoryBudgetError
        If an R takes more than the budget.

    Examples
    --------
    >>> import numpy as np
    >>> a, g = np.full((1, 1, 2, 3), 1 / 3), np.ones((1, 1, 2, 3))
    >>> co_relevance([("text", "image", a, g)])["text", "image"][0].round(2).tolist()
    [[0.33, 0.33, 0.33], [0.33, 0.33, 0.33]]
    """
    found: dict[tuple[str, str], Array] = {}
    for step in steps:
        together = step if isinstance(step, list) else [step]
        added = [one for s, q, a, gradient in together for one in _added(found, s, q, layer_of(a, gradient))]
        for streams, more in added:
            found[streams] = plus(found[streams], more)
    return {streams: numbers(one) for streams, one in found.items()}


def _added(found: Any, s: str, q: str, layer: AttentionMap) -> list[tuple[tuple[str, str], Array]]:
    """Return what one step adds to which relevances; those of streams that are new begin."""
    for stream, length in zip((s, q), layer.shape[1:], strict=True):
        _begin(found, stream, length, len(layer))
    if s == q:
        return [((s, other), layer @ found[s, other]) for first, other in list(found) if first == s]
    crossed = exact(layer @ _normalised(found[q, q]))
    xp = arrays_of(crossed)
    with xp.reading():
        crossed = xp.asarray(_normalised(found[s, s])).swapaxes(-1, -2) @ crossed
    return [((s, q), crossed), ((s, s), layer @ found[q, s])]


def _begin(found: Any, stream: str, length: int, batch: int) -> None:
    """Have a new stream begin: its tokens are relevant to themselves, and to no other's."""
    lengths = {s: one.shape[-1] for (s, q), one in found.items() if s == q}
    if lengths.setdefault(stream, length) != length:
        raise ShapeError(
            f"the stream {stream!r} has {length} tokens in one map, but {lengths[stream]} before"
        )
    for other, tokens in lengths.items():
        for pair, shape in (((stream, other), (length, tokens)), ((other, stream), (tokens, length))):
            if pair not in found:
                start = np.eye(length) if stream == other else np.zeros(shape)
                found[pair] = np.broadcast_to(start, (batch, *shape))


def _normalised(relevance: Array) -> Array:
    """Return R̄: what is not the identity, by rows as shares; rows of zeros stay zeros."""
    identity = arrays_of(relevance).asarray(np.eye(relevance.shape[-1]))
    beyond = relevance - identity
    return divided(beyond, beyond.sum(-1, keepdims=True)) + identity
