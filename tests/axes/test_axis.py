"""An axis: its segments in a row, checked against maps, looked into, written and read."""

import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.axes.drawn import AXES

from visualizer.attention import AttentionMap, Dense
from visualizer.axes import Axis, Grid, Ids, Special, Text, Time, Unknown, Windows, as_axis
from visualizer.errors import CallsError, OptionError, ShapeError, VisualizerError

VIT = Axis([Special("CLS"), Special("R"), Special("R"), Grid(2, 3)])


def test_a_wrong_length_shows_the_arithmetic():
    axis = Axis([Special("CLS"), Grid(14, 14)])
    axis.check(197)
    with pytest.raises(ShapeError) as raised:
        axis.check(198)
    assert str(raised.value) == "1 CLS + 14 × 14 grid = 197 tokens, but the map has 198 keys"


def test_tokens_of_one_name_are_counted_together():
    assert VIT.arithmetic == "1 CLS + 2 × 1 R + 2 × 3 grid = 9 tokens"


@given(axis=AXES)
def test_names_and_places_are_those_of_the_segments(axis):
    inner = [(one, token) for one in axis.segments for token in range(one.length)]
    assert axis.length == len(inner)
    assert axis.names == tuple(one.name(token) for one, token in inner)
    assert [axis.name(token) for token in range(axis.length)] == list(axis.names)
    assert [axis.place(token) for token in range(axis.length)] == [one.place(token) for one, token in inner]


def test_a_token_that_is_not_there_is_refused():
    for token in (-1, 9):
        with pytest.raises(ShapeError, match=f"token {token} was asked for, but there are 1 CLS"):
            VIT.name(token)


def test_weights_are_put_back_for_each_segment():
    cls, first, second, picture = VIT.put(np.arange(18).reshape(2, 9))
    assert (cls.tolist(), first.tolist(), second.tolist()) == ([[0], [9]], [[1], [10]], [[2], [11]])
    assert picture.tolist() == [[[3, 4, 5], [6, 7, 8]], [[12, 13, 14], [15, 16, 17]]]


def test_a_row_of_a_lazy_map_is_put_back():
    a = AttentionMap(Dense(np.eye(9, dtype=np.float32)[None, None]))
    *_, picture = VIT.put(a[0, 0, 4])
    assert picture.tolist() == [[0, 1, 0], [0, 0, 0]]


def test_weights_of_another_length_show_the_arithmetic():
    with pytest.raises(ShapeError, match=r"2 × 3 grid = 9 tokens, but 8 weights were given"):
        VIT.put(np.zeros(8))


def test_tokens_are_found_by_name_cell_and_segment():
    assert VIT.where(special="CLS") == slice(0, 1)
    assert VIT.where(special="R", nth="all") == [slice(1, 2), slice(2, 3)]
    assert VIT.where(cell=(1, 0)) == slice(6, 7)
    assert VIT.where(segment="grid") == VIT.where(segment=3) == slice(3, 9)


def test_text_is_found_in_every_text_of_the_axis():
    axis = Axis([Special("[CLS]"), Text(["a", " cat"]), Special("[SEP]"), Text(["the", " cat"])])
    assert axis.where("cat", nth="all") == [slice(2, 3), slice(5, 6)]
    assert axis.where("cat", 1) == slice(5, 6)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"text": "dog"}, "'dog' was looked for in the tokens, but there is no text: 1 CLS"),
        ({"special": "R"}, "'R' was looked for in the tokens and is there 2 times: give nth= from 0"),
        ({"special": "R", "nth": 2}, "place 2 of 'R' was asked for, but it is there 2 times"),
        ({"special": "R", "nth": "both"}, "place both of 'R' was asked for"),
        ({"cell": (2, 0)}, r"\(2, 0\) was looked for in the tokens, but there are 1 CLS"),
        ({"cell": (0, 0, 0)}, r"\(0, 0, 0\) was looked for"),
        ({"segment": "text"}, "'text' was looked for in the tokens, but there are 1 CLS"),
    ],
)
def test_what_is_not_there_or_not_alone_is_refused(asked, says):
    with pytest.raises(CallsError, match=says):
        VIT.where(**asked)


def test_a_cell_of_one_of_several_images_is_found():
    axis = Axis([Grid(2, 3), Text([" and"]), Grid(2, 3, image=1)])
    assert [axis.where(cell=(1, 0), image=image) for image in (0, 1)] == [slice(3, 4), slice(10, 11)]
    assert axis.where(segment="grid", image=1) == slice(7, 13)
    with pytest.raises(CallsError, match=r"\(1, 0\) was looked for .* there 2 times"):
        axis.where(cell=(1, 0))
    with pytest.raises(
        OptionError, match="image=2 was asked for, but the tokens are of 2 images, counted from 0"
    ):
        axis.where(cell=(1, 0), image=2)
    with pytest.raises(OptionError, match="image=1 was given beside text, which is of no image"):
        axis.where(" and", image=1)


def test_one_token_is_counted_as_one():
    assert Axis([Ids([7])]).arithmetic == "1 id = 1 token"
    assert Axis([Ids([7, 8])]).arithmetic == "2 ids = 2 tokens"


def test_one_thing_is_looked_for_at_a_time():
    for asked in ({}, {"special": "R", "segment": 0}):
        with pytest.raises(OptionError, match="give one of text, special=, cell= and segment="):
            VIT.where(**asked)


def test_a_cell_lies_in_a_row_of_the_batch():
    assert VIT.at((1, 2), item=4) == (4, 8)
    assert Axis([Special("CLS"), Windows((4, 4), 2)]).at((3, 2), item=1) == (7, 3)


def test_a_cell_of_windows_is_no_slice_of_tokens():
    with pytest.raises(CallsError, match=r"those of windows: run.axis\(path\).at\(cell\)"):
        Axis([Windows((4, 4), 2)]).where(cell=(0, 0))


def test_an_axis_does_not_change():
    for change in (lambda: setattr(VIT, "segments", ()), lambda: setattr(VIT.segments[0], "text", "x")):
        with pytest.raises(AttributeError):
            change()
    assert {VIT: 1}[pickle.loads(pickle.dumps(VIT))] == 1


def test_what_makes_an_axis():
    assert as_axis(VIT) is VIT
    assert as_axis(Grid(2, 3)) == Axis([Grid(2, 3)])
    assert as_axis(["a", "b"]).names == ("a", "b")
    for wrong in (3, [], "CLS", [Grid(2, 3), "CLS"]):
        with pytest.raises(OptionError, match="give segments such as Grid"):
            as_axis(wrong)


@given(axis=AXES)
def test_what_is_written_is_read_again(axis):
    written = json.dumps(axis.to_json())
    assert Axis.from_json(written) == Axis.from_json(json.loads(written)) == axis
    assert json.loads(written) == axis.to_json()


def test_the_written_form_stays_what_it_is():
    axis = Axis([Special("CLS"), Grid(2, 3), Time(4, 2.0), Text(["a"]), Windows((8, 8), 4, 2), Unknown(2)])
    assert axis.to_json() == {
        "type": "axis",
        "version": 1,
        "segments": [
            {"kind": "special", "length": 1, "text": "CLS"},
            {"kind": "grid", "length": 6, "h": 2, "w": 3, "image": 0},
            {"kind": "time", "length": 4, "n": 4, "seconds": 2.0},
            {"kind": "text", "length": 1, "tokens": ["a"], "spans": [[0, 1]], "text": "a"},
            {
                "kind": "windows",
                "length": 16,
                "grid": [8, 8],
                "window": [4, 4],
                "shift": [2, 2],
                "roll_first": None,
                "spread": False,
            },
            {"kind": "unknown", "length": 2, "n": 2, "note": ""},
        ],
    }


def written(*segments, version=1):
    return {"type": "axis", "version": version, "segments": list(segments)}


def test_a_kind_that_a_later_release_brought_keeps_its_place():
    axis = Axis.from_json(
        written({"kind": "graph", "length": 3, "edges": []}, {"kind": "special", "length": 1, "text": "E"})
    )
    assert axis.where(special="E") == slice(3, 4)
    assert axis.segments[0] == Unknown(3, "a segment 'graph', which this release does not know")


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (written(version=2), "version 2 was to be read, but this release reads up to 1"),
        (
            written({"kind": "graph"}),
            "kind 'graph' with None tokens was to be read; this release knows special, text",
        ),
        (
            written({"kind": "grid", "length": 6, "h": 2, "w": 3, "tilt": 1}),
            "'grid' was to be read, but of tilt",
        ),
        (written({"kind": "grid", "length": 6, "h": 2}), "'grid' was to be read, but .*missing"),
        (written({"kind": "grid", "length": 7, "h": 2, "w": 3}), "written with 7 tokens, but has 6"),
        (written({"kind": "text", "length": 1, "tokens": 5}), "'text' was to be read, but .*iterable"),
        (written("grid"), "its segments are"),
        ({"segments": []}, "an axis was to be read, but .* is none"),
        ("[1]", "an axis was to be read, but .* is none"),
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
    ],
)
def test_what_is_no_axis_is_refused_by_name(found, says):
    with pytest.raises((OptionError, ShapeError), match=says):
        Axis.from_json(found)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)
KINDS = st.sampled_from(["special", "text", "grid", "frames", "volume", "time", "windows", "unknown", "x"])
NAMES = st.sampled_from(
    ["length", "h", "w", "t", "d", "n", "text", "tokens", "spans", "grid", "window", "shift"]
)
BROKEN = st.fixed_dictionaries({"kind": KINDS}, optional={}).flatmap(
    lambda kind: st.dictionaries(NAMES, VALUES, max_size=5).map(lambda fields: kind | fields)
)


@given(segments=st.lists(BROKEN, max_size=2))
def test_whatever_is_read_is_an_axis_or_one_of_our_errors(segments):
    try:
        axis = Axis.from_json(json.dumps(written(*segments)))
    except VisualizerError:
        return
    assert Axis.from_json(axis.to_json()) == axis
