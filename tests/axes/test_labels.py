"""Axes of a run: stated for all maps or some, checked at once, looked into."""

import copy

import numpy as np
import pytest
from tests.capture.test_empty import Attention, X

import visualizer
from visualizer.axes import Axis, Grid, Special, Text, Unknown
from visualizer.errors import CallsError, OptionError, ShapeError

VIT = [Special("CLS"), Grid(2, 2)]


def run_of(**shapes):
    return visualizer.from_arrays({path: np.ones(shape, np.float32) for path, shape in shapes.items()})


@pytest.fixture
def run():
    """An encoder, a decoder, and the one looking at the other."""
    return run_of(encoder=(5, 5), decoder=(3, 3), cross=(3, 5))


def test_an_axis_is_that_of_queries_and_keys(run):
    run.label("encoder", axis=VIT)
    assert run.axis("encoder") == run.axis("encoder", "queries") == Axis(VIT)
    assert run.where(cell=(1, 0)) == slice(3, 4)


def test_queries_and_keys_have_axes_of_their_own(run):
    run.label("cross", keys=VIT).label("cross", queries=["a", " dog", "."])
    assert run.axis("cross") == Axis(VIT)
    assert run.where("dog", path="cross", of="queries") == slice(1, 2)


def test_patterns_label_all_that_they_match(run):
    run.label("[ec]*", keys=VIT)
    assert run.axis("encoder") == run.axis("cross") == Axis(VIT)
    with pytest.raises(CallsError, match="the keys of decoder were asked for, but have no axis"):
        run.axis("decoder")


def test_one_axis_for_all_leaves_those_of_some(run):
    run.label("decoder", axis=["a", "b", "c"]).label(keys=VIT)
    assert run.axis("decoder").names == ("a", "b", "c")
    assert run.axis("cross") == run.axis() == Axis(VIT)
    assert run.tokens == list(Axis(VIT).names)


@pytest.mark.parametrize(
    ("stated", "kind", "says"),
    [
        ({"axis": VIT}, ShapeError, r"1 CLS \+ 2 × 2 grid = 5 tokens, but the map of decoder has 3 queries"),
        ({"queries": ["a", "b"]}, ShapeError, "2 of text = 2 tokens, but the map of encoder has 5 queries"),
        ({"axis": VIT, "keys": VIT}, OptionError, "axis, keys were given; give axis=, or queries= and keys="),
        ({"axis": VIT, "grid": (2, 2)}, OptionError, "axis, grid were given"),
        ({"tokens": ["a"], "axis": VIT}, OptionError, "tokens were given beside axes"),
        (
            {"tokens": "coder", "axis": VIT},
            CallsError,
            "'coder' was to be labelled, but no call of it was recorded",
        ),
        ({"axis": "CLS"}, OptionError, "an axis was to be made of 'CLS'"),
    ],
)
def test_a_wrong_statement_fails_at_once_and_labels_nothing(run, stated, kind, says):
    with pytest.raises(kind, match=says):
        run.label(**stated)
    assert not run.labels.stated


def test_maps_of_different_axes_are_looked_into_one_at_a_time(run):
    run.label("encoder", axis=VIT).label("decoder", axis=["a", "b", "c"])
    with pytest.raises(CallsError, match="the keys of encoder, decoder were asked for, but have 2 different"):
        run.where(cell=(0, 0))
    with pytest.raises(OptionError, match="the axis of 'values' was asked for; give 'queries' or 'keys'"):
        run.axis("encoder", "values")
    with pytest.raises(CallsError, match="'nowhere' was asked for, but no call of it was recorded"):
        run.axis("nowhere")


def test_all_places_of_a_text_are_given():
    run = run_of(a=(3, 3)).label(["so", " it", " so"])
    assert run.where("so", nth="all") == [slice(0, 1), slice(2, 3)]
    with pytest.raises(
        CallsError, match="'so' was looked for in the tokens and is there 2 times: give nth= from 0"
    ):
        run.where("so")
    assert run.where("so", 1) == slice(2, 3)


def test_text_for_all_maps_may_be_longer_than_what_a_step_sees():
    assert run_of(a=(1, 2), b=(1, 3)).label(["a", "b", "c"]).axis("a") == Axis([Text(["a", "b", "c"])])


def test_text_that_no_map_sees_a_part_of_fails_at_once():
    run = run_of(a=(5, 5), b=(1, 6))
    with pytest.raises(ShapeError, match="2 of text = 2 tokens, but no map has so few: the smallest has 5"):
        run.label(["a", "b"])
    assert run.label(["a", "b", "c", "d", "e"]).where("e") == slice(4, 5)  # of the prompt alone


def test_without_axes_the_way_to_them_is_named():
    assert run_of(a=(3, 3)).label([]).tokens == []
    for asked in ({"text": "a"}, {"cell": (0, 0)}):
        with pytest.raises(CallsError, match=r"but the run has no tokens: run.label\(tokens=\[...\]\) first"):
            run_of(a=(3, 3)).where(**asked)
    with pytest.raises(CallsError, match="the keys of a were asked for, but have no axis"):
        run_of(a=(3, 3)).axis()


def test_parts_and_copies_keep_their_axes(run):
    run.label("encoder", axis=VIT)
    part, copied = run["enc*"], copy.deepcopy(run)
    run.label("encoder", axis=Unknown(5))
    assert part.axis("encoder") == copied.axis("encoder") == Axis(VIT)


def test_locals_and_read_outs_are_labelled_unchecked():
    model = Attention()
    with visualizer.capture(model, keep="readouts", readouts=["entropy"]) as run:
        model(X)
    assert run.label(axis=Unknown(7)).axis() == Axis([Unknown(7)])
