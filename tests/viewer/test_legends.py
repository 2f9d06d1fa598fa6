"""A legend has the colours of what it is of: the shades of tokens, the colours of cells, or both."""

import numpy as np
import pytest

import visualizer
from visualizer.axes import Axis, Grid, Special

FILL = "one => getComputedStyle(one).backgroundColor"
FILLS = "all => all.map(one => getComputedStyle(one).backgroundColor)"


@pytest.fixture(scope="module")
def text():
    weights = np.random.default_rng(1).dirichlet(np.full(9, 0.4), size=(1, 2, 9))
    return visualizer.from_arrays({"a": weights}, tokens=[f" {letter}" for letter in "abcdefghi"])


@pytest.fixture(scope="module")
def picture():
    """Cells after a token that is written."""
    weights = np.random.default_rng(2).dirichlet(np.ones(13), size=(1, 2, 13))
    weights[..., 0] = 0.5
    run = visualizer.from_arrays({"a": weights}).label(axis=Axis((Special("CLS"), Grid(3, 4))))
    return run.label(image=np.full((30, 40, 3), 99, np.uint8))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("scale", ["linear", "sqrt", "log"])
def test_over_text_it_has_the_shade_of_each_token(page_of, text, scale, scheme):
    page = page_of(text, f"view=head&query=3&scale={scale}", color_scheme=scheme)
    page.locator("table.top td").first.wait_for()
    legend = page.locator(".surfaces [data-legend]")
    assert legend.locator("canvas").count() == 0
    steps = [numbers(one) for one in legend.locator("i").evaluate_all(FILLS)]
    tokens = [numbers(one) for one in page.locator(".surfaces .token").evaluate_all(FILLS)]
    assert max(token[-1] for token in tokens) == steps[-1][-1] == pytest.approx(0.85)
    for token in tokens:
        assert min(np.abs(np.subtract(step, token)).max() for step in steps) < 0.01
    alphas = [step[-1] for step in steps]
    assert alphas == sorted(alphas)


def test_the_colours_of_cells_are_not_those_of_tokens(page_of, text):
    page = page_of(text, "view=head&query=3")
    page.locator("table.top td").first.wait_for()
    shades = page.locator(".surfaces [data-legend] i")
    colours = page.locator(".columns > :first-child [data-legend] canvas")
    before = shades.evaluate_all(FILLS), colours.evaluate("one => one.toDataURL()")
    page.get_by_label("Colours").select_option("viridis")
    page.wait_for_function(
        "was => document.querySelector('.columns [data-legend] canvas').toDataURL() !== was", arg=before[1]
    )
    assert shades.evaluate_all(FILLS) == before[0]


@pytest.mark.parametrize("view", ["head", "heads", "compare"])
def test_over_tokens_and_cells_there_are_both(page_of, picture, view):
    page = page_of(picture, f"view={view}&query=5&colours=inferno")
    legend = page.locator("main [data-legend]" if view != "head" else ".surfaces [data-legend]").first
    legend.locator("canvas").wait_for()
    heaviest = page.locator(".token:not(.gone)[style*='--weight: 1']").first
    assert legend.locator("i").last.evaluate(FILL) == heaviest.evaluate(FILL)
    pixel = "one => [...one.getContext('2d').getImageData(one.width - 1, 0, 1, 1).data].slice(0, 3)"
    assert legend.locator("canvas").evaluate(pixel) == [252, 254, 164]  # the last colour of it


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_difference_has_the_shades_of_its_tokens(page_of, text, scheme):
    page = page_of(text, "view=compare&query=3&scale=linear", color_scheme=scheme)
    page.locator(".difference td").first.wait_for()
    steps = page.locator(".difference-surface [data-legend] i").evaluate_all(FILLS)
    difference = text[0].map[0, 1, 3].numpy() - text[0].map[0, 0, 3].numpy()
    most = int(np.abs(difference).argmax())
    fill = page.locator(f".difference-surface [data-token='{most}']").evaluate(FILL)
    assert steps[-1 if difference[most] > 0 else 0] == fill
    assert steps[0] != steps[-1]


def numbers(colour):
    """Red, green, blue and opacity of a computed colour, all from 0 to 1."""
    inner = colour.partition("(")[2].rstrip(")").replace("srgb", "").replace(",", " ").replace("/", " ")
    values = [float(one) for one in inner.split()]
    if not colour.startswith("color"):
        values[:3] = [one / 255 for one in values[:3]]
    return values if len(values) == 4 else [*values, 1.0]
