"""Pictures in axes of the caller, and options that are told where they are misspelt."""

from inspect import signature

import matplotlib.pyplot as plt
import numpy as np
import pytest
from tests.plots.test_room import IMAGE, PICTURES, drawn_texts

import visualizer as viz
from visualizer import plots
from visualizer.axes import Axis, Grid, Text
from visualizer.errors import OptionError, ShapeError

SEVERAL = {"a row", "a row of many things", "a difference of a row"}  # pictures of several parts


@pytest.fixture
def page():
    figure, axes = plt.subplots(1, 2, figsize=(9, 7), layout="constrained")
    yield figure, axes
    plt.close(figure)


@pytest.mark.parametrize("name", sorted(PICTURES.keys() - SEVERAL))
def test_a_picture_of_one_part_is_drawn_in_axes_of_the_caller(name, page):
    figure, (first, second) = page
    second.plot([0, 1])
    place = second.get_subplotspec()
    assert PICTURES[name](ax=first, title="A title") is figure
    assert first.has_data() or first.patches or first.texts
    assert second.get_subplotspec() is place
    texts = drawn_texts(figure)
    assert {"A title"} <= {text.get_text() for text in texts}
    for text in texts:
        assert all(figure.bbox.padded(3).contains(*corner) for corner in text.get_window_extent().corners())


@pytest.mark.parametrize("name", sorted(SEVERAL))
def test_a_picture_of_several_parts_is_not(name, page):
    with pytest.raises(ShapeError, match="ax= was given, but the picture has [234] parts"):
        PICTURES[name](ax=page[1][0])


def test_words_that_find_no_room_in_the_axes_are_refused():
    figure, axes = plt.subplots(figsize=(3, 0.6))
    with pytest.raises(ShapeError, match="200 tokens need .* inches below one another, but the axes are"):
        PICTURES["a row of numbers"](ax=axes)
    plt.close(figure)


def test_pictures_keep_their_shape_and_room_in_axes_of_the_caller():
    figure, axes = plt.subplots(figsize=(6, 1.5))
    plots.panel([IMAGE, IMAGE], ax=axes)
    figure.draw_without_rendering()
    (x0, x1, y1, y0), box = axes.images[0].get_extent(), axes.images[0].get_window_extent()
    assert box.height / box.width == pytest.approx((y1 - y0) / (x1 - x0))
    assert box.height / box.width == pytest.approx(40 / 60)
    assert axes.get_window_extent().padded(2).y0 <= box.y0
    plt.close(figure)


@pytest.mark.parametrize(
    ("draw", "misspelt", "near"),
    [
        (plots.row, {"haed": 1}, "head"),
        (plots.atlas, {"tilte": "a"}, "title"),
        (plots.curves, {"group": {}}, "groups"),
        (plots.head, {"token": ["a"]}, "tokens"),
        (plots.heads, {"colums": 3}, "columns"),
        (plots.grid_to_grid, {"prefx": 1}, "prefix"),
        (plots.panel, {"share_scales": True}, "share_scale"),
        (plots.compare, {"name": ("a", "b")}, "names"),
    ],
)
def test_a_misspelt_option_is_told_with_the_nearest(draw, misspelt, near):
    (name,) = misspelt
    with pytest.raises(OptionError, match=f"{name}= was given, but there is no such option: .*{near}"):
        draw(np.eye(3), **misspelt)


def test_what_a_picture_has_no_use_for_is_refused():
    with pytest.raises(OptionError, match="cell= was given, but there is no such option"):
        plots.atlas(np.eye(3), cell=(0, 0))


@pytest.mark.parametrize("name", sorted(set(plots.__all__) - {"grid_show"}))
def test_help_shows_every_option(name):
    kinds = {one.kind.name for one in signature(getattr(plots, name)).parameters.values()}
    assert "VAR_KEYWORD" not in kinds
    taken = signature(getattr(plots, name)).parameters
    assert name.startswith("visualize") or {"title", "caption"} <= taken.keys()


def test_a_difference_of_pairs_has_the_axes_of_their_runs():
    maps = np.random.default_rng(0).dirichlet(np.ones(7), size=(2, 1, 2, 7))
    run = viz.from_arrays({f"blocks.{n}.attn": one for n, one in enumerate(maps)}, image=IMAGE)
    run.label(axis=Axis([Grid(2, 3), Text(["x"])]))
    pairs = [(run, {"layer": path}) for path in run.paths]
    figure = plots.compare(*pairs, head=1, cell=(1, 2))
    drawn = [image.get_array() for image in figure.axes[0].images if image.get_array().ndim == 2]
    np.testing.assert_allclose(drawn[0], (maps[0] - maps[1])[0, 1, 5, :6].reshape(2, 3), atol=1e-7)
    caption = figure.texts[-1].get_text().replace("\n", " ")
    assert "blocks.0.attn − blocks.1.attn: red is more in blocks.0.attn" in caption
    assert "Head 1 of 2." in caption
    heads = [(run, {"layer": "blocks.0.attn", "head": head}) for head in range(2)]
    figure = plots.compare(*heads, names=("one", "two"))
    assert "one: head 0 of 2. two: head 1 of 2. Layer blocks.0.attn." in figure._supxlabel.get_text().replace(
        "\n", " "
    )


def test_a_difference_of_two_queries_is_that_of_their_rows():
    maps = np.random.default_rng(0).dirichlet(np.ones(6), size=(1, 2, 6))
    run = viz.from_arrays({"attn": maps}).label(axis=Grid(2, 3))
    figure = plots.compare((run, {"cell": (0, 1)}), (run, {"cell": (1, 2)}), layer="attn", head=1)
    np.testing.assert_allclose(
        figure.axes[0].images[0].get_array(), (maps[0, 1, 1] - maps[0, 1, 5]).reshape(2, 3)
    )
    caption = figure.texts[-1].get_text().replace("\n", " ")
    assert "token 1, cell (0, 1) − token 5, cell (1, 2): red is more in token 1, cell (0, 1)" in caption
    with pytest.raises(OptionError, match="to say which query: 0 were given"):
        plots.compare(run, (run, {"cell": (1, 2)}), layer="attn", head=1)


def test_a_layer_is_named_by_its_path():
    run = viz.from_arrays({"attn": np.eye(4)})
    for draw in (plots.row, plots.atlas, plots.steps):
        with pytest.raises(OptionError, match="layer 0 was asked for; give its path"):
            draw(run, layer=0)
