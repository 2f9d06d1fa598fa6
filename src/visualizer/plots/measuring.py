"""How wide texts are when they are drawn, and the lines that they are broken into."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from visualizer.plots.writing import plain_text


def width_of(text: str, size: float) -> float:
    """Return the width in points of a text of one line, as it is drawn in a font size.

    Examples
    --------
    >>> width_of("iii", 8) < width_of("WWW", 8)
    True
    """
    (shown,), properties = plain_text([text])
    return _wide(shown, size, tuple(properties["fontfamily"]))


def lines_within(text: str, room: float, size: float) -> list[str]:
    """Return a text in lines of at most ``room`` points, broken at spaces, within a word if it is longer.

    Examples
    --------
    >>> lines_within("a word, another", 40, 8)
    ['a word,', 'another']
    """
    return [line for part in text.split("\n") for line in _broken(part, room, size)]


def _broken(text: str, room: float, size: float) -> Iterator[str]:
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if width_of(longer, size) <= room:
            line = longer
            continue
        if line:
            yield line
        *pieces, line = _pieces(word, room, size)
        yield from pieces
    yield line


def _pieces(word: str, room: float, size: float) -> Iterator[str]:
    """Yield a word in pieces that find room, each of a character at least."""
    while width_of(word, size) > room and len(word) > 1:
        fitting = [end for end in range(1, len(word)) if width_of(word[:end], size) <= room]
        end = max(fitting, default=1)
        yield word[:end]
        word = word[end:]
    yield word


@lru_cache(maxsize=8192)
def _wide(text: str, size: float, families: tuple[str, ...]) -> float:
    figure = _paper()
    written = figure.text(0, 0, text, fontsize=size, fontfamily=list(families), parse_math=False)
    width = float(written.get_window_extent().width)
    written.remove()
    return width


@lru_cache(maxsize=1)
def _paper() -> Figure:
    """Return a figure to measure on, one pixel a point."""
    figure = Figure(dpi=72)
    FigureCanvasAgg(figure)
    return figure
