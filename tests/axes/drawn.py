"""Axes of all kinds of segments, drawn at random."""

import numpy as np
import torch
from hypothesis import strategies as st

from visualizer.axes import (
    Axis,
    Frames,
    Grid,
    Ids,
    Lines,
    Scattered,
    Special,
    Text,
    Time,
    Unknown,
    Volume,
    Windows,
)

LIBRARIES = [np, torch]
SIDES = st.integers(1, 6)


@st.composite
def texts(draw):
    """Text whose tokens lie anywhere in it, in order, may overlap and may stand for nothing."""
    text = draw(st.text(max_size=20))
    marks = st.lists(st.integers(0, len(text)), max_size=6).map(sorted)
    spans = [tuple(sorted(pair)) for pair in zip(draw(marks), draw(marks))]
    return Text([draw(st.text(max_size=4)) for _ in spans], spans, text) if spans else Text(["a", "b"])


@st.composite
def windows(draw):
    window = draw(st.tuples(SIDES, SIDES))
    if draw(st.booleans()):
        return Windows(tuple(side * draw(st.integers(1, 4)) for side in window), window, spread=True)
    shift = tuple(draw(st.integers(0, side - 1)) for side in window)
    return Windows(
        draw(st.tuples(st.integers(1, 12), st.integers(1, 12))), window, shift, draw(st.booleans())
    )


LINES = st.one_of(
    st.builds(Special, st.text()),
    texts(),
    st.builds(Ids, st.lists(st.integers(0, 10**6), min_size=1, max_size=6)),
    st.builds(Time, SIDES, st.floats(0.1, 1e6)),
    st.builds(Unknown, SIDES, st.text()),
)
LATTICES = st.one_of(
    st.builds(Grid, SIDES, SIDES, st.integers(0, 3), st.tuples(st.floats(0.1, 9), st.floats(0.1, 9))),
    st.builds(Frames, SIDES, SIDES, SIDES, SIDES),
    st.builds(Volume, SIDES, SIDES, SIDES, SIDES),
)


@st.composite
def scattered(draw):
    h, w = draw(SIDES), draw(SIDES)
    numbers = st.lists(st.integers(0, h * w - 1), min_size=1, unique=True)
    return Scattered(h, w, draw(st.integers(0, 3)), draw(numbers))


LINED = st.builds(Lines, SIDES, SIDES, st.integers(0, 3))
AXES = st.lists(st.one_of(LINES, LATTICES, LINED, scattered(), windows()), max_size=4).map(Axis)
