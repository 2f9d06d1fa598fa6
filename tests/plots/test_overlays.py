"""A row of a map over its image, cell on cell."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from PIL import Image

from visualizer.errors import ShapeError
from visualizer.plots import grid_to_grid, visualize_grid_to_grid, visualize_grid_to_grid_with_cls
from visualizer.plots.places import MARK

GRID, IMAGE = (2, 5), np.full((40, 100, 3), 0.5)  # patches of 20 × 20 pixels
MAP = np.random.default_rng(1).dirichlet(np.ones(15), 15)  # five prefix tokens and ten patches


def caption_of(figure):
    return figure._supxlabel.get_text().replace("\n", " ")


def marks(axes):
    found = [patch for patch in axes.patches if to_hex(patch.get_edgecolor()) == MARK]
    return [(*patch.get_xy(), patch.get_width(), patch.get_height()) for patch in found]


def map_image(axes):
    return axes.images[1]


def lane_image(axes):
    return axes.images[2]


def page_of(figure):
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3] / 255


def colour_at(page, axes, x, y):
    across, up = axes.transData.transform((x, y))
    return page[page.shape[0] - 1 - int(up), int(across)]


@pytest.mark.parametrize(
    ("place", "box"),
    [
        ({"cell": (1, 3)}, (60, 20, 20, 20)),
        ({"query": 5}, (0, 0, 20, 20)),
        ({"query": 14}, (80, 20, 20, 20)),
        ({"pixel": (99, 0)}, (80, 0, 20, 20)),
    ],
)
def test_the_querys_cell_is_marked_on_both_panels(place, box):
    figure = grid_to_grid(MAP, IMAGE, prefix=5, **place)
    assert [marks(axes) for axes in figure.axes[:2]] == [[box], [box]]


def test_the_querys_row_lies_over_the_image_as_it_is():
    figure = grid_to_grid(MAP, IMAGE, cell=(1, 3), prefix=5)
    image = map_image(figure.axes[1])
    np.testing.assert_array_equal(image.get_array(), MAP[13, 5:].reshape(GRID))
    assert image.get_extent() == [0, 100, 40, 0]
    assert (image.get_interpolation(), image.get_alpha()) == ("nearest", 0.6)


def test_prefix_tokens_are_drawn_on_the_same_scale():
    figure = grid_to_grid(MAP, IMAGE, query=0, prefix=5)
    cells, lane = map_image(figure.axes[1]), lane_image(figure.axes[1])
    np.testing.assert_array_equal(lane.get_array()[:, 0], MAP[0, :5])
    assert lane.norm is cells.norm
    assert (lane.norm.vmin, lane.norm.vmax) == (0, MAP[0].max())


def test_a_prefix_token_has_its_own_cell_left_of_the_image_and_its_name():
    figure = grid_to_grid(MAP, IMAGE, query=2, prefix=5)
    for axes in figure.axes[:2]:
        ((x, y, width, height),) = marks(axes)
        assert x + width < 0
        assert (y, height) == (2 * height, width)
        assert [text.get_text() for text in axes.texts] == ["CLS", "R1", "R2", "R3", "R4"]
        assert axes.get_xlim()[0] <= x
    left, right, bottom, top = lane_image(figure.axes[1]).get_extent()
    assert (left, right, bottom, top) == pytest.approx((x, x + width, 5 * height, 0))


def test_many_prefix_tokens_stay_beside_the_image():
    figure = grid_to_grid(np.eye(22), IMAGE, query=11, prefix=12)
    ((_, y, _, height),) = marks(figure.axes[0])
    assert y + height == pytest.approx(40)


def test_without_prefix_tokens_there_is_no_lane():
    figure = grid_to_grid(MAP[5:, 5:], IMAGE, query=0)
    assert len(figure.axes[1].images) == 2
    assert figure.axes[1].get_xlim() == (0, 100)


def test_cells_are_where_they_are_on_the_page():
    weights = np.zeros((11, 11))
    weights[4, 1 + 7] = 1  # cell (1, 2)
    weights[4, 0] = 0.5
    figure = grid_to_grid(weights, IMAGE, query=4, prefix=1, alpha=1.0)
    page, axes = page_of(figure), figure.axes[1]
    found = {
        (row, column): colour_at(page, axes, column * 20 + 10, row * 20 + 10)
        for row in range(2)
        for column in range(5)
    }
    bright = [cell for cell, colour in found.items() if colour.sum() > 2]
    assert bright == [(1, 2)]
    left, right, bottom, top = lane_image(axes).get_extent()
    lane = colour_at(page, axes, (left + right) / 2, (bottom + top) / 2)
    np.testing.assert_allclose(lane, axes.images[1].cmap(0.5)[:3], atol=0.02)


def test_a_prefix_token_and_a_patch_of_equal_weight_have_the_same_colour_on_an_even_image():
    figure = grid_to_grid(np.full((11, 11), 1 / 11), IMAGE, query=0, prefix=1)
    page, axes = page_of(figure), figure.axes[1]
    left, right, bottom, top = lane_image(axes).get_extent()
    lane = colour_at(page, axes, left + (right - left) * 0.3, top + (bottom - top) * 0.7)
    np.testing.assert_allclose(lane, colour_at(page, axes, 50, 10), atol=0.02)


def test_a_tall_image_keeps_rows_and_columns():
    figure = grid_to_grid(MAP[5:, 5:], np.moveaxis(IMAGE, 0, 1), cell=(3, 1))
    assert marks(figure.axes[0]) == [(20, 60, 20, 20)]
    np.testing.assert_array_equal(map_image(figure.axes[1]).get_array(), MAP[5 + 7, 5:].reshape(5, 2))


def test_matplotlibs_settings_turn_nothing_around():
    image = np.linspace(0, 1, 40 * 100 * 3).reshape(40, 100, 3)
    with plt.rc_context({"image.origin": "lower", "image.aspect": "auto", "axes.grid": True}):
        changed = page_of(grid_to_grid(MAP, image, query=7, prefix=5))
    np.testing.assert_array_equal(changed, page_of(grid_to_grid(MAP, image, query=7, prefix=5)))


def test_the_left_image_keeps_its_colours_and_the_right_one_is_grey():
    image = np.zeros((40, 100, 3))
    image[:20, :, 0] = 1
    left, right = grid_to_grid(MAP[5:, 5:], image, query=0).axes[:2]
    np.testing.assert_array_equal(left.images[0].get_array(), image)
    grey = np.asarray(right.images[0].get_array())
    assert (grey == grey[..., :1]).all()
    assert grey[0, 0, 0] > grey[30, 0, 0]


def test_the_patch_grid_is_drawn():
    lines = [set(), set()]
    for collection in grid_to_grid(MAP[5:, 5:], IMAGE, query=0).axes[1].collections:
        for (x0, y0), (x1, y1) in (
            path.vertices for path in collection.get_paths() if len(path.vertices) == 2
        ):
            lines[int(x0 == x1)].add(x0 if x0 == x1 else y0)
            assert y0 == y1 or x0 == x1
    assert lines == [{20}, {20, 40, 60, 80}]


def test_the_caption_tells_query_mass_and_scale():
    weights = np.full((11, 11), 0.05)
    weights[:, 0] = 0.5
    figure = grid_to_grid(weights, IMAGE, cell=(1, 3), prefix=1)
    assert caption_of(figure) == (
        "Row 9 of the map: query cell (1, 3) (row, column from 0), grid of 2 × 5; columns are keys. "
        "The row sums to 1, all of it shown: 0.500 on the grid, 0.500 on CLS. "
        "Linear colour scale from 0 to 0.5. "
        "The image shines through (opacity 0.6): shades vary with it."
    )
    assert [axes.get_title() for axes in figure.axes[:2]] == [
        "query (row 9): cell (1, 3)",
        "keys (columns): where it looks",
    ]


def test_a_caption_is_ours_the_callers_or_none():
    assert grid_to_grid(MAP, IMAGE, query=0, prefix=5, caption=False)._supxlabel is None
    assert caption_of(grid_to_grid(MAP, IMAGE, query=0, prefix=5, caption="Only this.")) == "Only this."


def test_prefix_tokens_can_be_named():
    figure = grid_to_grid(MAP[:12, :12], IMAGE, query=1, prefix=["CLS", "$DIST$"])
    assert figure.axes[0].get_title() == "query (row 1): $DIST$"
    assert not figure.axes[0].title.get_parse_math()
    assert [text.get_text() for text in figure.axes[0].texts] == ["CLS", "$DIST$"]


def test_every_choice_reaches_the_picture():
    figure = grid_to_grid(
        MAP, Image.new("RGB", (100, 40)), query=0, prefix=5, title="layer 3", cmap="cividis", alpha=0.3,
        interpolation="bicubic", vmin=0.01, vmax=0.1, scale="sqrt",
    )  # fmt: skip
    image = map_image(figure.axes[1])
    assert (image.cmap.name, image.get_alpha(), image.get_interpolation()) == ("cividis", 0.3, "bicubic")
    assert (image.norm.vmin, image.norm.vmax) == (0.01, 0.1)
    assert figure.get_suptitle() == "layer 3"
    above, below = (MAP[0] > 0.1).sum(), (MAP[0] < 0.01).sum()
    assert (
        f"Square-root colour scale from 0.01 to 0.1. Clipped: {above} above it (colour at the bar's tip) "
        f"and {below} below it (lowest colour: ≤ 0.01)." in caption_of(figure)
    )


def test_cells_that_are_not_finite_are_hatched_in_their_place():
    weights = np.full((11, 11), 0.1)
    weights[0, 7], weights[0, 0] = np.nan, np.inf
    axes = grid_to_grid(weights, IMAGE, query=0, prefix=1).axes[1]
    (hatched,) = [collection for collection in axes.collections if collection.get_hatch()]
    lane, cell = (path.get_extents().bounds for path in hatched.get_paths())
    assert cell == (20, 20, 20, 20)
    assert lane[0] < 0


def test_signed_rows_are_drawn_around_zero_and_have_no_mass():
    figure = grid_to_grid(MAP - 0.05, IMAGE, query=0, prefix=5)
    assert "diverging colour scale centred on 0" in caption_of(figure)
    assert "sums" not in caption_of(figure)


def test_rows_that_are_not_the_images_tokens_are_named_and_mark_nothing():
    figure = grid_to_grid(MAP[:3], IMAGE, query=2, prefix=5)
    assert marks(figure.axes[0]) == []
    assert figure.axes[0].get_title() == "query (row 2): not in this image"


def test_a_map_that_does_not_fit_the_image_is_refused():
    with pytest.raises(
        ShapeError, match=r"15 patches \(prefix=0\) on an image of 100 × 40 pixels .* prefix=5 if"
    ):
        grid_to_grid(MAP, IMAGE, query=0)


def test_the_original_name_for_patches_takes_the_patchs_row():
    weights = MAP[5:, 5:]
    figure = visualize_grid_to_grid(weights, 7, IMAGE, GRID, 0.4)
    assert marks(figure.axes[0]) == [(40, 20, 20, 20)]
    np.testing.assert_array_equal(map_image(figure.axes[1]).get_array(), weights[7].reshape(GRID))
    assert map_image(figure.axes[1]).get_alpha() == 0.4


def test_the_original_name_with_cls_takes_the_full_maps_row():
    weights = MAP[:11, :11]
    figure = visualize_grid_to_grid_with_cls(weights, 8, IMAGE, grid_size=GRID)
    assert marks(figure.axes[0]) == [(40, 20, 20, 20)]
    np.testing.assert_array_equal(map_image(figure.axes[1]).get_array(), weights[8, 1:].reshape(GRID))
    assert lane_image(figure.axes[1]).get_array()[0, 0] == weights[8, 0]
    assert (
        visualize_grid_to_grid_with_cls(weights, 0, IMAGE, GRID).axes[0].get_title() == "query (row 0): CLS"
    )


def test_the_original_grid_is_fourteen_by_fourteen():
    image = Image.new("RGB", (224, 224))
    figure = visualize_grid_to_grid_with_cls(np.eye(197), 105, image)
    assert marks(figure.axes[0]) == [(6 * 16, 7 * 16, 16, 16)]
    assert marks(visualize_grid_to_grid(np.eye(196), 100, image, 14).axes[0]) == [(2 * 16, 7 * 16, 16, 16)]


def test_a_query_whose_row_holds_nothing_finite_is_refused():
    masked = MAP.copy()
    masked[3] = np.nan  # what a softmax makes of a query whose keys are all masked
    with pytest.raises(ShapeError, match="row 3 of the map holds no finite value"):
        grid_to_grid(masked, IMAGE, query=3, prefix=5)
    assert grid_to_grid(masked, IMAGE, query=2, prefix=5)


PICTURES = {
    "a prefix of one": lambda: grid_to_grid(MAP[:11, :11], IMAGE, query=0, prefix=1),
    "a prefix of five": lambda: grid_to_grid(MAP, IMAGE, cell=(0, 0), prefix=5, scale="log"),
    "small cells": lambda: grid_to_grid(np.eye(4096), np.zeros((64, 64)), query=0),
    "one cell": lambda: grid_to_grid([[1.0]], np.ones((5, 6)), query=0, grid=(1, 1)),
    "the original's": lambda: visualize_grid_to_grid_with_cls(MAP[:11, :11], 1, IMAGE, GRID),
}


@pytest.mark.parametrize("name", PICTURES)
def test_figures_are_rendered_on_agg(name, tmp_path):
    PICTURES[name]().savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 5_000
