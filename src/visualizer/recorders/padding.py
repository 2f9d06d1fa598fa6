"""Padding in maps that a model forms itself: keys that no query sees, as a mask has made them too low."""

from __future__ import annotations

import torch

from visualizer.attention import reading
from visualizer.recorders.readable import is_readable

LOWEST = -5e3
"""No score of a product is lower for all queries; masks add -10,000 or far less."""


def unseen_keys(logits: torch.Tensor, axis: int) -> torch.Tensor | None:
    """Return which keys (batch, key) of a square map no query of any head sees; None where all are seen.

    ``logits`` are what the softmax is taken of, (batch, head, query, key).
    """
    if logits.dim() != 4 or axis % 4 != 3 or logits.shape[-1] != logits.shape[-2] or not logits.numel():
        return None
    if not is_readable(logits) or not logits.is_floating_point():
        return None
    with reading(), torch.no_grad():
        unseen = logits.detach().amax((1, 2)) < LOWEST
        return unseen if bool(unseen.any()) else None
