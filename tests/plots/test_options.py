"""A wrong choice is told in one sentence, before anything is drawn."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest

from visualizer.errors import OptionError
from visualizer.plots import grid_to_grid, head, heads

PICTURES = {
    "head": lambda **look: head(np.eye(3), **look),
    "heads": lambda **look: heads([np.eye(3)], **look),
    "grid_to_grid": lambda **look: grid_to_grid(np.eye(4), np.eye(8), query=0, **look),
}
COMMON = [
    (
        {"cmap": "viridsi"},
        "cmap='viridsi' was asked for, but matplotlib has no such colour map: near it are 'viri",
    ),
    ({"cmap": "VIRIDIS"}, "near it are 'viridis'"),
    ({"cmap": "of my own"}, "there are 'viridis', 'magma', "),
    ({"cmap": ""}, "cmap='' was asked for"),
    ({"cmap": ["red"]}, "cmap=['red'] was asked for"),
    (
        {"interpolation": "bilinaer"},
        "interpolation='bilinaer' was asked for, but matplotlib has no such one: near it are 'bilinear'",
    ),
    ({"interpolation": "smooth as silk"}, "there are 'antialiased', "),
    ({"interpolation": 3}, "interpolation=3 was asked for"),
]
OPACITY = "was asked for, but an opacity is a number from 0 to 1"


@pytest.mark.parametrize("draw", PICTURES.values(), ids=PICTURES)
@pytest.mark.parametrize(("look", "sentence"), COMMON, ids=str)
def test_a_choice_that_matplotlib_does_not_have_is_told_with_near_ones(draw, look, sentence):
    with pytest.raises(OptionError, match=re.escape(sentence)):
        draw(**look)


@pytest.mark.parametrize("alpha", [2, -0.1, float("nan"), "0.5", None, [0.5, 0.5]])
def test_an_opacity_that_is_none_is_told_with_its_range(alpha):
    with pytest.raises(OptionError, match=re.escape(f"alpha={alpha!r} {OPACITY}")):
        PICTURES["grid_to_grid"](alpha=alpha)


@pytest.mark.parametrize("alpha", [0, 1, np.float32(0.5)])
def test_the_ends_of_the_range_and_numbers_of_numpy_are_opacities(alpha):
    [shown, *_] = PICTURES["grid_to_grid"](alpha=alpha).axes[1].images[1:]
    assert shown.get_alpha() == alpha


@pytest.mark.parametrize("look", [{"cmap": "none such"}, {"interpolation": "none such"}], ids=str)
def test_a_wrong_choice_leaves_the_callers_axes_empty(look):
    figure, axes = plt.subplots()
    with pytest.raises(OptionError):
        head(np.eye(3), ax=axes, **look)
    assert not axes.images
    plt.close(figure)


def test_names_of_interpolations_are_taken_in_any_case_of_letters():
    assert head(np.eye(3), interpolation="Bilinear").axes[0].images[0].get_interpolation() == "bilinear"
