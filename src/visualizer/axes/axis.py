"""An axis of a map: which segments its tokens make, checked against its length."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from visualizer.axes.finding import chosen, find_tokens, what_is_there
from visualizer.axes.segments import Segment, weights_of
from visualizer.axes.text import Text
from visualizer.axes.windows import Windows
from visualizer.errors import OptionError, ShapeError


@dataclass(frozen=True)
class Axis:
    """What the tokens along one axis of a map are: segments that follow one another. Immutable.

    Raises
    ------
    OptionError
        If it is made of something else than segments.

    Examples
    --------
    >>> from visualizer.axes import Grid, Special
    >>> axis = Axis([Special("CLS"), Grid(2, 3)])
    >>> axis.names[:2], axis.where(cell=(1, 2)), axis.place(6, size=(40, 60))
    (('CLS', 'cell (0, 0)'), slice(6, 7, None), (40.0, 20.0, 20.0, 20.0))
    >>> cls, picture = axis.put(range(7))
    >>> picture.tolist()
    [[1, 2, 3], [4, 5, 6]]
    """

    segments: tuple[Segment, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "segments", tuple(self.segments))
        wrong = [one for one in self.segments if not isinstance(one, Segment)]
        if wrong:
            raise OptionError(f"an axis was to be made of {wrong[0]!r}; give segments such as Grid(14, 14)")

    @property
    def length(self) -> int:
        """Number of tokens."""
        return sum(segment.length for segment in self.segments)

    @property
    def names(self) -> tuple[str, ...]:
        """What each token is in words."""
        return tuple(one.name(token) for one in self.segments for token in range(one.length))

    @property
    def arithmetic(self) -> str:
        """How its length comes about, such as "1 CLS + 14 × 14 grid = 197 tokens"."""
        counts = [(one.counted, len(list(same))) for one, same in groupby(self.segments)]
        parts = [counted if n == 1 else f"{n} × {counted}" for counted, n in counts]
        return f"{' + '.join(parts) or 'no segment'} = {self.length} token{'s' * (self.length != 1)}"

    @property
    def images(self) -> int:
        """How many images its tokens are of."""
        return 1 + max((getattr(one, "image", 0) for one in self.segments), default=0)

    def item(self, batch: int) -> int:
        """Return which input a row of the batch is of; of windows several rows are of one."""
        return next((batch // one.count for one in self.segments if isinstance(one, Windows)), batch)

    def check(self, length: int, of: str = "the map has {} keys") -> None:
        """Compare with the length of a map's axis.

        Raises
        ------
        ShapeError
            If it is another; the message shows the arithmetic.
        """
        if self.length != length:
            raise ShapeError(f"{self.arithmetic}, but {of.format(length)}")

    def name(self, token: int) -> str:
        """Return what a token is in words."""
        segment, inner = self.segment_of(token)
        return segment.name(inner)

    def place(self, token: int, size: Sequence[float] = (), batch: int = 0) -> tuple[Any, ...] | None:
        """Return a token's place in the input; None for those that have none.

        Of patches it is the box (left, top, width, height) in an image of ``size`` (height, width), or in
        shares of it; of windows likewise, for a row of the batch; of text (begin, end) in characters; of time
        (begin, end) in seconds.
        """
        segment, inner = self.segment_of(token)
        return segment.place(inner, size, batch)

    def segment_of(self, token: int) -> tuple[Segment, int]:
        """Return the segment that a token is in, and its number there.

        Raises
        ------
        ShapeError
            If there is no such token.
        """
        for begin, segment in self._begun():
            if 0 <= token - begin < segment.length:
                return segment, token - begin
        raise ShapeError(f"token {token} was asked for, but there are {self.arithmetic}, counted from 0")

    def put(self, weights: Any, batch: int | None = None) -> tuple[Any, ...]:
        """Return weights (..., token), numpy or torch, put back into the input, for each segment.

        Of patches it is an array (..., rows, columns). Weights of one window need its row of the batch.

        Raises
        ------
        ShapeError
            If they are not as many as there are tokens; the message shows the arithmetic.
        """
        array = weights_of(weights, self.length, self.arithmetic)
        return tuple(one.put(array[..., begin : begin + one.length], batch) for begin, one in self._begun())

    def at(self, cell: Sequence[int], item: int = 0, nth: int | None = None) -> tuple[int, int]:
        """Return the row of the batch and the token of a cell: the item's own, or that of its window."""
        for begin, segment in self._begun():
            if isinstance(segment, Windows):
                batch, token = segment.at(cell, item)
                return batch, begin + token
        return item, int(self.where(nth=nth, cell=cell).start)

    def where(  # noqa: PLR0913  # each thing that can be looked for is a keyword
        self,
        text: str | None = None,
        nth: Any = None,
        *,
        special: str | None = None,
        cell: Sequence[int] | None = None,
        segment: str | int | None = None,
        image: int | None = None,
    ) -> Any:
        """Return the tokens of a piece of text, of a special token, of a cell or of a segment, as a slice.

        Parameters
        ----------
        text, special
            What is looked for in the text of each `Text`, by the characters that tokens stand for; the name
            of a `Special`.
        nth
            Which of several places, from 0; "all": a list of slices.
        cell
            (row, column) of a `Grid`, (step, row, column) of `Frames` or a `Volume`.
        segment
            Which segment, from 0, or its kind, such as "grid".
        image
            Which of several images, from 0, a ``cell`` or ``segment`` is of; segments are then counted in it.

        Raises
        ------
        CallsError
            If it is nowhere, or at several places and neither ``nth`` nor ``image`` is given.
        OptionError
            If not exactly one of them is asked for, or ``image`` of what is of no image.
        """
        asked = {"text": text, "special": special, "cell": cell, "segment": segment}
        given = [(kind, value) for kind, value in asked.items() if value is not None]
        if len(given) != 1:
            raise OptionError(f"give one of text, special=, cell= and segment=: {len(given)} were given")
        (kind, value), begun = given[0], list(self._begun())
        if image is not None:
            if kind not in ("cell", "segment"):
                raise OptionError(
                    f"image={image!r} was given beside {kind}, which is of no image: leave it out"
                )
            begun = self._of_image(image)
        there = what_is_there(begun, kind, self.arithmetic)
        return chosen(find_tokens(begun, kind, value), value, nth, there)

    def to_json(self) -> dict[str, Any]:
        """Return the axis as JSON has it, dictionaries, lists, texts and numbers; with its version."""
        from visualizer.axes.writing import written_axis

        return written_axis(self.segments)

    @classmethod
    def from_json(cls, written: str | Mapping[str, Any]) -> Axis:
        """Return the axis that was written; kinds of segments that are not known become `Unknown`.

        Raises
        ------
        OptionError
            If it is no axis, of a newer version, or a segment is not as its kind is written.
        ShapeError
            If a number in it cannot be.
        """
        from visualizer.axes.writing import read_axis

        return cls(tuple(read_axis(written)))

    def _of_image(self, image: int) -> list[tuple[int, Segment]]:
        found = [one for one in self._begun() if getattr(one[1], "image", None) == image]
        if not found:
            there = f"{self.images} image{'s' * (self.images != 1)}, counted from 0"
            raise OptionError(f"image={image!r} was asked for, but the tokens are of {there}")
        return found

    def _begun(self) -> Iterator[tuple[int, Segment]]:
        begin = 0
        for segment in self.segments:
            yield begin, segment
            begin += segment.length


def as_axis(given: Any) -> Axis:
    """Return what was given as an axis: one, a segment, a list of segments, or the text of each token.

    Raises
    ------
    OptionError
        If it is none of these.

    Examples
    --------
    >>> as_axis(["the", "cat"]).arithmetic
    '2 of text = 2 tokens'
    """
    if isinstance(given, Axis | Segment):
        return given if isinstance(given, Axis) else Axis((given,))
    listed = list(given) if isinstance(given, list | tuple) else []
    if listed and all(isinstance(one, str) for one in listed):
        return Axis((Text(tuple(listed)),))
    if not listed:
        raise OptionError(f"an axis was to be made of {given!r:.80}; give segments such as Grid(14, 14)")
    return Axis(tuple(listed))
