"""Segments: how many tokens, their names, their places in the input, and weights put back into it."""

import numpy as np
import pytest
from hypothesis import given
from tests.axes.drawn import LATTICES, LIBRARIES, LINED, LINES, scattered, windows

from visualizer.axes import Frames, Grid, Scattered, Special, Text, Time, Unknown, Volume, Windows
from visualizer.errors import OptionError, ShapeError


def test_each_kind_names_its_tokens():
    named = [
        (Special("CLS"), 0, "CLS"),
        (Text(["the", " cat"]), 1, " cat"),
        (Grid(2, 3), 4, "cell (1, 1)"),
        (Grid(2, 3, image=1), 4, "image 1, cell (1, 1)"),
        (Frames(2, 2, 3), 11, "cell (1, 1, 2)"),
        (Volume(2, 2, 3), 6, "cell (1, 0, 0)"),
        (Time(4, seconds=2), 1, "0.5 s"),
        (Windows((8, 8), 4), 7, "cell (1, 3) of the window"),
        (Unknown(3), 2, "token 2"),
    ]
    assert [(one.name(token), name) for one, token, name in named if one.name(token) != name] == []


def test_a_patch_lies_in_a_box_of_the_image():
    assert Grid(2, 4).place(6, size=(40, 60)) == (30, 20, 15, 20)
    assert Grid(2, 4).place(6) == (0.5, 0.5, 0.25, 0.5)


def test_steps_and_slices_lie_in_a_box_with_a_third_side():
    assert Frames(2, 1, 2).place(3, size=(16, 10, 20)) == (10, 0, 8, 10, 10, 8)
    with pytest.raises(ShapeError, match=r"size=\(10, 20\) was given for 2 × 1 × 2 cells; give 3 numbers"):
        Frames(2, 1, 2).place(3, size=(10, 20))


def test_sound_lies_in_seconds():
    assert Time(1500, seconds=30).place(1499) == pytest.approx((29.98, 30))


@given(one=LATTICES)
def test_the_token_of_each_cell_is_the_one_that_bears_it(one):
    found = [one.token(one.cell(token)) for token in range(one.length)]
    assert found == list(range(one.length))


@given(one=LATTICES)
def test_boxes_of_a_lattice_fill_the_input(one):
    boxes = np.array([one.place(token) for token in range(one.length)])
    extents = boxes[:, boxes.shape[1] // 2 :]
    assert extents.prod(1).sum() == pytest.approx(np.prod(getattr(one, "span", 1)))


@pytest.mark.parametrize("library", LIBRARIES)
@given(one=LATTICES)
def test_weights_of_a_lattice_stand_in_their_cells(library, one):
    laid = one.put(library.arange(2 * one.length).reshape(2, one.length))
    assert type(laid) is type(library.arange(1))
    for token in range(one.length):
        assert laid[(1, *one.cell(token))] == one.length + token


@given(one=LINES)
def test_weights_of_what_has_no_shape_stay_as_they_are(one):
    weights = np.arange(one.length)
    assert one.put(weights) is weights


def test_weights_that_are_not_as_many_are_refused():
    with pytest.raises(ShapeError, match="2 × 3 grid, but 7 weights were given"):
        Grid(2, 3).put(np.zeros(7))


def cut(image, one):
    """The windows (window, token) of an image (row, column), by rolling and slicing as Swin does.

    Those that are spread are slices of a step.
    """
    if one.spread:
        steps = [side // cells for side, cells in zip(one.grid, one.window)]
        return np.stack(
            [image[r :: steps[0], c :: steps[1]].ravel() for r in range(steps[0]) for c in range(steps[1])]
        )
    missing = [(0, -side % step) for side, step in zip(one.grid, one.window)]
    by = (-one.shift[0], -one.shift[1])
    if one.roll_first:
        rolled = np.pad(np.roll(image, by, (0, 1)), missing, constant_values=-1)
    else:
        rolled = np.roll(np.pad(image, missing, constant_values=-1), by, (0, 1))
    (rows, columns), (h, w) = rolled.shape, one.window
    return np.stack(
        [rolled[r : r + h, c : c + w].ravel() for r in range(0, rows, h) for c in range(0, columns, w)]
    )


@given(one=windows())
def test_windows_are_those_of_a_rolled_grid_cut_to_pieces(one):
    numbers = np.arange(np.prod(one.grid)).reshape(one.grid)
    tokens = cut(numbers, one)
    assert tokens.shape == (one.count, one.length)
    for (batch, token), number in np.ndenumerate(tokens):
        cell = None if number < 0 else tuple(np.argwhere(numbers == number)[0])
        assert one.cell(token, batch) == cell
        assert cell is None or one.at(cell, item=2) == (batch + 2 * one.count, token)
        assert one.place(token, batch=batch) == (None if cell is None else Grid(*one.grid).place(number))


@pytest.mark.parametrize("library", LIBRARIES)
@given(one=windows())
def test_weights_of_all_windows_make_the_grid_again(library, one):
    numbers = np.arange(np.prod(one.grid)).reshape(one.grid)
    laid = one.put(library.asarray(cut(numbers, one))[None])
    assert type(laid) is type(library.asarray([1]))
    assert np.array_equal(np.asarray(laid), numbers[None])


@pytest.mark.parametrize("library", LIBRARIES)
@given(one=windows())
def test_weights_of_one_window_lie_in_it_and_all_else_is_zero(library, one):
    numbers = 1 + np.arange(np.prod(one.grid)).reshape(one.grid)
    pieces = cut(numbers, one)
    for batch in range(one.count):
        laid = np.asarray(one.put(library.asarray(pieces[batch]), batch + 3 * one.count))
        assert np.array_equal(laid, np.where(np.isin(numbers, pieces[batch]), numbers, 0))


@pytest.mark.parametrize("library", LIBRARIES)
@given(one=scattered())
def test_weights_of_scattered_patches_lie_where_these_do(library, one):
    weights = 1 + np.arange(one.length)
    laid = one.put(library.asarray(weights)[None])
    assert type(laid) is type(library.asarray([1]))
    expected = np.zeros(one.cells, int)
    for token in range(one.length):
        assert one.token(one.cell(token)) == token
        assert one.holds(one.cell(token))
        assert one.place(token) == Grid(*one.cells).place(one.at[token])
        expected[one.cell(token)] = weights[token]
    assert np.array_equal(np.asarray(laid)[0], expected)
    absent = [cell for cell in np.ndindex(one.cells) if not expected[cell]]
    for cell in absent:
        assert not one.holds(cell)
        with pytest.raises(ShapeError, match="is not among the"):
            one.token(cell)


def test_weights_are_not_written_to():
    weights = np.ones(4)
    Windows((4, 4), 2).put(weights, 0)[:] = 5
    assert (weights == 1).all()


def test_weights_of_windows_that_are_not_all_are_refused():
    with pytest.raises(ShapeError, match=r"shape \(3, 4\) were to be put into 4 windows; give batch="):
        Windows((4, 4), 2).put(np.zeros((3, 4)))


def test_text_is_found_by_the_characters_of_its_tokens():
    pair = Text(
        ["[CLS]", "un", "##do", "你", "你", "!"], [(0, 0), (0, 2), (2, 4), (5, 6), (5, 6), (6, 7)], "undo 你!"
    )
    assert pair.find("ndo") == [slice(1, 3)]
    assert pair.find("你") == [slice(3, 5)]  # both pieces of one character
    assert pair.find(" ") == []  # is in the text, and in no token


def test_all_places_of_a_text_are_found():
    assert Text(["a", "aa", "b"]).find("aa") == [slice(0, 2), slice(1, 2)]
    assert Text(["a"]).find("") == []


@pytest.mark.parametrize(
    ("make", "kind", "says"),
    [
        (lambda: Grid(0, 3), ShapeError, r"Grid\(h=0\) was asked for; give a whole number from 1"),
        (lambda: Grid(2.5, 3), ShapeError, r"Grid\(h=2.5\)"),
        (
            lambda: Grid(2, 3).token((2, 0)),
            ShapeError,
            r"outside of the 2 × 3 grid, whose last cell is \(1, 2\)",
        ),
        (lambda: Grid(2, 3).token(5), ShapeError, "cell=5 is outside"),
        (lambda: Windows((8, 8), 4, 4), OptionError, r"windows of 4 × 4 cells are shifted by less"),
        (
            lambda: Windows((8, 9), 4, 2),
            OptionError,
            r"do not fill a 8 × 9 grid: give roll_first=True \(as timm\)",
        ),
        (lambda: Windows((8, 8), 4, 2, "first"), OptionError, "give roll_first="),
        (lambda: Windows((8, 9), 4, spread=True), OptionError, "give no shift, and a grid of whole windows"),
        (lambda: Windows((8, 8), 4, 2, spread=True), OptionError, "give no shift, and a grid of whole"),
        (
            lambda: Scattered(2, 3),
            ShapeError,
            r"at=\(\) was asked for; give different numbers of 2 × 3 patches",
        ),
        (lambda: Scattered(2, 3, at=(1, 1)), ShapeError, "from 0 to 5"),
        (lambda: Scattered(2, 3, at=(6,)), ShapeError, r"at=\(6,\) was asked for"),
        (lambda: Windows((8, 8, 8), 4), ShapeError, "give one or two whole numbers from 1"),
        (lambda: Time(3, seconds=float("nan")), OptionError, "seconds=nan"),
        (lambda: Time(3, seconds=10**400), OptionError, "give how long all tokens last"),
        (lambda: Special(1), OptionError, "give the token's name"),
        (lambda: Text("abc"), OptionError, "give a list of tokens"),
        (lambda: Text(["a"], [(0, 1), (1, 2)], "ab"), ShapeError, "2 spans were given for 1 tokens"),
        (lambda: Text(["a"], [(0, 5)], "ab"), ShapeError, "at 0 to 5 of 2 characters"),
        (lambda: Text(["a"], ["x"], "ab"), ShapeError, r"give \(begin, end\) of each token"),
        (lambda: Text(["##a"], text="a"), OptionError, "do not join to it: give spans="),
    ],
)
def test_what_cannot_be_is_refused(make, kind, says):
    with pytest.raises(kind, match=says):
        make()


@given(LINED)
def test_rows_that_end_with_newlines_are_a_grid_without_them(lines):
    grid = Grid(*lines.cells)
    cells = [grid.cell(token) for token in range(grid.length)]
    tokens = [lines.token(cell) for cell in cells]
    newlines = sorted(set(range(lines.length)) - set(tokens))
    assert [lines.place(token, (40, 60)) for token in tokens] == [
        grid.place(n, (40, 60)) for n in range(len(cells))
    ]
    assert [lines.cell(token) for token in tokens] == cells
    assert {(lines.name(token), lines.place(token)) for token in newlines} == {("newline", None)}
    assert len(newlines) == lines.h
    assert lines.put(np.arange(lines.length)).ravel().tolist() == tokens
