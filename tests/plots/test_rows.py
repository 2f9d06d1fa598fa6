"""One query's row, each segment of the keys where it lies in the input."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_hex

import visualizer as viz
from visualizer import plots
from visualizer.attention import AttentionMap, Factors
from visualizer.axes import Axis, Frames, Grid, Ids, Lines, Special, Text, Time, Unknown, Volume, Windows
from visualizer.errors import CallsError, OptionError, ShapeError
from visualizer.plots.places import MARK

RNG = np.random.default_rng(0)
IMAGE = np.full((40, 60, 3), 0.5)
SCENE = Axis([Special("CLS"), Grid(2, 3)])
MAPS = RNG.dirichlet(np.ones(7), size=(1, 2, 7))  # (batch, head, query, key)


def caption_of(figure):
    return figure.texts[-1].get_text().replace("\n", " ")


def words_of(axes):
    return [text.get_text() for text in axes.texts if ": sum" not in text.get_text()]


def marked(axes):
    return [patch.get_bbox().bounds for patch in axes.patches if to_hex(patch.get_edgecolor()) == MARK]


@pytest.fixture
def run():
    run = viz.from_arrays({"blocks.0.attn": MAPS, "blocks.1.attn": MAPS[:, ::-1]}, image=IMAGE)
    return run.label(axis=SCENE)


def test_a_run_brings_axes_image_and_where_the_map_is_from(run):
    figure = plots.row(run, layer="blocks.1.attn", head=1, cell=(1, 0))
    chips, picture = figure.axes[:2]
    assert words_of(chips) == ["CLS"]
    np.testing.assert_array_equal(picture.images[2].get_array(), MAPS[0, 0, 4, 1:].reshape(2, 3))
    caption = caption_of(figure)
    assert "Layer blocks.1.attn, head 1 of 2." in caption
    assert "Query (row): token 4, cell (1, 0)." in caption
    assert "The weights shown sum to 1. Linear colour scale from 0 to" in caption
    assert "Self-check: none, an array was given." in caption


def test_a_row_is_the_same_of_a_run_a_call_a_map_and_an_array(run):
    shown = [run, run[0], run["blocks.0.attn"], MAPS, run["blocks.0.attn"][0], MAPS[0]]
    for one in shown:
        layer = {"layer": "blocks.0.attn"} if one is run else {}
        figure = plots.row(one, head=0, query=3, axis=SCENE, image=IMAGE, **layer)
        np.testing.assert_array_equal(figure.axes[1].images[2].get_array(), MAPS[0, 0, 3, 1:].reshape(2, 3))


def test_the_query_is_marked_in_the_image_and_over_it(run):
    axes = plots.row(run, layer="blocks.0.attn", head=0, cell=(1, 2)).axes[1]
    left, right = marked(axes)
    assert left[1:] == pytest.approx(right[1:])
    assert left[2] / left[3] == pytest.approx(1)


def test_a_query_that_is_no_key_is_not_marked():
    figure = plots.row(MAPS[0, 0], query=3, keys=SCENE, queries=Text(["a"] * 7), image=IMAGE)
    assert [marked(axes) for axes in figure.axes[:2]] == [[], []]


def test_a_word_of_several_tokens_is_the_mean_of_their_rows_and_all_are_marked():
    pieces, weights = Text(["a", "vio", "lon", "cello"]), RNG.dirichlet(np.ones(4), size=4)
    figure = plots.row(weights, axis=pieces, text="violoncello")
    name = "mean of tokens 1 to 3, “vio” to “cello”"
    assert f"Query (row): {name}." in caption_of(figure)
    assert f"The weights shown sum to 1. Linear colour scale from 0 to {weights[1:].mean(0).max():.3g}" in (
        caption_of(figure)
    )
    assert len(marked(figure.axes[0])) == 3
    compared = plots.compare(weights, weights[::-1], axis=pieces, text="violoncello")
    assert f"Query (row): {name}." in caption_of(compared)
    moved = np.abs(weights[1:].mean(0) - weights[:3].mean(0)).sum() / 2
    assert f"{moved:.3g} of the row lies elsewhere." in caption_of(compared)
    with pytest.raises(ShapeError, match="the mean of rows 1 to 3 of the map holds no finite value"):
        plots.row(np.full((4, 4), np.nan), axis=pieces, text="violoncello")


def test_heads_are_named_or_averaged(run):
    with pytest.raises(
        OptionError, match="head=None was asked for of 2 heads: give one from 0 to 1, or 'mean'"
    ):
        plots.row(run, layer="blocks.0.attn", query=0)
    figure = plots.row(run, layer="blocks.0.attn", head="mean", query=0)
    mean = MAPS[0, :, 0, 1:].mean(0).reshape(2, 3)
    np.testing.assert_allclose(figure.axes[1].images[2].get_array(), mean)
    assert "mean of 2 heads" in caption_of(figure)


def test_a_query_is_told_by_one_name(run):
    for names, count in (({}, 0), ({"query": 1, "cell": (0, 0)}, 2)):
        with pytest.raises(OptionError, match=f"{count} were given"):
            plots.row(run, layer="blocks.0.attn", head=0, **names)
    with pytest.raises(ShapeError, match="query=7 is outside of the map, which has 7"):
        plots.row(run, layer="blocks.0.attn", head=0, query=7)


def test_one_of_several_layers_is_asked_for(run):
    with pytest.raises(
        CallsError, match="there are 2 layers, such as blocks.0.attn, blocks.1.attn: give layer="
    ):
        plots.row(run, head=0, query=0)


def test_an_unknown_option_is_told_with_what_is_near(run):
    with pytest.raises(OptionError, match="layr= was given, but there is no such option: there are layer"):
        plots.row(run, layr="blocks.0.attn")


def test_text_pictures_and_text_follow_one_another_as_they_are_read():
    axis = Axis([Special("BOS"), Text(["see", " this"]), Grid(2, 3), Text([" a", " cat"])])
    weights = RNG.dirichlet(np.ones(11), size=11)
    before, picture, after = plots.row(weights, axis=axis, text=" cat", image=IMAGE).axes[:3]
    assert words_of(before) == ["BOS", "see", "this"]
    np.testing.assert_array_equal(picture.images[2].get_array(), weights[10, 3:9].reshape(2, 3))
    assert words_of(after) == ["a", "cat"]
    assert len(marked(after)) == 1


def test_a_window_lies_on_the_whole_map_with_its_shift_undone():
    windows = RNG.dirichlet(np.ones(16), size=(2 * 4, 1, 16))
    axis = Windows((8, 8), 4, 2)
    figure = plots.row(windows, axis=axis, cell=(3, 5), batch=1)
    batch, token = axis.at((3, 5), item=1)
    drawn = figure.axes[0].images[0].get_array()
    np.testing.assert_array_equal(drawn, axis.put(windows[batch, 0, token], batch))
    assert "of window 0, cell (3, 5)" in caption_of(figure)


def test_time_is_a_line_of_seconds_and_needs_no_colours():
    figure = plots.row(RNG.dirichlet(np.ones(30), size=4), keys=Time(30, 15.0), query=2)
    (axes,) = figure.axes
    assert axes.get_xlim() == (0, 15)
    assert axes.get_xlabel() == "seconds"
    assert "Heights are weights, up to" in caption_of(figure)


def test_a_long_row_is_drawn_in_bins_of_the_largest():
    weights = np.zeros(32_768)
    weights[30_001] = 1.0
    (axes,) = plots.row(weights, keys=Unknown(32_768)).axes
    heights = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert heights.max() == 1.0
    assert [text.get_text() for text in axes.texts] == [
        "32768 unknown: sum 1, in 600 bins, the largest of each"
    ]


def test_a_long_text_tells_its_heaviest_tokens():
    weights = np.zeros(1000)
    weights[[123, 7]] = 0.75, 0.25
    figure = plots.tokens(weights, axis=[f"word{n} " for n in range(1000)])
    assert "Largest: token 123 “word123” 0.75, token 7 “word7” 0.25" in caption_of(figure)


def test_text_alone_tells_what_lies_elsewhere():
    figure = plots.tokens(np.array([0.5, 0.3, 0.2]), axis=Axis([Text(["a", "cat"]), Unknown(1)]))
    assert "Not shown: 0.2 on 1 other token. The weights shown sum to 0.8." in caption_of(figure)


def test_signed_weights_have_a_scale_around_zero():
    assert "diverging" in caption_of(plots.tokens(np.array([-0.5, 0.3]), axis=["a", "cat"]))


@pytest.mark.parametrize(
    ("draw", "kind", "word"), [(plots.frames, Frames, "frame"), (plots.volume, Volume, "slice")]
)
def test_steps_and_slices_are_pictures_of_their_own(draw, kind, word):
    axis = Axis([Special("CLS"), kind(3, 2, 4)])
    weights = RNG.dirichlet(np.ones(25), size=25)
    figure = draw(weights, axis=axis, cell=(2, 1, 3))
    axes = figure.axes[0]
    assert [text for text in words_of(axes) if text.startswith(word)] == [f"{word} {n}" for n in range(3)]
    np.testing.assert_array_equal([one.get_array() for one in axes.images], weights[24, 1:].reshape(3, 2, 4))
    assert len(marked(axes)) == 1
    assert f"Not shown: {weights[24, 0]:.3g} on 1 other token." in caption_of(figure)


def test_some_steps_leave_others_out_and_say_so():
    figure = plots.frames(np.full(12, 1 / 12), axis=Frames(3, 2, 2), steps=[0, 2])
    assert len(figure.axes[0].images) == 2
    assert "Not shown: 0.333 on frames that were left out." in caption_of(figure)
    with pytest.raises(ShapeError, match=r"steps \[3\] were asked for of 3 × 2 × 2 frames"):
        plots.frames(np.full(12, 1 / 12), axis=Frames(3, 2, 2), steps=[3])


@pytest.mark.parametrize("given", [list, np.asarray])
def test_each_row_of_a_batch_lies_over_the_video_that_is_given_for_it(given):
    videos = given([np.full((3, 20, 20, 3), shade) for shade in (0.0, 1.0)])
    maps = np.full((2, 1, 12, 12), 1 / 12)
    for batch, shade in ((0, 0.4), (1, 1.0)):  # with little contrast
        axes = plots.frames(maps, axis=Frames(3, 2, 2), query=0, image=videos, batch=batch).axes[0]
        np.testing.assert_allclose([one.get_array().mean() for one in axes.images[::2]], shade)


def test_frames_of_a_video_lie_under_their_steps():
    video = np.stack([np.full((20, 20, 3), shade) for shade in np.linspace(0, 1, 6)])
    axes = plots.frames(np.full(12, 1 / 12), axis=Frames(3, 2, 2), image=video).axes[0]
    shades = [image.get_array()[0, 0, 0] for image in axes.images[::2]]
    assert shades == sorted(shades)
    assert len(axes.images) == 6


def test_each_grid_lies_on_its_own_image():
    images = [np.full((20, 30, 3), shade) for shade in (0.2, 0.8)]
    axis = Axis([Grid(2, 3), Text(["and"]), Grid(2, 3, image=1)])
    first, _, second = plots.row(RNG.dirichlet(np.ones(13)), axis=axis, image=images).axes[:3]
    assert [axes.images[0].get_array()[0, 0, 0] for axes in (first, second)] == [0.2, 0.8]


def test_an_image_without_a_grid_is_refused():
    with pytest.raises(OptionError, match=r"image= was given, but the tokens have no grid: give axis="):
        plots.row(MAPS[0, 0], query=1, image=IMAGE)


def test_pdf_files_hold_text_as_text_and_the_map_as_an_image(run, tmp_path):
    plots.row(run, layer="blocks.0.attn", head=0, query=0).savefig(tmp_path / "figure.pdf")
    content = (tmp_path / "figure.pdf").read_bytes()
    assert b"/FontFile2" in content
    assert b"/Type3" not in content
    assert b"/Subtype /Image" in content


def test_tokens_are_drawn_with_a_font_that_has_their_characters(rare, install, nothing_told):
    with pytest.warns(UserWarning, match="no installed font has the characters"):
        axes = plots.tokens([0.5, 0.5], axis=[rare, "a"]).axes[0]
    assert words_of(axes)[0] != rare
    install("Rare Sans")
    assert words_of(plots.tokens([0.5, 0.5], axis=[rare, "a"]).axes[0]) == [rare, "a"]


def test_a_row_of_a_long_lazy_map_is_read_alone():
    q, k = RNG.normal(size=(2, 1, 32_768, 4)).astype(np.float32)
    map_ = AttentionMap(Factors(q, k, scale=0.5), budget="1MB")  # the map has 4.3 GB
    figure = plots.grid_to_grid(map_[0], IMAGE, query=7, grid=(128, 256))
    np.testing.assert_array_equal(figure.axes[1].images[1].get_array().ravel(), map_[0, 7])
    assert "Query (row): token 7." in caption_of(plots.row(map_, query=7))


@pytest.mark.parametrize("width", ["neurips", 5.5])
def test_a_width_is_a_publishers_or_in_inches(width, run):
    figure = plots.row(run, layer="blocks.0.attn", head=0, query=0, width=width)
    assert figure.get_figwidth() == 5.5
    with pytest.raises(OptionError, match="give inches, or one of column, page"):
        plots.row(run, layer="blocks.0.attn", head=0, query=0, width="wide")


def test_all_that_is_drawn_lies_within_the_page():
    axis = Axis([Special("BOS"), Text([f"word{n}" for n in range(40)]), Grid(2, 3)])
    for width in ("acl", "page"):
        title = "a title\nof several lines" + " that is long" * 6
        figure = plots.row(RNG.dirichlet(np.ones(47)), keys=axis, image=IMAGE, title=title, width=width)
        figure.draw_without_rendering()
        boxes = [axes.get_tightbbox() for axes in figure.axes] + [
            text.get_window_extent() for text in figure.texts
        ]
        for box in boxes:
            assert figure.bbox.padded(2).x0 <= box.x0 < box.x1 <= figure.bbox.padded(2).x1
            assert figure.bbox.padded(2).y0 <= box.y0 < box.y1 <= figure.bbox.padded(2).y1
        title, caption = (text.get_window_extent() for text in figure.texts)
        assert title.y0 >= max(box.y1 for box in boxes[:3])
        assert caption.y1 <= min(box.y0 for box in boxes[:3])


def test_rows_of_patches_that_end_with_newlines_are_a_picture():
    axis = Axis([Text(["what"]), Lines(2, 3)])
    figure = plots.row(RNG.dirichlet(np.ones(9), size=9), axis=axis, query=0, image=IMAGE)
    assert figure.axes[1].images[-1].get_array().shape == (2, 3)


def test_ids_are_chips_and_so_are_tokens_of_which_the_number_is_known():
    weights = RNG.dirichlet(np.ones(3), size=3)
    assert words_of(plots.row(weights, axis=Ids([63, 5, 9]), query=1).axes[0]) == ["id 63", "id 5", "id 9"]
    assert words_of(plots.tokens(weights, axis=Ids([63, 5, 9]), query=1).axes[0]) == ["id 63", "id 5", "id 9"]
    for draw in (plots.row, plots.tokens):
        figure = draw(weights, query=1)
        assert words_of(figure.axes[0]) == ["0", "1", "2"]
        assert len(marked(figure.axes[0])) == 1
        assert "Query (row): token 1." in caption_of(figure)


def test_a_head_of_an_array_is_told(run):
    assert caption_of(plots.row(MAPS, head=1, query=2)).startswith("Head 1 of 2. Query (row): token 2.")
    assert caption_of(plots.row(MAPS, head="mean", query=2)).startswith("Mean of 2 heads.")


def test_a_call_knows_the_axes_that_were_inferred():
    call = viz.from_arrays({"attn": MAPS})[0]
    known = replace(call, axes=dict.fromkeys(("queries", "keys"), SCENE))
    assert "token 4, cell (1, 0)" in caption_of(plots.row(known, head=0, cell=(1, 0)))
