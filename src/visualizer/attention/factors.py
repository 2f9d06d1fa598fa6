"""All that one attention call is: its factors, and the band of keys that a query may see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from visualizer.attention.arrays import Array, alike
from visualizer.attention.changes import Watched
from visualizer.attention.closures import arrays_read
from visualizer.attention.given import check_array, is_number, is_whole
from visualizer.attention.shapes import check_broadcast
from visualizer.errors import OptionError, ShapeError, TargetError


@dataclass(frozen=True)
class Band:
    """The keys near a diagonal: query i sees key j if ``i + diagonal - left <= j <= i + diagonal + right``.

    Parameters
    ----------
    diagonal
        The key that belongs to query 0: an int, or one for each query, as integers (query,).
    left, right
        How many keys before and after it are seen; None: all.

    Examples
    --------
    >>> Band()  # causal as scaled_dot_product_attention(is_causal=True): aligned at the top left
    Band(diagonal=0, left=None, right=0)
    >>> Band(diagonal=10 - 4)  # as flash-attn from 2.1 on: the last of 4 queries sees all 10 keys
    Band(diagonal=6, left=None, right=0)
    """

    diagonal: Any = 0
    left: int | None = None
    right: int | None = 0

    def __post_init__(self) -> None:
        for name in ("diagonal", "left", "right"):
            object.__setattr__(self, name, _number(getattr(self, name)))
        places = (self.left, self.right)
        if not is_whole(self.diagonal) or not all(place is None or is_whole(place) for place in places):
            raise OptionError(
                f"{self!r} was asked for; its diagonal is an int or an array of integers, left and right are "
                "ints or None"
            )

    @property
    def is_endless(self) -> bool:
        """Whether it forbids nothing."""
        return self.left is None and self.right is None


@dataclass(frozen=True, eq=False)
class Factors(Watched):
    """The factors of one attention map, torch tensors or numpy arrays, held as they are in the library of q.

    The map is ``softmax(logits)`` over keys, where ``logits = scale * q @ k.T``, then in this order: soft
    cap, `score_mod`, plus `bias`, `slopes` and an additive `mask`, and minus infinity where a boolean `mask`,
    `band`, `segments` or `mask_mod` forbid.

    Parameters
    ----------
    q, k
        Queries (..., head, query, d) and keys (..., key head, key, d). Query head h reads key head
        ``h // (heads // key_heads)``.
    scale
        A float, or an array that broadcasts to (..., head, 1, 1).
    mask
        Booleans (True: may attend) or numbers, integers too, that are added; broadcasts to (..., head, query,
        key).
    bias
        More numbers that are added, such as a relative position bias; broadcasts likewise.
    slopes
        ALiBi's slopes (head,) or (..., head): adds ``-slope * abs(i + keys - queries - j)``, the convention
        of flash-attn, positions and lengths counted inside the segment where there are segments.
    band
        Causal masks and windows; counted inside the segment where there are segments.
    soft_cap
        c of ``c * tanh(logits / c)``.
    sinks
        Logits (head,) that take part in the softmax's denominator only.
    softmax_one
        Adds 1 to the denominator.
    score_mod, mask_mod
        Functions of flex attention, ``score_mod(score, batch, head, query, key)`` and ``mask_mod(batch, head,
        query, key)``.
    segments
        Integers (query,) and (key,): a query sees the keys of its own segment only.
    query_valid
        Booleans (..., query): False is padding, left out of sums and means over queries, and counted.
    v
        Values (..., key head, key, width), where they were asked for.

    Raises
    ------
    ShapeError
        If shapes do not fit.
    TargetError
        If something is of another kind, such as a list for an array or numbers of integers for q.
    OptionError
        If the scale or the soft cap is no number, or the band no `Band`.

    Examples
    --------
    >>> import numpy as np
    >>> Factors(np.ones((4, 6, 8)), np.ones((2, 10, 8)), scale=0.125).shape
    (4, 6, 10)
    """

    q: Array
    k: Array
    scale: Any
    mask: Array | None = None
    bias: Array | None = None
    slopes: Array | None = None
    band: Band | None = None
    soft_cap: float | None = None
    sinks: Array | None = None
    softmax_one: bool = False
    score_mod: Callable[..., Any] | None = None
    mask_mod: Callable[..., Any] | None = None
    segments: tuple[Array, Array] | None = None
    query_valid: Array | None = None
    v: Array | None = None

    def __post_init__(self) -> None:
        for name in ("scale", "soft_cap"):
            object.__setattr__(self, name, _number(getattr(self, name)))
        self._check_kinds()
        for name in ("k", "mask", "bias", "v"):
            object.__setattr__(self, name, alike(self.q, getattr(self, name)))
        self._check_shapes()
        self.count_changes()

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the map's axes (..., head, query, key)."""
        return (*self.q.shape[:-1], self.k.shape[-2])

    @property
    def group(self) -> int:
        """How many query heads share a key head."""
        return int(self.q.shape[-3] // self.k.shape[-3])

    def tensors(self) -> list[Array]:
        """Return every array that is held, those that the score and mask functions read among them."""
        read: list[Array] = self._read  # type: ignore[attr-defined]
        values = [*vars(self).values(), *(self.segments or ()), *read]
        values += [self.band.diagonal] if self.band else []
        return [value for value in values if hasattr(value, "dtype")]

    def count_changes(self) -> None:
        """Take what is held for unchanged."""
        object.__setattr__(self, "_read", arrays_read(self.score_mod, self.mask_mod))
        super().count_changes()

    def _check_kinds(self) -> None:
        for name in ("q", "k", "mask", "bias", "slopes", "sinks", "query_valid", "v"):
            value = getattr(self, name)
            if value is not None or name in ("q", "k"):
                check_array(name, value, floats=name in ("q", "k"))
        for name in ("scale", "soft_cap"):
            value = getattr(self, name)
            if not is_number(value) and (value is not None or name == "scale"):
                raise OptionError(f"{name}={value!r} was given; wanted is a real number, such as d ** -0.5")
        if self.band is not None and not isinstance(self.band, Band):
            raise OptionError(f"band={self.band!r} was given; wanted is a Band: Band() is the causal one")
        for name in ("score_mod", "mask_mod"):
            if getattr(self, name) is not None and not callable(getattr(self, name)):
                raise TargetError(f"{name}={getattr(self, name)!r} was given; wanted is a function of places")

    def _check_shapes(self) -> None:
        q, k = tuple(self.q.shape), tuple(self.k.shape)
        if len(q) < 3 or len(q) != len(k) or q[:-3] != k[:-3] or q[-1] != k[-1] or q[-3] % max(k[-3], 1):
            raise ShapeError(
                f"q of shape {q} and k of shape {k} were given; wanted are (..., head, query, d) and "
                "(..., key head, key, d), heads a multiple of key heads"
            )
        *batch, heads, queries, keys = self.shape
        for name, to in (
            ("mask", self.shape),
            ("bias", self.shape),
            ("scale", (*batch, heads, 1, 1)),
            ("slopes", (*batch, heads)),
            ("sinks", (*batch, heads)),
            ("query_valid", (*batch, heads, queries)),
            ("soft_cap", ()),
        ):
            check_broadcast(name, getattr(self, name), to, self.shape)
        check_broadcast("band.diagonal", self.band and self.band.diagonal, (queries,), self.shape)
        if self.segments is not None:
            _check_segments(self.segments, (queries, keys))
        self._check_values()

    def _check_values(self) -> None:
        found = (1, 1, *tuple(getattr(self.v, "shape", ())))
        if self.v is not None and (found[-2] != self.k.shape[-2] or self.q.shape[-3] % max(found[-3], 1)):
            raise ShapeError(
                f"v of shape {found[2:]} was given to a map of shape {self.shape}; wanted is (..., key head, "
                f"{self.k.shape[-2]}, width), heads a multiple of key heads"
            )


def _check_segments(segments: Any, wanted: tuple[int, int]) -> None:
    sides = list(segments) if isinstance(segments, tuple | list) else [segments]
    is_pair = len(sides) == 2 and all(getattr(side, "ndim", 0) == 1 for side in sides)
    if is_pair and tuple(map(len, sides)) != wanted:
        found = tuple(map(len, sides))
        raise ShapeError(f"segments of {found} queries and keys were given to a map of {wanted}")
    if not is_pair or not all(map(is_whole, sides)):
        kinds = " and ".join(str(getattr(side, "dtype", type(side).__name__)) for side in sides)
        raise TargetError(
            f"segments were given as {kinds}; wanted are two arrays of integers, (query,) and (key,)"
        )


def _number(value: Any) -> Any:
    """Return a number of numpy's as Python's; all else as it is."""
    return value.item() if isinstance(value, np.generic) else value
