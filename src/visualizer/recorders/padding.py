"""Padding among queries: those whose own keys a mask hides from every query."""

from __future__ import annotations

import torch

from visualizer.attention import reading
from visualizer.recorders.readable import is_readable

LOWEST = -5e3
"""No score of a product is lower for all queries; masks add -10,000 or far less."""


def padded_queries(logits: torch.Tensor, axis: int) -> torch.Tensor | None:
    """Return which queries (batch, query) of a map that the model forms are padding; None where none are.

    ``logits`` are what the softmax is taken of, (batch, head, query, key).
    """
    if logits.dim() != 4 or axis % 4 != 3 or not logits.numel() or not _may_be_own(*logits.shape[-2:]):
        return None
    if not is_readable(logits) or not logits.is_floating_point():
        return None
    with reading(), torch.no_grad():
        logits = logits.detach()
        if bool((logits[:, :, -1].amax(1) >= LOWEST).all()):  # the last query sees all keys, as most do
            return None
        valid = valid_queries(logits.amax(1) >= LOWEST)
        return None if valid is None or bool(valid.all()) else ~valid


def valid_queries(allowed: torch.Tensor) -> torch.Tensor | None:
    """Return which queries (batch, query) some query sees the keys of; None where those are not known.

    ``allowed`` says which keys (batch, query or 1, key) each query may see. In a square map the keys are the
    queries'; in one that goes on with a cache, and is causal, the last ones that are seen.
    """
    queries, keys = allowed.shape[-2:]
    seen = allowed.any(-2)
    if queries in {1, keys}:
        return seen
    places = seen.any(0).nonzero()
    end = int(places[-1]) + 1 if len(places) else 0
    start = end - queries
    if start < 0 or bool(allowed[..., start:end].triu(1).any()):
        return None
    return seen[..., start:end]


def _may_be_own(queries: int, keys: int) -> bool:
    """Tell whether the queries' own tokens may be among the keys; of one query alone it cannot be told."""
    return 1 < queries <= keys or queries == keys
