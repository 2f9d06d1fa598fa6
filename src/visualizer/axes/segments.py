"""A segment of an axis: tokens of one kind, with names and places; those that have no shape of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import index
from sys import float_info
from typing import Any

import numpy as np

from visualizer.errors import OptionError, ShapeError


class Segment:
    """Tokens of one kind that follow one another; what is not said here, each kind says for itself."""

    @property
    def length(self) -> int:
        """Number of tokens."""
        raise NotImplementedError

    @property
    def counted(self) -> str:
        """Its tokens in arithmetic, such as "14 × 14 grid"."""
        raise NotImplementedError

    def name(self, token: int) -> str:
        """Return what a token, counted from 0 in the segment, is in words."""
        raise NotImplementedError

    def place(self, token: int, size: Sequence[float] = (), batch: int = 0) -> tuple[Any, ...] | None:  # noqa: ARG002  # kinds with places need them
        """Return a token's place in the input, as each kind says; None where it has none."""
        return None

    def put(self, weights: Any, batch: int | None = None) -> Any:  # noqa: ARG002  # windows need it
        """Return weights (..., token), numpy or torch, in the shape of the input: here as they are."""
        return self.checked(weights)

    def checked(self, weights: Any) -> Any:
        """Return weights as an array (..., token).

        Raises
        ------
        ShapeError
            If they are not as many as there are tokens.
        """
        return weights_of(weights, self.length, self.counted)


@dataclass(frozen=True)
class Special(Segment):
    """One token that stands for nothing in the input, such as a class token.

    Examples
    --------
    >>> Special("CLS").length, Special("CLS").name(0)
    (1, 'CLS')
    """

    text: str

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise OptionError(f"Special({self.text!r}) was asked for; give the token's name")

    @property
    def length(self) -> int:
        """One."""
        return 1

    @property
    def counted(self) -> str:
        """As "1 CLS"."""
        return f"1 {self.text}"

    def name(self, token: int) -> str:  # noqa: ARG002  # there is one
        """Return its name."""
        return self.text


@dataclass(frozen=True)
class Time(Segment):
    """``n`` tokens that share ``seconds`` of sound or of a measurement evenly.

    Examples
    --------
    >>> sound = Time(1500, seconds=30.0)
    >>> sound.name(75), sound.place(75)
    ('1.5 s', (1.5, 1.52))
    """

    n: int
    seconds: float

    def __post_init__(self) -> None:
        set_wholes(self, "n")
        if not isinstance(self.seconds, int | float) or not 0 < self.seconds <= float_info.max:
            raise OptionError(f"seconds={self.seconds!r} was asked for; give how long all tokens last")
        object.__setattr__(self, "seconds", float(self.seconds))

    @property
    def length(self) -> int:
        """Number of tokens."""
        return self.n

    @property
    def counted(self) -> str:
        """As "1500 in time"."""
        return f"{self.n} in time"

    def name(self, token: int) -> str:
        """Return when a token begins."""
        return f"{self.place(token)[0]:g} s"

    def place(self, token: int, size: Sequence[float] = (), batch: int = 0) -> tuple[float, float]:  # noqa: ARG002  # as all
        """Return when a token begins and ends, in seconds."""
        return token * self.seconds / self.n, (token + 1) * self.seconds / self.n


@dataclass(frozen=True)
class Unknown(Segment):
    """``n`` tokens of which no more is known; ``note`` says why.

    Examples
    --------
    >>> Unknown(3).name(1)
    'token 1'
    """

    n: int
    note: str = ""

    def __post_init__(self) -> None:
        set_wholes(self, "n")

    @property
    def length(self) -> int:
        """Number of tokens."""
        return self.n

    @property
    def counted(self) -> str:
        """As "5 unknown"."""
        return f"{self.n} unknown"

    def name(self, token: int) -> str:
        """Return its number."""
        return f"token {token}"


def set_wholes(segment: Any, *fields: str, least: int = 1) -> None:
    """Make fields of a new segment plain whole numbers.

    Raises
    ------
    ShapeError
        If one is none, or below ``least``.
    """
    for field in fields:
        value = getattr(segment, field)
        try:
            number = index(value)
        except TypeError:
            number = least - 1
        if number < least:
            message = f"{type(segment).__name__}({field}={value!r}) was asked for"
            raise ShapeError(f"{message}; give a whole number from {least}")
        object.__setattr__(segment, field, number)


def weights_of(weights: Any, length: int, arithmetic: str) -> Any:
    """Return weights as a numpy array or a torch tensor (..., token); of a lazy map, the array.

    Raises
    ------
    ShapeError
        If the last axis has not this length; the message shows the arithmetic.
    """
    array = weights.array() if hasattr(weights, "array") else weights
    array = array if hasattr(array, "reshape") else np.asarray(array)
    found = array.shape[-1] if len(array.shape) else 0
    if found != length:
        raise ShapeError(f"{arithmetic}, but {found} weights were given")
    return array
