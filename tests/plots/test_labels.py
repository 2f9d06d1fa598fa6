"""Labels that can be read."""

import pytest
from matplotlib.figure import Figure

from visualizer.errors import ShapeError
from visualizer.plots.labels import label_axis, label_length, token_labels


def labelled(labels, room=2.0):
    axes = Figure(figsize=(2, 2)).add_axes((0, 0, 1, 1))
    axes.set(xlim=(-0.5, len(labels) - 0.5))
    step = label_axis(axes.xaxis, labels, room)
    return axes, step


def test_short_lists_are_labelled_one_by_one():
    axes, step = labelled(["the", "cat"])
    assert step == 1
    assert [label.get_text() for label in axes.get_xticklabels()] == ["the", "cat"]


@pytest.mark.parametrize("length", [5, 30, 31, 500])
def test_labels_do_not_touch(length):
    axes, step = labelled([f"token {number}" for number in range(length)])
    boxes = [label.get_window_extent() for label in axes.get_xticklabels()]
    assert all(left.x1 <= right.x0 for left, right in zip(boxes, boxes[1:], strict=False))
    assert (step > 1) == (length > 15)


def test_labels_that_are_left_out_leave_the_others_where_they_are():
    axes, step = labelled([str(number) for number in range(100)])
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        str(tick) for tick in range(0, 100, step)
    ]
    assert list(axes.get_xticks()) == list(range(0, 100, step))


def test_long_tokens_are_shortened_for_the_picture():
    axes, _ = labelled(["a" * 40])
    assert axes.get_xticklabels()[0].get_text() == "a" * 23 + "…"
    assert label_length(["a" * 40]) == label_length(["a" * 24])


def test_without_labels_positions_are_whole_numbers():
    axes, _ = labelled(["a", "b", "c"])
    label_axis(axes.xaxis, None, 2.0)
    assert len(axes.get_xticks()) > 1
    assert all(tick == int(tick) for tick in axes.get_xticks())


@pytest.mark.parametrize(
    ("tokens", "found"), [(["a"], "1 labels"), (["a"] * 3, "3 labels"), ("ab", "one text")]
)
def test_labels_that_do_not_fit_are_refused(tokens, found):
    with pytest.raises(ShapeError, match=f"keys are {found}, but that axis of the map has 2 tokens"):
        token_labels(2, tokens, "keys")
