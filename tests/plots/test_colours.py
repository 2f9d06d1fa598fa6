"""One scale, and words that tell it."""

import numpy as np
import pytest
from matplotlib import colormaps

from visualizer.errors import OptionError
from visualizer.plots.colours import OVER, colour_scale

VALUES = np.array([0.0, 0.1, 0.4, 0.8])


def ends(scale):
    return float(scale.norm.vmin), float(scale.norm.vmax)


def test_values_from_zero_up_are_drawn_linearly_from_zero_to_the_largest():
    scale = colour_scale(VALUES[1:])
    assert ends(scale) == (0, 0.8)
    assert scale.norm(0.4) == pytest.approx(0.5)
    assert scale.sentence() == "Linear colour scale from 0 to 0.8."


def test_no_default_is_a_rainbow():
    assert colour_scale(VALUES).cmap.name == "viridis"
    assert colour_scale(-VALUES).cmap.name == "RdBu_r"


def test_negative_values_are_drawn_around_zero():
    scale = colour_scale(np.array([-1.0, 4.0]))
    assert ends(scale) == (-4, 4)
    assert scale.norm(0.0) == 0.5
    assert scale.sentence() == "Linear diverging colour scale centred on 0, from -4 to 4."


@pytest.mark.parametrize(
    ("limits", "found"), [((None, 2), (-2, 2)), ((-3, None), (-3, 3)), ((-1, 5), (-1, 5))]
)
def test_one_limit_of_signed_values_holds_for_both_sides(limits, found):
    assert ends(colour_scale(np.array([-1.0, 4.0]), limits=limits)) == found


def test_square_roots_spread_small_values():
    norm = colour_scale(np.array([0.0, 1.0]), scale="sqrt").norm
    assert float(norm(0.25)) == pytest.approx(0.5)
    assert float(norm.inverse(0.5)) == pytest.approx(0.25)


def test_square_roots_keep_the_sign():
    norm = colour_scale(np.array([-1.0, 1.0]), scale="sqrt").norm
    assert float(norm(-0.25)) == pytest.approx(0.25)


def test_logarithms_span_four_decades_at_most_and_zero_lies_below():
    scale = colour_scale(np.array([0.0, 1e-30, 0.01, 1.0]), scale="log")
    assert ends(scale) == (1e-4, 1)
    assert float(scale.norm(0.01)) == pytest.approx(0.5)
    assert scale.norm(np.ma.masked_invalid([0.0, np.nan])).tolist() == [pytest.approx(-74), None]
    assert scale.sentence().endswith("from 0.0001 to 1. Clipped: 2 below it (lowest colour: ≤ 0.0001).")


@pytest.mark.parametrize("cmap", ["cividis", "viridis", "inferno", "gray", "Blues", "Greys"])
def test_a_weight_below_a_logarithm_looks_as_the_least_one_and_not_as_the_largest(cmap):
    scale = colour_scale(np.array([0.0, 1e-30, 0.01, 1.0]), cmap, scale="log")
    assert scale.cmap(scale.norm(1e-30)) == scale.cmap(scale.norm(0.0)) == colormaps[cmap](0.0)
    flat = scale.over_grey(0.8, 0.6)
    assert flat(scale.norm(1e-30)) == flat(0.0) != flat(1.0)


def test_logarithms_of_signed_values_are_linear_around_zero():
    assert float(colour_scale(np.array([-1.0, 1.0]), scale="log").norm(0.0)) == 0.5


@pytest.mark.parametrize("scale", ["linear", "sqrt", "log"])
def test_a_map_of_zeros_has_a_scale(scale):
    low, high = ends(colour_scale(np.zeros(3), scale=scale))
    assert low < high


def test_clipped_and_missing_cells_are_counted_and_the_bar_gets_tips():
    scale = colour_scale(np.array([0.0, 0.1, 0.4, 0.8, np.nan, np.inf]), limits=(0.05, 0.4))
    assert (scale.above, scale.below, scale.missing, scale.extend) == (1, 1, 2, "both")
    assert scale.sentence().endswith(
        "Clipped: 1 above it (colour at the bar's tip) and 1 below it (lowest colour: ≤ 0.05). "
        "Not finite, hatched: 2."
    )


def test_clipped_cells_have_a_colour_that_the_scale_lacks():
    scale = colour_scale(VALUES, limits=(None, 0.4))
    inside = scale.cmap(np.linspace(0, 1, 256)).tolist()
    assert scale.cmap(scale.norm(0.8)) not in [tuple(colour) for colour in inside]
    assert scale.extend == "max"


def test_a_colour_map_is_taken_by_name_or_as_it_is():
    own = colormaps["cividis"].with_extremes(over="green")
    assert colour_scale(VALUES, own).cmap is own
    assert colour_scale(VALUES, "cividis").cmap == colormaps["cividis"].with_extremes(over=OVER)


def test_colours_over_grey_are_those_of_the_map_at_its_opacity():
    scale = colour_scale(VALUES, "gray")
    assert scale.over_grey(0.5, 0.6)(0.0)[:3] == pytest.approx((0.2, 0.2, 0.2))
    assert scale.over_grey(0.5, 0.6)(1.0)[:3] == pytest.approx((0.8, 0.8, 0.8))


@pytest.mark.parametrize(
    ("choices", "sentence"),
    [
        ({"scale": "cubic"}, "scale='cubic' is unknown: one of 'linear', 'sqrt', 'log' is wanted"),
        ({"limits": (0.5, 0.2)}, "from vmin=0.5 to vmax=0.2 is empty"),
        ({"limits": (None, np.inf)}, "from vmin=0 to vmax=inf is empty or endless"),
        ({"limits": (0, 1), "scale": "log"}, "a logarithmic scale cannot start at 0: give a positive vmin="),
    ],
)
def test_a_scale_that_cannot_be_is_refused(choices, sentence):
    with pytest.raises(OptionError, match=sentence):
        colour_scale(VALUES, **choices)
