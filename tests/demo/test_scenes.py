"""Scenes of digits: a card with its label, among digits that no training has seen."""

import numpy as np
import pytest

from visualizer.demo.scenes import GRID, PATCH, SIZE, draw_held_back_scenes, load_digits


@pytest.fixture(scope="module")
def scenes():
    return draw_held_back_scenes(50, seed=0)


def test_no_digit_is_both_trained_on_and_held_back():
    trained, held_back = (
        {digit.tobytes() for digit in load_digits(held_back=part)[0]} for part in (False, True)
    )
    assert not trained & held_back
    assert (len(trained), len(held_back)) == (1348, 449)


def test_a_digit_is_drawn_at_twice_its_size_around_the_same_place():
    from sklearn.datasets import load_digits as real_digits

    small = real_digits().images[3] / 16  # index 3 is the first held back
    large = load_digits(held_back=True)[0][0]
    assert large.reshape(8, 2, 8, 2).mean((1, 3)) == pytest.approx(small, abs=0.26)
    assert large.mean() == pytest.approx(small.mean(), abs=1e-6)


def test_scenes_have_more_columns_than_rows(scenes):
    assert scenes.images.shape == (50, *SIZE) == (50, 48, 80)
    assert (GRID[0] * PATCH, GRID[1] * PATCH) == SIZE


def test_the_card_is_the_only_light_ground(scenes):
    for image, (row, column) in zip(scenes.images, scenes.corners, strict=True):
        card = image[row : row + 18, column : column + 18]
        frame = np.concatenate([card[0], card[-1], card[:, 0], card[:, -1]])
        assert card.shape == (18, 18)
        assert (frame == 1).all()


def test_the_cells_of_a_card_hold_all_of_it_and_each_holds_some(scenes):
    for cells, (row, column) in zip(scenes.card_cells(), scenes.corners, strict=True):
        card = np.zeros(SIZE, bool)
        card[row : row + 18, column : column + 18] = True
        touched = card.reshape(GRID[0], PATCH, GRID[1], PATCH).any((1, 3))
        assert (cells == touched).all()


def test_the_label_is_the_digit_on_the_card(scenes):
    digits, classes = load_digits(held_back=True)
    inks = {digit.tobytes(): label for digit, label in zip(digits, classes, strict=True)}
    for image, label, (row, column) in zip(scenes.images, scenes.labels, scenes.corners, strict=True):
        ink = 1 - image[row + 1 : row + 17, column + 1 : column + 17]
        nearest = np.abs(digits - ink).mean((1, 2)).argmin()
        assert inks[digits[nearest].tobytes()] == label


def test_the_same_seed_draws_the_same_scenes():
    first, second = (draw_held_back_scenes(3, seed=7).images for _ in range(2))
    assert (first == second).all()
