"""Tokens that are asked for, as the vectors that go through layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from visualizer.analysis.means import Floats, numbers
from visualizer.errors import OptionError


def picked(batch: int, tokens: int, queries: Any) -> tuple[Floats, bool]:
    """Return ones at the tokens that are asked for, (batch, token, column), and whether it is one token.

    Raises
    ------
    OptionError
        If there are no such tokens.
    """
    try:
        places = np.atleast_1d(np.arange(tokens)[slice(None) if queries is None else queries])
    except IndexError:
        raise OptionError(f"queries={queries!r} was asked for of {tokens} tokens") from None
    u = np.zeros((batch, tokens, len(places)))
    u[:, places, np.arange(len(places))] = 1
    return u, isinstance(queries, int | np.integer)


def as_rows(u: Any, is_one: bool) -> Floats:
    """Return vectors (batch, token, column) that went through layers as rows; of one token alone its row."""
    found = numbers(u)
    return found[..., 0] if is_one else found.swapaxes(-1, -2)
