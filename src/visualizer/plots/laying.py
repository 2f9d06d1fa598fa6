"""Weights along an axis as blocks of a sheet: each segment where it lies in the input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from visualizer.axes import Axis, Frames, Ids, Patches, Segment, Special, Text, Time, Unknown, Volume, Windows
from visualizer.errors import OptionError
from visualizer.films import frame_at
from visualizer.images import numbered_image
from visualizer.plots.arrays import Floats
from visualizer.plots.chips import MANY, Chips
from visualizer.plots.keeping import NOTHING, Left
from visualizer.plots.parts import Mask
from visualizer.plots.pictures import WHOLE, Box, rgb_picture, seen_part, spanned, told_of
from visualizer.plots.places import Paint
from visualizer.plots.profiles import Line
from visualizer.plots.sheets import Block
from visualizer.plots.subjects import OTHER, TOKEN
from visualizer.plots.surfaces import Picture, Pictures, greyed
from visualizer.tokens import part_of

Piece = tuple[int, Segment]
PICTURED = Patches | Windows
WORDS = Special | Text | Ids


@dataclass(frozen=True)
class Laid:
    """Weights of the tokens of an axis, ``marked`` the query's own tokens; the image they are laid over.

    ``left`` is what was left out of them, ``gone`` which tokens those are that are NaN for it; ``part`` which
    tokens alone are drawn, if not all. ``side`` says whose tokens they are, the keys of a row or the queries
    of a column; ``places`` where in the sequence each is, if they are not all of it.
    """

    weights: Floats
    axis: Axis
    image: Any = None
    batch: int = 0
    marked: frozenset[int] = frozenset()
    left: Left = NOTHING
    part: Mask | None = None
    side: str = "keys"
    places: tuple[int, ...] = ()
    gone: Mask | None = None

    def place(self, token: int) -> int:
        """Return where in the sequence a token is."""
        return self.places[token] if self.places else token

    @property
    def segments(self) -> list[Segment]:
        """The segments that are drawn, or what is drawn of them."""
        return [segment for pieces in self.parts() for _, segment in pieces]

    @property
    def drawn(self) -> Floats:
        """The weights of what is drawn, (token,), but of what was left out."""
        pieces = [np.arange(at, at + one.length) for pieces in self.parts() for at, one in pieces]
        tokens = np.concatenate(pieces)
        return self.weights[tokens if self.gone is None else tokens[~self.gone[tokens]]]

    def blocks(self, paint: Paint) -> Iterator[Block]:
        """Yield a block for each picture, film or line, and for tokens of text that follow one another."""
        for pieces in self.parts():
            yield self._block(pieces, paint)

    @property
    def is_picture(self) -> bool:
        """Whether all tokens are those of one grid."""
        return len(self.segments) == 1 and isinstance(self.segments[0], PICTURED)

    def pictured(self) -> Picture:
        """Return the weights of the one grid over its image."""
        grids = [pieces[0] for pieces in self.parts() if isinstance(pieces[0][1], PICTURED)]
        if len(grids) != 1:
            raise OptionError(f"one picture was to be drawn, but the tokens are {self.axis.arithmetic}")
        return self.over(*grids[0], self.background(*grids[0]))

    def images(self) -> list[Floats]:
        """Return the images under the weights."""
        shown = [self.background(*pieces[0]) for pieces in self.parts()]
        return [one for one in shown if one is not None]

    def ground(self) -> float | None:
        """Return the mean grey of the pictures under the weights; None where there are none."""
        greys = [float(greyed(one).mean()) for one in self.images()]
        return sum(greys) / len(greys) if greys else None

    def parts(self) -> list[list[Piece]]:
        """Return segments with the tokens that they begin at; those of words, one after another, together."""
        groups: list[list[Piece]] = []
        for begin, segment in self._pieces():
            if groups and _follow(groups[-1][-1], (begin, segment)):
                groups[-1].append((begin, segment))
            else:
                groups.append([(begin, segment)])
        return groups

    def _pieces(self) -> Iterator[Piece]:
        at = 0
        for segment in self.axis.segments:
            yield from self._drawn(at, segment)
            at += segment.length

    def _drawn(self, begin: int, segment: Segment) -> list[Piece]:
        """Return a segment, or from the first to the last of its tokens that are drawn; of pictures all."""
        if self.part is None:
            return [(begin, segment)]
        inside = np.flatnonzero(self.part[begin : begin + segment.length])
        if not len(inside) or not isinstance(segment, Text | Ids | Unknown):
            return [(begin, segment)] if len(inside) else []
        first, last = int(inside[0]), int(inside[-1])
        return [(begin + first, part_of(Axis((segment,)), range(first, last + 1)).segments[0])]

    def _block(self, pieces: Sequence[Piece], paint: Paint) -> Block:
        begin, segment = pieces[0]
        if _is_words(segment):
            return self._words(pieces, paint)
        heading = f"{segment.counted}: {_share(self._of(begin, segment))}"
        if isinstance(segment, PICTURED):
            return Pictures(self._beside(begin, segment), paint, heading)
        if isinstance(segment, Frames | Volume):
            return Pictures(list(self.steps(begin, segment)), paint, heading)
        own = self._own(begin, segment)
        if isinstance(segment, Unknown) and segment.length <= MANY:
            names = [str(self.place(token)) for token in range(begin, begin + segment.length)]
            heading = heading if len(self.segments) > 1 else ""
            return Chips(names, self._of(begin, segment), paint, own, heading)
        if isinstance(segment, Time):
            return Line(self._of(begin, segment), 0, segment.seconds, "seconds", own, heading)
        return self._line(begin, self._of(begin, segment), own, heading)

    def _words(self, pieces: Sequence[Piece], paint: Paint) -> Block:
        begin, length = pieces[0][0], sum(segment.length for _, segment in pieces)
        weights = self.weights[begin : begin + length]
        alone = len(pieces) == len(self.segments)
        counted = f"{length} tokens: " if length > 1 else f"{pieces[0][1].counted}: "
        heading = "" if alone else counted + _share(weights)
        own = frozenset(token - begin for token in self.marked)
        if length > MANY:
            return self._line(begin, weights, own, heading)
        names = [segment.name(token) for _, segment in pieces for token in range(segment.length)]
        return Chips(names, weights, paint, own, heading)

    def _line(self, begin: int, weights: Floats, own: frozenset[int], heading: str) -> Block:
        end = self.place(begin + len(weights) - 1) + 1
        return Line(weights, self.place(begin), end, "position", own, heading)

    def _beside(self, begin: int, segment: Any) -> list[Picture]:
        """Return the image as it is, the query marked in it, and beside it the weights over it."""
        image, laid = self.background(begin, segment), self.over(begin, segment, None)
        if image is None:
            return [laid]
        marked, lattice = laid.marked, laid.lattice
        name = TOKEN[OTHER[self.side]] if marked else "image"
        plain = Picture(image, name=name, marked=marked, lattice=lattice, part=laid.part)
        return [plain, self.over(begin, segment, image, self.side if marked else "weights")]

    def over(self, begin: int, segment: Any, image: Floats | None, name: str = "") -> Picture:
        """Return the weights of a grid over an image."""
        batch = self.batch if isinstance(segment, Windows) else None
        cells = np.asarray(segment.put(self._of(begin, segment), batch))
        marked: Any = None
        for own in self._own(begin, segment):  # a query of an image is one
            marked = segment.cell(own, self.batch) if isinstance(segment, Windows) else segment.cell(own)
        lattice: Any = cells.shape
        notes = () if self.image is None else told_of(self._shown(segment))
        return Picture(image, cells, name, marked, lattice, part=self._part(segment), notes=notes)

    def _part(self, segment: Any) -> Box:
        """Return where the cells of a segment lie in its image, in shares of it."""
        if self.image is None:
            return WHOLE
        return spanned(seen_part(self._shown(segment)), getattr(segment, "span", (1, 1)))

    def film(self, paint: Paint, steps: Sequence[int]) -> Block:
        """Return some steps of the first segment, frames or a volume."""
        segment: Any = self.axis.segments[0]
        return Pictures(list(self.steps(0, segment, steps)), paint)

    def steps(self, begin: int, segment: Frames | Volume, only: Any = None) -> Iterator[Picture]:
        """Yield a picture of each step of a video, or slice of a volume, or of some."""
        cells = segment.put(self._of(begin, segment))
        cell = next(map(segment.cell, self._own(begin, segment)), None)
        count = None if self.image is None else len(self._film(segment.cells[0]))
        for step in range(segment.cells[0]) if only is None else only:
            shown = None if self.image is None else self._frame(step, segment.cells[0])
            image = None if shown is None else rgb_picture(shown)
            marked: Any = cell[1:] if cell is not None and cell[0] == step else None
            over: dict[str, Any] = {"part": seen_part(shown), "notes": told_of(shown)}
            yield Picture(image, np.asarray(cells[step]), segment.layer(step, count), marked, **over)

    def _frame(self, step: int, steps: int) -> Any:
        """Return the middle one of the frames or slices that a step stands for."""
        film = self._film(steps)
        return film[frame_at(step, steps, len(film))]

    def _film(self, steps: int) -> Any:
        """Return the pictures of a video or volume."""
        if not hasattr(self.image, "__len__"):
            raise OptionError(
                f"{steps} steps were to be drawn on image=, but that is one picture: give (frame, height, "
                "width, channel), or a list of pictures"
            )
        return self.image

    def background(self, begin: int, segment: Any) -> Floats | None:  # noqa: ARG002  # pieces are unpacked
        """Return the image under a segment; None where there is none."""
        if self.image is None or _is_words(segment):
            return None
        if isinstance(segment, Frames | Volume):
            return rgb_picture(self._frame(0, segment.cells[0]))
        if not isinstance(segment, PICTURED):
            return None
        return rgb_picture(self._shown(segment))

    def _shown(self, segment: Any) -> Any:
        """Return the image that a segment is of, which may be one of several."""
        number = getattr(segment, "image", 0)
        return numbered_image(self.image, number, self.axis.item(self.batch), self.axis.images)

    def _of(self, begin: int, segment: Segment) -> Floats:
        return self.weights[begin : begin + segment.length]

    def _own(self, begin: int, segment: Segment) -> frozenset[int]:
        return frozenset(token - begin for token in self.marked if begin <= token < begin + segment.length)


def _is_words(segment: Segment) -> bool:
    return isinstance(segment, WORDS)


def _follow(one: Piece, other: Piece) -> bool:
    """Tell whether words follow words, with none left out between."""
    return _is_words(one[1]) and _is_words(other[1]) and one[0] + one[1].length == other[0]


def _share(weights: Floats) -> str:
    return f"sum {np.nansum(weights):.3g}"
