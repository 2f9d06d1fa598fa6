"""One query, or one key, in all heads of a layer, on one scale: a picture or a strip for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from visualizer.axes import Frames, Segment, Volume
from visualizer.errors import OptionError
from visualizer.plots.asking import Options
from visualizer.plots.keeping import told_left
from visualizer.plots.laying import PICTURED, WORDS, Laid, Piece
from visualizer.plots.places import Paint
from visualizer.plots.rows import paint_for, row_of, scale_of, unbounded
from visualizer.plots.sheets import Block, draw_sheet
from visualizer.plots.sources import subject_of
from visualizer.plots.strips import Strips
from visualizer.plots.subjects import OTHER, TOKEN
from visualizer.plots.surfaces import Picture, Pictures
from visualizer.plots.telling import shared

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def row_of_all_heads(shown: Any, asked: Options, side: str = "queries") -> Figure:
    """Draw the row of one query in each head, where its keys lie, or the column of a key.

    Raises
    ------
    OptionError
        If there are no heads.
    """
    subject = subject_of(shown, replace(asked, head=0))
    if subject.map.ndim < 3:
        raise OptionError("head='all' was asked for, but the map has no heads: leave head= out")
    found = [row_of(shown, replace(asked, head=head), side) for head in range(subject.map.shape[-3])]
    laid = [one for one, _ in found]
    paint = paint_for(laid, asked)
    common = shared([facts for _, facts in found])
    sentences = [
        *common.and_(head=f"all {len(laid)} heads").whence,
        *common.whose,
        *told_left([one.left for one in laid]),
        *unbounded(laid[0].left.line),
        "One scale for all heads.",
        *scale_of(paint),
        *common.checked,
    ]
    return draw_sheet(list(_blocks(laid, paint)), sentences, asked, "page")


def _blocks(laid: Sequence[Laid], paint: Paint) -> Iterator[Block]:
    """Yield a block for each part of the keys, with all heads in it."""
    heads = [f"head {head}" for head in range(len(laid))]
    for pieces in laid[0].parts():
        begin, segment = pieces[0]
        if isinstance(segment, PICTURED):
            yield Pictures(list(_over(laid, heads, begin, segment)), paint, _heading(laid, segment))
        elif isinstance(segment, Frames | Volume):
            steps = [step for one in laid for step in one.steps(begin, segment)]
            heading = _heading(laid, segment)
            yield Pictures(steps, paint, heading, columns=segment.cells[0], rows=heads)
        else:
            yield _strips(laid, pieces, heads, paint)


def _strips(laid: Sequence[Laid], pieces: Sequence[Piece], heads: Sequence[str], paint: Paint) -> Block:
    tokens = [_name(laid[0], *piece, token) for piece in pieces for token in range(piece[1].length)]
    begin, end = pieces[0][0], pieces[0][0] + len(tokens)
    marked = frozenset(token - begin for token in laid[0].marked if begin <= token < end)
    return Strips(np.stack([one.weights[begin:end] for one in laid]), heads, tokens, paint, marked)


def _name(laid: Laid, begin: int, segment: Segment, token: int) -> str:
    """Return a word, or the position of what is none."""
    return segment.name(token).strip() if isinstance(segment, WORDS) else str(laid.place(begin + token))


def _heading(laid: Sequence[Laid], segment: Any) -> str:
    return "" if len(laid[0].segments) == 1 else str(segment.counted)


def _over(laid: Sequence[Laid], names: Sequence[str], begin: int, segment: Any) -> Iterator[Picture]:
    """Yield the image with the query marked in it, and each head's weights over it."""
    image = laid[0].background(begin, segment)
    first = laid[0].over(begin, segment, image)
    if image is not None:
        yield replace(first, cells=None, name=TOKEN[OTHER[laid[0].side]] if first.marked else "image")
    for one, name in zip(laid, names, strict=True):
        total = np.nansum(one.weights[begin : begin + segment.length])
        yield replace(one.over(begin, segment, image), name=f"{name}\nsum {total:.3g}")
