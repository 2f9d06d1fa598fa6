"""The demo's pages: what a reading is, to look around in."""

from __future__ import annotations

from dataclasses import dataclass

import visualizer
from visualizer.axes import Axis, Grid, Special
from visualizer.demo.readings import ImageReading, TextReading
from visualizer.run import Run


@dataclass(frozen=True)
class Page:
    """A run, the name of its file, and a line on what there is to see."""

    name: str
    shows: str
    run: Run


def page_of(reading: TextReading | ImageReading) -> Page:
    """Return the page of a reading."""
    maps = {f"layer {number}": one for number, one in enumerate(reading.maps)}
    if isinstance(reading, TextReading):
        run = visualizer.from_arrays(maps, tokens=reading.tokens)
        if reading.axis is not None:
            run.label(axis=reading.axis)
        page = Page("text.html", "every head and token of the text, to look around in", run)
    else:
        run = _looked_at(visualizer.from_arrays(maps), reading)
        page = Page("vision.html", "every head and patch of the image, to look around in", run)
    run.provenance["model"] = reading.model
    return page


def _looked_at(run: Run, reading: ImageReading) -> Run:
    """Say what the tokens of an image are, where that is known."""
    if reading.grid is None:
        return run
    prefix = [Special("CLS" if number == 0 else f"register {number}") for number in range(reading.prefix)]
    return run.label(axis=Axis((*prefix, Grid(*reading.grid)))).label(image=reading.image)
