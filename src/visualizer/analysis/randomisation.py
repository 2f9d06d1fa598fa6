"""Sanity check: whether maps depend on what the model has learned."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from visualizer.analysis.means import Floats, numbers
from visualizer.errors import ShapeError, require


@contextmanager
def randomised(*modules: Any, seed: int = 0) -> Iterator[None]:
    """Shuffle the weights of modules of a PyTorch model in a block, each parameter on its own; then undo it.

    Adebayo et al. 2018, "Sanity Checks for Saliency Maps": a map that stays the same does not show what the
    model has learned. They go from the last layer to the first: ``randomised(*layers[n:])``, and draw weights
    anew, where these keep their distribution.

    Examples
    --------
    >>> import torch
    >>> layer = torch.nn.Linear(3, 3)
    >>> before = layer.weight.clone()
    >>> with randomised(layer):
    ...     assert not torch.equal(layer.weight, before)
    >>> assert torch.equal(layer.weight, before)
    """
    import torch

    parameters = list({id(one): one for module in modules for one in module.parameters()}.values())
    before = [parameter.detach().clone() for parameter in parameters]
    generator = torch.Generator().manual_seed(seed)
    try:
        with torch.no_grad():
            for parameter in parameters:
                order = torch.randperm(parameter.numel(), generator=generator).to(parameter.device)
                parameter.copy_(parameter.reshape(-1)[order].reshape(parameter.shape))
        yield
    finally:
        with torch.no_grad():
            for parameter, value in zip(parameters, before, strict=True):
                parameter.copy_(value)


def rank_correlation(first: Any, second: Any) -> Floats:
    """Return Spearman's correlation of two maps' weights, (...) in [-1, 1], of arrays (..., token).

    Equal weights have the mean of their ranks; NaN where all are equal.

    Raises
    ------
    ShapeError
        If their shapes differ.
    MissingExtraError
        If scipy is not installed.

    Examples
    --------
    >>> round(float(rank_correlation([0.1, 0.2, 0.7], [1, 5, 9])), 6)
    1.0
    """
    first, second = numbers(first), numbers(second)
    if first.shape != second.shape:
        raise ShapeError(f"weights of shapes {first.shape} and {second.shape} were to be compared")
    stats = require("scipy.stats", "analysis", "rank_correlation")
    ranks = [stats.rankdata(one, axis=-1) for one in (first, second)]
    apart = [one - one.mean(-1, keepdims=True) for one in ranks]
    lengths = [np.sqrt((one**2).sum(-1)) for one in apart]
    with np.errstate(invalid="ignore"):
        return np.asarray((apart[0] * apart[1]).sum(-1) / (lengths[0] * lengths[1]))
