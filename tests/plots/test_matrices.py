"""Maps as matrices, the right way round and on one scale."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb

import visualizer as viz
from visualizer.errors import OptionError, ShapeError
from visualizer.plots import grid_show, head, heads, visualize_head, visualize_heads
from visualizer.plots.colours import OVER

SOFT = np.random.default_rng(0).dirichlet(np.ones(5), (4, 3)).astype(np.float32)  # (head, query, key)


def caption_of(figure):
    return figure._supxlabel.get_text().replace("\n", " ")


def drawn(axes):
    return np.asarray(axes.images[0].get_array())


def colour_at(figure, axes, row, column):
    """The colour on the rendered page at the middle of a cell."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    x, y = axes.transData.transform((column, row))
    page = np.asarray(canvas.buffer_rgba())
    return page[page.shape[0] - 1 - int(y), int(x), :3] / 255


def test_a_head_is_drawn_as_it_is():
    figure = head(SOFT[0])
    np.testing.assert_array_equal(drawn(figure.axes[0]), SOFT[0])
    assert figure.axes[0].images[0].get_interpolation() == "nearest"


def test_rows_are_queries_from_the_top_and_columns_are_keys_from_the_left():
    weights = np.zeros((3, 5))
    weights[1, 3] = 1
    figure = head(weights)
    axes = figure.axes[0]
    np.testing.assert_allclose(colour_at(figure, axes, 1, 3), to_rgb("#fde725"), atol=0.01)
    np.testing.assert_allclose(colour_at(figure, axes, 3 - 2, 1), to_rgb("#440154"), atol=0.01)
    (_, top), (_, bottom) = axes.transData.transform([(0, 0), (0, 2)])
    (left, _), (right, _) = axes.transData.transform([(0, 0), (4, 0)])
    assert top > bottom
    assert left < right
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("query (row)", "key (column)")


def test_a_head_is_drawn_on_one_printed_scale():
    figure = head([[0.25, 0.75], [1.0, 0.0]])
    axes, bar = figure.axes
    assert (axes.images[0].norm.vmin, axes.images[0].norm.vmax) == (0, 1)
    assert bar.get_ylim() == (0, 1)
    assert bar.get_ylabel() == "map value"
    assert caption_of(figure) == "Row = query, column = key. Rows sum to 1. Linear colour scale from 0 to 1."


def test_rows_that_do_not_sum_to_one_are_told():
    assert "Rows sum to 0.5 to 1." in caption_of(head([[0.25, 0.25], [1.0, 0.0]]))
    assert "sum" not in caption_of(head([[-0.25, 0.25], [1.0, 0.0]]))


def test_all_heads_and_their_mean_share_one_scale():
    figure = heads(SOFT)
    panels = figure.axes[:5]
    for panel, weights in zip(panels, [*SOFT, SOFT.mean(axis=0)], strict=True):
        np.testing.assert_allclose(drawn(panel), weights, rtol=1e-6)
    assert len({id(panel.images[0].norm) for panel in panels}) == 1
    assert panels[0].images[0].norm.vmax == SOFT.max()
    assert [panel.get_title() for panel in panels] == [
        "head 0",
        "head 1",
        "head 2",
        "head 3",
        "mean of 4 heads",
    ]
    assert "One scale for all panels." in caption_of(figure)
    assert len(figure.axes) == 6


@pytest.mark.parametrize(
    ("count", "columns", "rows", "across"),
    [(12, None, 3, 5), (6, None, 2, 4), (4, None, 1, 5), (8, 4, 3, 4), (2, 9, 1, 3)],
)
def test_panels_lie_in_rows_with_few_empty_places(count, columns, rows, across):
    figure = heads(np.ones((count, 2, 2)), columns=columns)
    grid = figure.axes[0].get_gridspec()
    assert (grid.nrows, grid.ncols) == (rows, across)


def test_only_outer_panels_are_labelled():
    figure = heads(SOFT, columns=3)
    assert [panel.get_ylabel() for panel in figure.axes[:5]] == ["query (row)", "", "", "query (row)", ""]
    assert [panel.get_xlabel() for panel in figure.axes[:5]] == ["", "", "", "key (column)", "key (column)"]


def test_no_columns_are_too_few():
    with pytest.raises(OptionError, match="columns=0 is wanted, but a row holds at least one panel"):
        heads(SOFT, columns=0)


def test_tokens_stand_on_both_axes_and_queries_and_keys_on_their_own():
    def labels(figure):
        axes = figure.axes[0]
        return [
            [label.get_text() for label in labels]
            for labels in (axes.get_yticklabels(), axes.get_xticklabels())
        ]

    assert labels(head(np.eye(2), tokens=["the", "cat"])) == [["the", "cat"], ["the", "cat"]]
    assert labels(head(np.eye(2, 3), queries=["a", "b"], keys=["x", "y", "z"])) == [
        ["a", "b"],
        ["x", "y", "z"],
    ]
    assert labels(head(np.eye(2), tokens=["the", "cat"], keys=["x", "y"])) == [["the", "cat"], ["x", "y"]]
    assert labels(heads([np.eye(2, 3)], queries=["a", "b"], keys=["x", "y", "z"])) == [
        ["a", "b"],
        ["x", "y", "z"],
    ]


def test_labels_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match="queries are 3 labels, but that axis of the map has 2 tokens"):
        head(np.eye(2, 3), tokens=["x", "y", "z"])


def test_tokens_are_data_not_markup():
    tokens = ["$x_1$", "new\nline", "__init__"]
    figure = head(np.eye(3), tokens=tokens, title="$title$", caption="cost_1 is $5 or $6")
    figure.draw_without_rendering()
    labels = figure.axes[0].get_yticklabels()
    assert [label.get_text() for label in labels] == ["$x_1$", "new\\nline", "__init__"]
    assert not any(text.get_parse_math() for text in [*labels, figure._suptitle, figure._supxlabel])


def test_left_out_labels_are_told():
    figure = head(np.eye(200), tokens=["token"] * 200)
    shown = len(figure.axes[0].get_yticklabels())
    assert shown < 200
    step = -(-200 // shown)
    assert f"One query in {step} is labelled. One key in {step} is labelled." in caption_of(figure)


def test_a_caption_is_ours_the_callers_or_none():
    assert head(np.eye(2), caption=False)._supxlabel is None
    assert caption_of(head(np.eye(2), caption="Only this.")) == "Only this."
    assert caption_of(head(np.eye(2))).startswith("Row = query, column = key.")


def test_a_title_stands_above():
    assert head(np.eye(2), title="layer 3, head 5").get_suptitle() == "layer 3, head 5"


def test_clipped_cells_are_counted_and_coloured():
    weights = np.full((2, 5), 0.1)
    weights[0, 4] = 0.6
    figure = head(weights, vmax=0.2)
    assert "Clipped: 1 above it (colour at the bar's tip)." in caption_of(figure)
    np.testing.assert_allclose(colour_at(figure, figure.axes[0], 0, 4), to_rgb(OVER), atol=0.01)


def test_cells_that_are_not_finite_are_hatched_and_counted():
    weights = np.full((2, 5), 0.2)
    weights[0, 4], weights[1, 0], weights[1, 1] = np.nan, np.inf, -np.inf
    figure = head(weights)
    axes = figure.axes[0]
    assert "Not finite, hatched: 3." in caption_of(figure)
    assert axes.patch.get_hatch()
    assert np.ma.getmaskarray(axes.images[0].get_array()).sum() == 3


def test_negative_values_are_drawn_around_zero_and_said_to_be():
    figure = head([[-0.5, 0.25]])
    assert "Linear diverging colour scale centred on 0, from -0.5 to 0.5." in caption_of(figure)
    np.testing.assert_allclose(colour_at(figure, figure.axes[0], 0, 0), to_rgb("#053061"), atol=0.01)


def test_every_choice_reaches_the_picture():
    figure = head(
        SOFT[0], cmap="cividis", interpolation="bilinear", vmin=0.01, vmax=0.5, scale="log", figsize=(5, 4)
    )
    image = figure.axes[0].images[0]
    assert (image.cmap.name, image.get_interpolation()) == ("cividis", "bilinear")
    assert (image.norm.vmin, image.norm.vmax) == (0.01, 0.5)
    assert figure.axes[1].get_ylabel() == "map value\n(logarithmic)"
    assert "Logarithmic colour scale from 0.01 to 0.5." in caption_of(figure)


def test_a_map_with_more_cells_than_pixels_is_averaged_and_said_to_be():
    figure = head(np.eye(1500))
    assert figure.axes[0].images[0].get_interpolation() == "antialiased"
    assert "Cells smaller than a pixel are averaged." in caption_of(figure)
    assert drawn(figure.axes[0]).shape == (1500, 1500)


def test_matplotlibs_settings_turn_nothing_around():
    lower = {
        "image.origin": "lower",
        "image.aspect": "auto",
        "image.interpolation": "bicubic",
        "axes.grid": True,
    }
    with plt.rc_context(lower):
        changed = FigureCanvasAgg(head(SOFT[0]))
        changed.draw()
    plain = FigureCanvasAgg(head(SOFT[0]))
    plain.draw()
    np.testing.assert_array_equal(changed.buffer_rgba(), plain.buffer_rgba())


def test_matplotlibs_styles_apply():
    with plt.style.context("dark_background"):
        figure = head(SOFT[0], title="layer 3")
    texts = [
        figure._suptitle,
        figure._supxlabel,
        figure.axes[0].xaxis.label,
        *figure.axes[1].get_yticklabels(),
    ]
    assert {to_rgb(text.get_color()) for text in texts} == {(1, 1, 1)}
    assert to_rgb(figure.get_facecolor()) == (0, 0, 0)


def test_cells_are_square_but_for_strips():
    assert head(np.eye(2, 8)).axes[0].get_aspect() == 1
    assert head(np.eye(2, 9)).axes[0].get_aspect() == "auto"


PICTURES = {
    "a head": lambda: head(SOFT[0]),
    "many tokens": lambda: head(np.eye(300), tokens=["token"] * 300, scale="sqrt"),
    "one cell": lambda: head([[1.0]]),
    "twelve heads": lambda: heads(SOFT.repeat(3, axis=0), title="layer 0"),
    "one head": lambda: heads(SOFT[:1], scale="log"),
    "the original's": lambda: grid_show([(SOFT[0], "a"), (np.zeros((8, 9, 3)), "b")], 1),
}


@pytest.mark.parametrize("name", PICTURES)
def test_figures_are_rendered_on_agg(name, tmp_path):
    PICTURES[name]().savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 5_000


def test_the_original_names_draw_the_same():
    np.testing.assert_array_equal(drawn(visualize_head(SOFT[0]).axes[0]), SOFT[0])
    figure = visualize_heads(SOFT[None], 2)
    assert figure.axes[0].get_gridspec().ncols == 2
    assert [drawn(panel).shape for panel in figure.axes[:5]] == [(3, 5)] * 5
    assert visualize_heads(att_map=SOFT, cols=4)


def test_grid_show_draws_maps_on_one_scale_and_images_as_they_are():
    image = np.full((6, 9, 3), 128, np.uint8)
    figure = grid_show([(SOFT[0] / 2, "half"), (SOFT[0], "whole"), (image, "image")], 2)
    half, whole, picture = figure.axes[:3]
    assert half.images[0].norm is whole.images[0].norm
    np.testing.assert_allclose(drawn(picture), image / 255)
    assert [axes.get_title() for axes in figure.axes[:3]] == ["half", "whole", "image"]


def test_grid_show_of_images_alone_has_no_scale():
    figure = grid_show([(np.zeros((6, 9, 3)), "a")] * 3, 2)
    assert len(figure.axes) == 3
    assert figure._supxlabel is None


def test_grid_show_of_nothing_is_refused():
    with pytest.raises(ShapeError, match="there is nothing to show"):
        grid_show([], 3)


def test_masked_logits_do_not_overflow_in_the_mean_of_all_heads():
    lowest = np.finfo(np.float32).min  # what models write where a key is masked
    figure = heads(np.full((3, 2, 2), lowest, np.float32))
    np.testing.assert_allclose(drawn(figure.axes[3]), np.full((2, 2), lowest, float))


def test_a_title_is_any_object_with_a_text():
    assert head(SOFT[0], title=3)._suptitle.get_text() == "3"


@pytest.fixture
def run():
    maps = np.random.default_rng(0).dirichlet(np.ones(3), size=(2, 4, 3))
    return viz.from_arrays({"layers.0.attn": maps, "layers.1.attn": maps[:, ::-1]}).label(
        ["the", "cat", "sat"]
    )


def labels_of(axes):
    return [[text.get_text() for text in axis.get_ticklabels()] for axis in (axes.yaxis, axes.xaxis)]


def test_a_head_of_a_run_tells_layer_head_tokens_and_self_check(run):
    figure = head(run, layer="layers.1.attn", head=2, batch=1)
    np.testing.assert_array_equal(drawn(figure.axes[0]), run["layers.0.attn"][1, 1].numpy())
    assert labels_of(figure.axes[0]) == [["the", "cat", "sat"]] * 2
    said = "Layer layers.1.attn, head 2 of 4, row 1 of the batch. Row = query, column = key. Rows sum to 1."
    assert caption_of(figure).startswith(f"{said} Self-check: none, an array was given.")
    mean = head(run, layer="layers.1.attn", head="mean")
    np.testing.assert_allclose(drawn(mean.axes[0]), run["layers.1.attn"][0].numpy().mean(0), rtol=1e-6)
    assert "mean of 4 heads" in caption_of(mean)


def test_heads_of_a_run_tell_the_layer(run):
    figure = heads(run, layer="layers.0.attn", batch=1)
    assert caption_of(figure).startswith(
        "Layer layers.0.attn, row 1 of the batch. Row = query, column = key."
    )
    np.testing.assert_array_equal(drawn(figure.axes[3]), run["layers.0.attn"][1, 3].numpy())
    assert labels_of(figure.axes[0])[0] == ["the", "cat", "sat"]


def test_a_head_of_several_is_asked_for(run):
    with pytest.raises(OptionError, match="head=None was asked for of 4 heads"):
        head(run, layer="layers.0.attn")
    with pytest.raises(OptionError, match="layer= was given, but a ndarray has none: give the run"):
        head(np.eye(3), layer="layers.0.attn")
    figure = head(run["layers.0.attn"], head=3)
    np.testing.assert_array_equal(drawn(figure.axes[0]), run["layers.0.attn"][0, 3].numpy())


def test_axes_of_other_things_are_called_by_their_names(run):
    maps = run["layers.0.attn"]
    for figure, names in (
        (head(maps[0, :, 1]), ("head (row)", "key (column)")),
        (head(maps[:, 1, :, 2]), ("batch (row)", "query (column)")),
        (head(np.eye(3), names=("layer", "head")), ("layer (row)", "head (column)")),
    ):
        assert (figure.axes[0].get_ylabel(), figure.axes[0].get_xlabel()) == names
        assert f"Row = {names[0].split()[0]}, column = {names[1].split()[0]}." in caption_of(figure)
    assert [axes.get_title() for axes in heads(maps[:, 2]).axes[:3]] == ["batch 0", "batch 1", "mean of 2"]
