"""Tokens that stand out: registers that a vision model made for itself, and other outliers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualizer.analysis.means import numbers

TYPICAL = 1.4826
"""A normal distribution's standard deviation over its median deviation from the median."""


def outliers(values: Any, *, above: float = 8.0) -> NDArray[np.bool_]:
    """Tell which tokens stand out, booleans (..., token): by median and median deviation.

    A token does where its value lies more than ``above`` times the others' typical deviation over their
    median, ``(x − median) / (1.4826 · median |x − median|)``: a few large ones do not hide one another, as
    they would in a standard deviation.

    Parameters
    ----------
    values
        A number for each token (..., token): the norm of a layer's output, as Darcet et al. 2024, "Vision
        Transformers Need Registers", look at, or what tokens receive, ``a.received()``.

    Examples
    --------
    >>> outliers([1.0, 1.1, 0.9, 1.05, 30.0]).tolist()
    [False, False, False, False, True]
    """
    values = numbers(values)
    median = np.median(values, axis=-1, keepdims=True)
    typical = TYPICAL * np.median(np.abs(values - median), axis=-1, keepdims=True)
    found: NDArray[np.bool_] = values - median > above * np.maximum(typical, np.finfo(np.float64).tiny)
    return found
