"""Numbers beside the bars of logarithmic colours: few, legible, apart from one another."""

from itertools import pairwise

import numpy as np
import pytest

from visualizer import plots
from visualizer.axes import Text

AXIS = Text("one two three four five six".split())


def weights_of(row):
    """A head in which all queries have the same row."""
    return np.tile(np.asarray(row), (len(row), 1))


def numbers_of(figure):
    """Return the texts beside the bar, which is the last axes, and their boxes in pixels."""
    figure.canvas.draw()
    axis = figure.axes[-1].yaxis
    texts = [*axis.get_ticklabels(), *axis.get_ticklabels(minor=True)]
    drawn = [text for text in texts if text.get_text() and text.get_visible()]
    return [text.get_text() for text in drawn], [text.get_window_extent() for text in drawn]


RANGES = {
    "less than a decade": [0.02, 0.05, 0.13, 0.2, 0.3, 0.3],
    "a sliver": [0.16, 0.165, 0.166, 0.167, 0.168, 0.174],
    "a decade and a half": [0.02, 0.01, 0.17, 0.2, 0.3, 0.3],
    "some below": [1e-9, 1e-6, 0.099999, 0.2, 0.3, 0.4],
    "signed": [-0.4, -0.003, 0.1, 0.0, 0.3, 0.4],
}
DRAWN = {
    "row": lambda head: plots.row(head, query=1, keys=AXIS, scale="log"),
    "head": lambda head: plots.head(head, scale="log"),
    "head, small": lambda head: plots.head(head, scale="log", figsize=(2, 2)),
}


@pytest.mark.parametrize("row", RANGES.values(), ids=RANGES)
@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_numbers_beside_a_logarithmic_bar_are_few_plain_and_apart(draw, row):
    figure = draw(weights_of(row))
    texts, boxes = numbers_of(figure)
    assert 2 <= len(texts) <= 5
    assert len(set(texts)) == len(texts)
    assert all("^" not in text and len(text) <= 7 for text in texts)
    boxes = sorted(boxes, key=lambda box: box.y0)
    assert all(low.y1 <= high.y0 for low, high in pairwise(boxes))
    assert max(box.x1 for box in boxes) <= figure.bbox.x1


def test_the_lowest_number_says_that_it_stands_for_all_below():
    texts, _ = numbers_of(DRAWN["head"](weights_of(RANGES["some below"])))
    assert texts == ["≤4e−5", "0.001", "0.01", "0.1"]
    texts, _ = numbers_of(DRAWN["head"](weights_of(RANGES["less than a decade"])))
    assert texts == ["0.02", "0.05", "0.1", "0.2"]
