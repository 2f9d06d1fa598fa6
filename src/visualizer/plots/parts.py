"""Which tokens of one side are looked at alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualizer.errors import OptionError

Mask = NDArray[np.bool_]


def tokens_asked(asked: Any, places: Sequence[int], name: str) -> Mask:
    """Return which of some tokens are asked for, bool (token,); what is not among them is left out.

    Parameters
    ----------
    asked
        An int, a slice, what `Run.where` finds, or a list of these: places in the sequence.
    places
        The place of each token, (token,).
    name
        What messages call it.

    Raises
    ------
    OptionError
        If they are something else.

    Examples
    --------
    >>> tokens_asked([0, slice(3, None)], range(5), "part").tolist()
    [True, False, False, True, True]
    """
    every = np.arange(max(places, default=-1) + 1)
    found = [_picked(every, one, name) for one in (asked if isinstance(asked, list | tuple) else [asked])]
    return np.isin(np.asarray(places), np.concatenate([*found, []]))


def part_asked(part: Any, places: Sequence[int], side: str) -> Mask | None:
    """Return which tokens of a side ``part=`` names, bool (token,); None where it is left out.

    A pair, a tuple, is where it begins and ends, as in a slice.

    Raises
    ------
    OptionError
        If it names none, or is no part.

    Examples
    --------
    >>> part_asked((1, 3), range(4), "keys").tolist()
    [False, True, True, False]
    """
    if part is None:
        return None
    pair = isinstance(part, tuple) and len(part) == 2
    mask = tokens_asked(slice(*part) if pair else part, places, "part")
    if not mask.any():
        raise OptionError(f"part={part!r:.60} was asked for, but none of the {len(mask)} {side} is in it")
    return mask


def told_part(mask: Mask, places: Sequence[int]) -> str:
    """Return which tokens are looked at, in words.

    Examples
    --------
    >>> told_part(np.array([False, True, True, False]), range(4))
    'tokens 1 to 2'
    """
    inside = [place for place, there in zip(places, mask, strict=True) if there]
    if len(inside) == 1:
        return f"token {inside[0]}"
    follow = inside[-1] - inside[0] == len(inside) - 1
    return f"tokens {inside[0]} to {inside[-1]}" if follow else f"{len(inside)} tokens"


def _picked(every: Any, one: Any, name: str) -> Any:
    try:
        if isinstance(one, slice):
            return every[one]
        found = np.atleast_1d(one)
        if found.dtype.kind in "iu":
            return every[found[(found >= -len(every)) & (found < len(every))]]
    except (TypeError, ValueError):  # of slices between other things than numbers, of lists of lists
        pass
    raise OptionError(
        f"{name}={one!r:.60} was asked for; give an int, a slice, what run.where finds, or a list"
    )
