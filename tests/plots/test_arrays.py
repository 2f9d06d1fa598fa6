"""Whatever holds a map becomes a float array of known shape."""

import numpy as np
import pytest

from visualizer.errors import ShapeError, TargetError
from visualizer.plots.arrays import as_floats, map_stack, one_map


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("float64", "float64"),
        ("float32", "float32"),
        ("float16", "float32"),
        ("bool", "float32"),
        ("int64", "float64"),
    ],
)
def test_floats_keep_their_width_and_narrower_ones_are_widened(given, kept):
    array = as_floats(np.array([[0, 1]], dtype=given), "map")
    assert array.dtype == kept
    assert array.tolist() == [[0, 1]]


def test_nested_lists_are_a_map():
    assert one_map([[0.5, 0.5], [0.25, 0.75]]).tolist() == [[0.5, 0.5], [0.25, 0.75]]


def test_an_array_by_protocol_is_a_map():
    class Lazy:
        def __array__(self, dtype=None, copy=None):
            return np.eye(2)

        def __call__(self):
            raise AssertionError

    assert one_map(Lazy()).tolist() == [[1, 0], [0, 1]]


def test_masked_cells_are_not_finite():
    array = one_map(np.ma.masked_equal([[0.0, 1.0]], 0))
    assert np.isnan(array[0, 0])
    assert array[0, 1] == 1


def test_the_given_array_is_left_as_it_is():
    given = np.eye(2)
    one_map(given)[:] = 7
    assert given.tolist() == [[1, 0], [0, 1]]


def test_a_model_is_refused_and_told_what_to_do():
    class Model:
        def __call__(self, x):
            return x

    with pytest.raises(TargetError, match="map is a Model, but a plot takes an array, never a model: record"):
        one_map(Model())


@pytest.mark.parametrize("value", [[["a", "b"]], [[1 + 2j]], [[object()]], None])
def test_what_holds_no_real_numbers_is_refused(value):
    with pytest.raises(TargetError, match="a plot takes an array of real numbers"):
        one_map(value)


def test_rows_of_different_length_are_no_map():
    with pytest.raises(ShapeError, match="map is no array, as its parts differ in shape"):
        one_map([[1.0], [0.5, 0.5]])


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        (
            (3, 4, 4),
            r"map has shape \(3, 4, 4\), two axes \(query, key\) are wanted: pick one, such as map\[0\]",
        ),
        ((1, 3, 4, 4), r"map\[0, 0\]"),
        ((4,), r"map has shape \(4,\), two axes \(query, key\) are wanted: pass the whole matrix"),
        ((0, 4), r"no cells in map of shape \(0, 4\): there is nothing to draw"),
    ],
)
def test_a_map_of_another_shape_is_told_the_wanted_one(shape, sentence):
    with pytest.raises(ShapeError, match=sentence):
        one_map(np.zeros(shape))


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        (
            (2, 3, 4, 4),
            r"maps have shape \(2, 3, 4, 4\), axes \(head, query, key\) are wanted: pick one, .* maps\[0\]",
        ),
        ((5, 1, 3, 4, 4), r"maps\[0, 0\]"),
        ((4, 4), r"for one map there is head\(\)"),
    ],
)
def test_maps_of_another_shape_are_told_the_wanted_one(shape, sentence):
    with pytest.raises(ShapeError, match=sentence):
        map_stack(np.zeros(shape))


def test_a_batch_of_one_is_dropped():
    maps = np.arange(24.0).reshape(1, 2, 3, 4)
    np.testing.assert_array_equal(map_stack(maps), maps[0])


def test_a_map_without_a_finite_value_is_refused():
    with pytest.raises(ShapeError, match=r"no finite value in map of shape \(2, 2\): there is nothing"):
        one_map(np.full((2, 2), np.nan))
