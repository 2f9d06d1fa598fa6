"""Mean attention distance: how far a head looks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from visualizer.analysis.means import Floats, as_map, library, numbers, over_queries
from visualizer.attention.arrays import Array
from visualizer.axes import Axis, as_axis
from visualizer.errors import OptionError


def distance(
    a: Any, axis: Any = None, *, keys: Any = None, size: Sequence[float] = (), batch: int = 0
) -> Floats:
    """Return each head's mean distance between query and key, weighted by attention, (...).

    ``Σⱼ aᵢⱼ |pᵢ − pⱼ| / Σⱼ aᵢⱼ`` over the keys that have a place, then the mean over the queries that have
    one: class tokens and registers, and text beside patches, take no part. Dosovitskiy et al. 2021, "An Image
    is Worth 16x16 Words", "mean attention distance", of patches in pixels.

    Parameters
    ----------
    a
        A map (..., query, key).
    axis
        What the queries are, an `Axis` or its segments; the distance is that of their centres. Without it
        places are numbers of tokens, and the last query is at the last key.
    keys
        What the keys are; the same unless given.
    size
        Height and width of the image in pixels, (224, 224): the unit. Without it, of shares of the image.
    batch
        Of windows, which row of the batch: windows at the edge may hold cells that only fill up.

    Raises
    ------
    ShapeError
        If an axis has another length than the map.
    OptionError
        If its tokens have no places.

    Examples
    --------
    >>> import numpy as np
    >>> from visualizer.axes import Grid
    >>> distance(np.full((4, 4), 0.25), Grid(2, 2), size=(32, 32)).round(2)  # (0 + 16 + 16 + 16 √2) / 4
    np.float64(13.66)
    """
    a = as_map(a)
    of_queries, of_keys = places(a.shape[-2:], axis, keys, size, batch)
    is_key = ~np.isnan(of_keys).any(-1)

    xp = library(a)
    own, others = (xp.asarray(np.nan_to_num(one).T) for one in (of_queries, of_keys))
    counted = xp.asarray(is_key.astype(np.float64))

    def of_rows(rows: Array, at: Any) -> tuple[Array, Array]:
        apart = abs(own[:, np.asarray(at[-1]), None] - others[:, None])  # (coordinate, row, key)
        away = counted * (apart[0] if len(apart) == 1 else (apart**2).sum(0) ** 0.5)
        per_row = rows[..., None, :] @ xp.cast(away, rows.dtype)[..., None]  # products hold nothing like rows
        return per_row[..., 0, 0], rows @ xp.cast(counted, rows.dtype)

    weighted, mass = (numbers(found) for found in a.read_rows(of_rows))
    with np.errstate(invalid="ignore"):
        mean = weighted / mass
    return over_queries(a, mean, ~np.isnan(of_queries).any(-1) & (mass > 0))


def places(
    lengths: Sequence[int], axis: Any, keys: Any, size: Sequence[float], batch: int = 0
) -> tuple[Floats, Floats]:
    """Return the centres (token, coordinate) of queries and keys; NaN where they have none."""
    if axis is None and keys is None:
        queries, every = lengths
        first, last = (np.arange(begin, every, dtype=np.float64) for begin in (every - queries, 0))
        return first[:, None], last[:, None]
    given = [as_axis(axis if axis is not None else keys), as_axis(keys if keys is not None else axis)]
    for one, length, of in zip(given, lengths, ("queries", "keys"), strict=True):
        one.check(length, f"the map has {{}} {of}")
    centres_of = [[_centre(one, token, size, batch) for token in range(one.length)] for one in given]
    width = max(len(centre) for centres in centres_of for centre in centres)
    if not width:
        raise OptionError(f"distances were asked for between {given[0].arithmetic}, which have no places")
    first, second = (
        np.array([c if len(c) == width else (np.nan,) * width for c in centres], np.float64)
        for centres in centres_of
    )
    return first, second


def _centre(axis: Axis, token: int, size: Sequence[float], batch: int) -> tuple[float, ...]:
    """Return the middle of a token's place, of a box (x, y), of a span one number; () where it has none."""
    place = axis.place(token, size, batch)
    if place is None:
        return ()
    if len(place) == 2:  # begin and end
        return (sum(place) / 2,)
    corner, lengths = np.split(np.asarray(place), 2)
    return tuple(corner + lengths / 2)
