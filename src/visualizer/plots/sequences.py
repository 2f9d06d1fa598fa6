"""One layer over its calls: the tokens of a generation, or the steps of a diffusion model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from visualizer.calls import Call
from visualizer.errors import CallsError, OptionError
from visualizer.plots.asking import COLOURS, OVERLAY, PAGE, QUERY, TOKENS, Options, takes
from visualizer.plots.differences import MOST, draw_matrix
from visualizer.plots.generations import continue_one, grow
from visualizer.plots.laying import Laid
from visualizer.plots.places import Paint
from visualizer.plots.rows import laid_row, paint_for, scale_of
from visualizer.plots.sheets import Block, draw_sheet
from visualizer.plots.sources import call_of, layer_calls, stitched_subject, subject_of
from visualizer.plots.subjects import TOKEN, Subject
from visualizer.plots.surfaces import Picture, Pictures
from visualizer.plots.telling import Facts
from visualizer.run import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FEW = 12  # steps that are drawn unless some are named


@takes("layer", "sequence", "head", "batch", *TOKENS, *QUERY, *COLOURS, *OVERLAY, *PAGE)
def steps(run: Run, *, calls: Sequence[int] | None = None, **options: Any) -> Figure:
    """Draw one layer step by step.

    Of a generation it is a matrix: a row for each token that was generated, a column for each token that it
    could see. Where the calls have one shape, as those of a diffusion model, it is the row of one query in
    each call, where its keys lie; where the queries are the patches, ``text=`` names a word among the keys,
    and its column is drawn.

    Parameters
    ----------
    run
        A run, with ``layer=`` and ``head=``.
    calls
        Which calls of the layer, from 0; some of them, evenly spaced, unless told.
    options
        As of `row`.

    Raises
    ------
    CallsError
        If no call was recorded under the layer, or calls of several sequences.
    OptionError, ShapeError
        As for `row`.

    Examples
    --------
    >>> from visualizer.attention import AttentionMap, Dense
    >>> from visualizer.calls import Call
    >>> maps = [AttentionMap(Dense(np.full((1, 1, 4, 2), 0.5))) for _ in range(3)]
    >>> run = Run([Call("attn", map_, number, number, "an array") for number, map_ in enumerate(maps)])
    >>> figure = steps(run, keys=["a", "cat"], query=1)
    >>> [axes.texts[0].get_text() for axes in figure.axes[:3]]
    ['call 0, sum 1', 'call 1, sum 1', 'call 2, sum 1']
    """
    asked = Options.read(options)
    if not isinstance(run, Run):
        raise OptionError("steps were to be drawn; give the run that holds all of them")
    found = layer_calls(run, asked)
    if continue_one(found):
        return _generation(run, found, asked)
    if len({call.shape[-2:] for call in found}) > 1:
        call_of(run, asked)  # which says of how many sequences they are
    return _diffusion(run, found, _chosen(len(found), calls), asked)


def _generation(run: Run, calls: Sequence[Call], asked: Options) -> Figure:
    """Draw the rows of what was generated: those after the first call."""
    first = calls[0].shape[-2]
    subject = stitched_subject(run, calls, asked).after(first)
    prompt = f"; the first {subject.places[0]} are the prompt" if grow(calls) else ""
    reading = [
        *subject.facts.whence,
        f"Row = generated token, column = token that it could see{prompt}.",
        *subject.facts.checked,
    ]
    return draw_matrix(subject.matrix(MOST), subject, asked, reading)


def _diffusion(run: Run, calls: Sequence[Call], numbers: Sequence[int], asked: Options) -> Figure:
    named = [_laid(run, replace(asked, layer=calls[0].path, call=number)) for number in numbers]
    laid = [one for one, _, _ in named]
    paint = paint_for(laid, asked)
    _, subject, what = named[0]
    left = [f"{len(laid)} of {len(calls)} calls are drawn."] if len(laid) < len(calls) else []
    sentences = [*subject.facts.and_(call="call by call").whence, what, *left]
    blocks = list(_blocks(laid, numbers, paint))
    return draw_sheet(blocks, [*sentences, *scale_of(paint), *subject.facts.checked], asked, "page")


def _laid(run: Run, asked: Options) -> tuple[Laid, Subject, str]:
    """Return the row of a query, or the column of a word that is among the keys alone."""
    subject = subject_of(run, asked)
    side = "keys" if asked.text is not None and not subject.queries_have_text else "queries"
    subject, tokens = subject.find(asked, side)
    (said,) = Facts({TOKEN[side]: subject.named(tokens, side)}).whose
    return laid_row(subject, tokens, asked, side), subject, said


def _blocks(laid: Sequence[Laid], numbers: Sequence[int], paint: Paint) -> Iterator[Block]:
    """Yield one block of pictures, or the blocks of each call."""
    sums = [f"{np.nansum(one.weights):.3g}" for one in laid]
    names = [f"call {number}\nsum {total}" for number, total in zip(numbers, sums, strict=True)]
    if all(one.is_picture for one in laid):
        pictures = [replace(one.pictured(), name=name) for one, name in zip(laid, names, strict=True)]
        images = [Picture(image, name="image") for image in laid[0].images()]
        yield Pictures([*images, *pictures], paint)
        return
    for one, name in zip(laid, names, strict=True):
        first, *others = one.blocks(paint)
        yield replace(first, heading=name.replace("\n", ", "))  # type: ignore[type-var]  # blocks are dataclasses
        yield from others


def _chosen(total: int, calls: Sequence[int] | None) -> list[int]:
    if calls is None:
        return sorted({round(at) for at in np.linspace(0, total - 1, min(total, FEW))})
    numbers = [call + total if call < 0 else call for call in calls]
    if not numbers or not all(0 <= number < total for number in numbers):
        raise CallsError(f"calls {list(calls)} were asked for of {total}, counted from 0")
    return numbers
