"""Perturbation: what a prediction loses where the tokens go that a map points to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualizer.analysis.means import Floats, numbers
from visualizer.errors import OptionError, ShapeError

STEPS = tuple(share / 10 for share in range(11))


@dataclass(frozen=True)
class Curve:
    """Scores after tokens were removed.

    Attributes
    ----------
    shares
        Which share of the tokens was removed, (step,).
    scores
        What was predicted then, (input, step).
    """

    shares: Floats
    scores: Floats

    @property
    def area(self) -> Floats:
        """The area under each curve, (input,), by trapezoids, over the width of its shares."""
        shares = self.shares
        between = (self.scores[..., 1:] + self.scores[..., :-1]) / 2 * np.diff(shares)
        return np.asarray(between.sum(-1) / (shares[-1] - shares[0]))


def perturbation(
    weights: Any,
    predict: Callable[[NDArray[np.bool_]], Any],
    *,
    most: bool = True,
    shares: Sequence[float] = STEPS,
) -> Curve:
    """Remove more and more tokens, the most or the least attended first, and return the scores.

    Chefer et al. 2021, "Transformer Interpretability Beyond Attention Visualization": *positive*
    perturbation removes the most relevant first, and a small area under its curve speaks for the map;
    *negative* the least relevant, and a large one does. Compare with the curves of random weights.

    Parameters
    ----------
    weights
        What each token is worth, (input, token).
    predict
        Given which tokens are left, booleans (input, token), it removes the others from the inputs and
        returns a score of each, (input,), such as the logit of its class, or 1 where the answer is right.
    most
        Whether the most attended go first; of equal ones the first.
    shares
        Shares of the tokens to remove, rising, 0 to 1.

    Raises
    ------
    ShapeError
        If weights have other axes, or there is not a score for each input.
    OptionError
        If there are fewer than two shares, or they do not rise from 0 to 1.

    Examples
    --------
    >>> import numpy as np
    >>> curve = perturbation([[0.7, 0.1, 0.2, 0.0]], lambda left: left[:, 0] * 1.0, shares=(0, 0.25, 1))
    >>> curve.scores.tolist(), curve.area.tolist()
    ([[1.0, 0.0, 0.0]], [0.125])
    """
    weights = numbers(weights)
    if weights.ndim != 2:
        raise ShapeError(f"weights of shape {weights.shape} were given; wanted is (input, token)")
    steps = np.asarray(shares, np.float64)
    if len(steps) < 2 or (np.diff(steps) <= 0).any() or steps[0] < 0 or steps[-1] > 1:
        raise OptionError(f"shares={tuple(shares)} were asked for; give two or more that rise, from 0 to 1")
    order = np.argsort(-weights if most else weights, -1, kind="stable")
    rank = np.argsort(order, -1)
    scores = []
    for share in steps:
        found = numbers(predict(rank >= round(share * weights.shape[-1])))
        if found.shape != weights.shape[:1]:
            raise ShapeError(
                f"{len(weights)} inputs have scores of shape {found.shape}; wanted is a number for each"
            )
        scores.append(found)
    return Curve(steps, np.stack(scores, -1))
