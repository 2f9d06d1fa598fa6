"""Which token lies where."""

import numpy as np
import pytest

from visualizer.errors import ShapeError
from visualizer.plots.patches import PatchGrid, patch_grid, prefix_names, query_token

SCENE = PatchGrid((2, 5), (40, 100), ("CLS", "R1"))


def test_tokens_go_in_rows_from_the_top_left_after_the_prefix():
    cells = [SCENE.cell_of(token) for token in range(SCENE.axis.length)]
    assert cells == [None, None, *((row, column) for row in range(2) for column in range(5))]


def test_cells_and_tokens_are_each_others_inverse():
    assert [SCENE.token_at(SCENE.cell_of(token)) for token in range(2, 12)] == list(range(2, 12))


@pytest.mark.parametrize(
    ("pixel", "cell"),
    [
        ((0, 0), (0, 0)),
        ((99, 0), (0, 4)),
        ((0, 39), (1, 0)),
        ((19.9, 20), (1, 0)),
        ((20, 19.9), (0, 1)),
        ((99.9, 39.9), (1, 4)),
    ],
)
def test_a_pixel_is_x_then_y(pixel, cell):
    assert SCENE.cell_of(SCENE.token_under(pixel)) == cell


def test_every_pixel_of_an_image_that_patches_do_not_divide_is_in_a_cell():
    grid = PatchGrid((3, 7), (10, 23))
    found = {grid.cell_of(grid.token_under((x, y))) for x in range(23) for y in range(10)}
    assert found == {(row, column) for row in range(3) for column in range(7)}


@pytest.mark.parametrize(
    ("keys", "size", "prefix", "cells"),
    [
        (197, (224, 224), 1, (14, 14)),
        (196, (240, 320), 0, (14, 14)),  # squeezed into a square
        (12 * 16, (240, 320), 0, (12, 16)),
        (12 * 16 + 5, (480, 640), 5, (12, 16)),
        (16 * 12, (320, 240), 0, (16, 12)),
        (1, (7, 9), 0, (1, 1)),
    ],
)
def test_a_grid_is_told_by_a_square_or_by_the_image(keys, size, prefix, cells):
    assert patch_grid(keys, size, None, prefix).cells == cells


def test_a_grid_that_could_be_two_must_be_given():
    with pytest.raises(ShapeError, match=r"could be 9 × 16 or 12 × 12: give grid=\(rows, columns\)"):
        patch_grid(144, (360, 640), None, 0)


def test_a_grid_that_nothing_tells_must_be_given_and_another_prefix_is_offered():
    with pytest.raises(ShapeError, match=r"197 patches \(prefix=0\) .* give grid=.*or prefix=1 if"):
        patch_grid(197, (224, 224), None, 0)


@pytest.mark.parametrize("prefix", [0, 3, 300])
def test_a_grid_that_does_not_fit_is_refused(prefix):
    with pytest.raises(
        ShapeError, match=rf"grid=\(2, 5\) has 10 cells, but of 11 keys prefix={prefix} leaves {11 - prefix}"
    ):
        patch_grid(11, (40, 100), (2, 5), prefix)


def test_a_grid_without_cells_is_refused_without_a_guess():
    with pytest.raises(ShapeError, match=r"grid=\(0, 6\) is wanted, but a grid has at least one row"):
        patch_grid(6, (40, 60), (0, 6), 0)


def test_a_prefix_that_would_fit_is_named():
    with pytest.raises(ShapeError, match="leaves 15: prefix=5 would fit"):
        patch_grid(15, (40, 100), (2, 5), 0)


@pytest.mark.parametrize("grid", [14, (2, 5, 1), (2.5, 4), "no", (-2, -5)])
def test_a_grid_is_two_whole_numbers(grid):
    with pytest.raises(ShapeError, match="grid="):
        patch_grid(10, (40, 100), grid, 0)


@pytest.mark.parametrize(
    ("prefix", "names"),
    [
        (0, ()),
        (1, ("CLS",)),
        (np.int64(3), ("CLS", "R1", "R2")),
        (("CLS", "DIST"), ("CLS", "DIST")),
        ("CLS", ("CLS",)),
    ],
)
def test_prefix_tokens_are_counted_or_named(prefix, names):
    assert prefix_names(prefix) == names


@pytest.mark.parametrize("prefix", [-1, 1.5])
def test_a_prefix_that_is_no_number_of_tokens_is_refused(prefix):
    with pytest.raises(ShapeError, match=f"prefix={prefix}"):
        prefix_names(prefix)


@pytest.mark.parametrize(
    ("place", "token"),
    [
        ({"query": 0}, 0),
        ({"query": np.int64(11)}, 11),
        ({"cell": (1, 0)}, 7),
        ({"cell": [0, 4]}, 6),
        ({"pixel": (99, 39)}, 11),
    ],
)
def test_a_query_is_a_token_a_cell_or_a_pixel(place, token):
    assert query_token(SCENE, 12, **place) == token


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ({}, "exactly one of query=.*cell=.*pixel=.*: 0 were given"),
        ({"query": 1, "cell": (0, 0)}, "2 were given"),
        ({"query": 12}, "query=12 is outside of the map, whose rows are 0 to 11"),
        ({"query": -1}, "query=-1 is outside"),
        ({"query": 1.5}, "query=1.5 is not a token's index"),
        ({"cell": (2, 0)}, r"cell=\(2, 0\) is outside of the 2 × 5 grid, whose last cell is \(1, 4\)"),
        ({"cell": (0, -1)}, "is outside of the 2 × 5 grid"),
        ({"cell": 3}, r"cell=3 is not \(row, column\)"),
        ({"pixel": (0, 40)}, r"pixel=\(0, 40\) is outside of the image of 100 × 40 pixels"),
        ({"pixel": 7}, r"pixel=7 is not \(x, y\)"),
    ],
)
def test_a_query_that_is_nowhere_is_refused(place, sentence):
    with pytest.raises(ShapeError, match=sentence):
        query_token(SCENE, 12, **place)


def test_rows_that_are_no_tokens_of_the_image_have_no_cell():
    assert query_token(SCENE, 4, query=3) == 3
    with pytest.raises(ShapeError, match="4 rows for 12 keys.*give query="):
        query_token(SCENE, 4, cell=(0, 0))
