"""Words and images, words and words, two maps, and one layer over its calls."""

import numpy as np
import pytest

import visualizer as viz
from visualizer import plots
from visualizer.attention import AttentionMap, Dense, Factors
from visualizer.axes import Axis, Grid, Special, Text
from visualizer.calls import Call
from visualizer.errors import CallsError, OptionError, ShapeError
from visualizer.run import Run

RNG = np.random.default_rng(0)
IMAGE = np.full((40, 60, 3), 0.5)
WORDS = ["a", "black", "cat"]


def caption_of(figure):
    whole = figure._supxlabel or figure.texts[-1]
    return whole.get_text().replace("\n", " ")


def names_of(axes):
    return [text.get_text() for text in axes.texts]


def maps_of(figure):
    """What is drawn over the image, for each picture."""
    return [image.get_array() for image in figure.axes[0].images if image.get_array().ndim == 2]


def calls_run(maps, path="attn", **more):
    made = [AttentionMap(Dense(one)) for one in maps]
    return Run([Call(path, one, n, n, "an array", **more) for n, one in enumerate(made)])


def test_a_word_of_a_diffusion_model_is_a_column_over_the_image():
    weights = RNG.dirichlet(np.ones(3), size=6)
    figure = plots.cross(weights, queries=Grid(2, 3), keys=WORDS, image=IMAGE)
    np.testing.assert_array_equal(maps_of(figure), weights.T.reshape(3, 2, 3))
    assert names_of(figure.axes[0])[0] == "image"
    assert "Each picture is a word's column: how much each patch looks at the word." in caption_of(figure)


def test_a_word_that_looks_at_the_image_is_a_row_over_it():
    axis = Axis([Special("BOS"), Grid(2, 3), Text(WORDS)])
    weights = RNG.dirichlet(np.ones(10), size=10)
    figure = plots.cross(weights, axis=axis, words=["cat", 8], image=IMAGE)
    np.testing.assert_array_equal(maps_of(figure), weights[[9, 8], 1:7].reshape(2, 2, 3))
    total = weights[9, 1:7].sum()
    assert names_of(figure.axes[0]) == [
        "image",
        f"cat, sum {total:.3g}",
        f"black, sum {weights[8, 1:7].sum():.3g}",
    ]


def test_a_word_of_several_tokens_is_their_mean():
    weights = RNG.dirichlet(np.ones(3), size=6)
    figure = plots.cross(weights, queries=Grid(2, 3), keys=WORDS, words=["blackcat"])
    np.testing.assert_allclose(maps_of(figure)[0], weights[:, 1:].mean(1).reshape(2, 3))


def test_two_texts_are_a_matrix_with_both():
    weights = RNG.dirichlet(np.ones(3), size=2)
    axes = plots.cross(weights, queries=["le", "chat"], keys=WORDS).axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), weights)
    assert [text.get_text() for text in axes.get_yticklabels()] == ["le", "chat"]
    assert [text.get_text() for text in axes.get_xticklabels()] == WORDS


def test_what_has_neither_words_nor_a_grid_is_refused_and_so_are_too_many_words():
    with pytest.raises(OptionError, match="neither side has text or a grid"):
        plots.cross(np.eye(3))
    with pytest.raises(OptionError, match="30 words are too many for one figure: name some"):
        plots.cross(np.ones((6, 30)), queries=Grid(2, 3), keys=["word"] * 30)


def test_a_difference_is_the_first_minus_the_second_around_zero():
    first, second = RNG.dirichlet(np.ones(4), size=(2, 4))
    figure = plots.compare(first, second, names=("before", "after"))
    np.testing.assert_allclose(figure.axes[0].images[0].get_array(), first - second)
    norm = figure.axes[0].images[0].norm
    assert norm.vmin == -norm.vmax
    moved = np.abs(first - second).sum(-1).mean() / 2
    assert "before − after: red is more in before, blue in after." in caption_of(figure)
    assert f"On average {moved:.3g} of a row lies elsewhere." in caption_of(figure)


def test_the_difference_of_one_query_lies_over_the_image():
    first, second = RNG.dirichlet(np.ones(6), size=(2, 6))
    figure = plots.compare(first, second, axis=Grid(2, 3), cell=(0, 1), image=IMAGE)
    np.testing.assert_allclose(maps_of(figure)[0], (first - second)[1].reshape(2, 3))
    assert "diverging" in caption_of(figure)


@pytest.mark.parametrize("less", [0, 0.25])
@pytest.mark.parametrize("scale", ["linear", "sqrt"])
def test_a_difference_that_is_nowhere_below_0_is_drawn_around_it_too(less, scale):
    for query in ({}, {"query": 0}):
        figure = plots.compare(np.eye(2) + less, np.eye(2), scale=scale, **query)
        (mapped,) = {
            bar.mappable for bar in [one._colorbar for one in figure.axes if hasattr(one, "_colorbar")]
        }
        assert (mapped.norm.vmin, mapped.norm.vmax, mapped.cmap.name) == (-(less or 1), less or 1, "RdBu_r")
    assert plots.compare(np.eye(2), np.eye(2), vmax=3).axes[0].images[0].norm.vmax == 3


def test_long_maps_are_compared_by_means_and_never_formed():
    q, k = RNG.normal(size=(2, 1, 1, 8_000, 4)).astype(np.float32)
    first, second = (AttentionMap(Factors(q, k, scale=scale), budget="5MB") for scale in (0.5, 0.25))
    figure = plots.compare(first[..., :600, :], second[..., :600, :])
    assert figure.axes[0].images[0].get_array().shape == (512, 512)
    assert "of 600 queries × 8,000 keys" in caption_of(figure)


def test_maps_of_different_sizes_are_not_compared():
    with pytest.raises(ShapeError, match=r"maps of \(2, 2\) and \(3, 3\) were to be compared"):
        plots.compare(np.eye(2), np.eye(3))


def test_a_word_is_drawn_call_by_call():
    maps = RNG.dirichlet(np.ones(3), size=(20, 1, 2, 6))
    run = calls_run(maps).label(queries=Grid(2, 3), keys=WORDS)
    figure = plots.steps(run, layer="attn", head=1, text="cat", calls=[0, 7, -1])
    np.testing.assert_array_equal(maps_of(figure), maps[[0, 7, 19], 0, 1, :, 2].reshape(3, 2, 3))
    assert "Key (column): token 2, “cat”: who looks at it. 3 of 20 calls are drawn." in caption_of(figure)
    assert len(maps_of(plots.steps(run, layer="attn", head=1, text="cat"))) == 12


def test_a_query_of_text_is_drawn_call_by_call():
    run = calls_run(RNG.dirichlet(np.ones(3), size=(2, 1, 1, 3))).label(axis=WORDS)
    figure = plots.steps(run, text="cat")
    assert [names_of(axes)[0] for axes in figure.axes[:2]] == ["call 0, sum 1", "call 1, sum 1"]


def test_a_generation_has_a_row_for_each_token_that_was_generated():
    prompt, *later = (
        np.tri(queries, keys, keys - queries)[None, None] for queries, keys in ((3, 3), (1, 4), (1, 5))
    )
    run = calls_run([prompt / 3, *(one / 4 for one in later)]).label(["the", "cat", "sat", "on", "it"])
    figure = plots.steps(run, layer="attn")
    axes = figure.axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array() > 0, [[1, 1, 1, 1, 0], [1, 1, 1, 1, 1]])
    assert [text.get_text() for text in axes.get_yticklabels()] == ["on", "it"]
    assert "the first 3 are the prompt" in caption_of(figure)


def test_steps_need_one_layer_and_calls_that_are_there():
    run = viz.from_arrays({"a": np.eye(3)[None], "b": np.eye(3)[None]})
    with pytest.raises(CallsError, match="give layer="):
        plots.steps(run, query=0)
    with pytest.raises(CallsError, match=r"calls \[3\] were asked for of 1"):
        plots.steps(run, layer="a", query=0, calls=[3])


def test_a_panel_has_its_items_where_they_are_named():
    maps = RNG.random((2, 2, 4, 6))
    rows = [[IMAGE, *line] for line in maps]
    figure = plots.panel(
        rows, rows=["cat", "dog"], columns=["input", "layer 0", "layer 1"], images=[IMAGE] * 2
    )
    np.testing.assert_array_equal(maps_of(figure), maps.reshape(4, 4, 6))
    assert {image.norm.vmax for image in figure.axes[0].images if image.get_array().ndim == 2} == {maps.max()}
    sums = [f"sum {one.sum():.3g}" for one in maps.reshape(4, 4, 6)]
    above = ["input", f"layer 0\n{sums[0]}", f"layer 1\n{sums[1]}"]
    assert names_of(figure.axes[0]) == [*above, "cat", *sums[2:], "dog"]


def test_panels_with_scales_of_their_own_say_so():
    figure = plots.panel([np.eye(2) / 2, np.eye(2) / 4], share_scale=False)
    np.testing.assert_array_equal(maps_of(figure), [np.eye(2)] * 2)
    assert names_of(figure.axes[0]) == ["sum 1, max 0.5", "sum 0.5, max 0.25"]
    assert "colours do not compare" in caption_of(figure)


def test_a_pair_in_a_panel_is_a_querys_row():
    weights = RNG.dirichlet(np.ones(6), size=6)
    figure = plots.panel([(weights, {"axis": Grid(2, 3), "cell": (1, 1)})], images=[IMAGE])
    np.testing.assert_array_equal(maps_of(figure)[0], weights[4].reshape(2, 3))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"rows": ["one"]}, r"rows= holds 1, but the panel has 2"),
        ({"columns": ["a", "b", "c"]}, "columns= holds 3, but the panel has 2"),
        ({"images": [IMAGE]}, "images= holds 1, but the panel has 2"),
    ],
)
def test_names_that_do_not_fit_a_panel_are_counted(given, sentence):
    with pytest.raises(ShapeError, match=sentence):
        plots.panel([[np.eye(2)] * 2] * 2, **given)


@pytest.fixture
def layers():
    maps = {f"model.vision.blocks.{n}.attn": RNG.dirichlet(np.ones(6), size=(1, 3, 6)) for n in range(2)}
    return viz.from_arrays(maps, image=IMAGE).label(axis=Grid(2, 3))


def test_panels_tell_once_what_all_share_and_above_each_what_differs(layers):
    cells = [(layers, {"layer": path, "head": 2, "cell": (1, 1)}) for path in layers.paths]
    figure = plots.panel(cells)
    assert names_of(figure.axes[0]) == ["layer 0", "layer 1"]
    assert caption_of(figure).startswith(
        "Head 2 of 3. Query (row): token 4, cell (1, 1). Layers are model.vision.blocks.*.attn. "
        "The weights of each panel have the sum 1. Self-check: none, an array was given. One scale for all"
    )


def test_what_a_column_shares_is_told_above_it_once_and_nothing_that_its_name_says(layers):
    rows = [
        [(layers, {"layer": path, "head": head, "query": 4}) for path in layers.paths] for head in range(2)
    ]
    assert names_of(plots.panel(rows).axes[0]) == ["layer 0", "layer 1", "head 0 of 3", "head 1 of 3"]
    figure = plots.panel(rows, columns=layers.paths, rows=["one", "two"])
    names = ["".join(name.split("\n")) for name in names_of(figure.axes[0])]
    assert names == [*layers.paths, "onehead 0 of 3", "twohead 1 of 3"]


def test_where_panels_are_narrow_they_are_numbered_and_told_below(layers):
    cells = [(layers, {"layer": path, "head": n, "query": n}) for path in layers.paths for n in range(3)]
    figure = plots.panel([IMAGE, *cells], width="column")
    assert names_of(figure.axes[0]) == [f"({number})" for number in range(1, 7)]
    assert "(1) layer 0, head 0 of 3, token 0, cell (0, 0); (2) layer 0, head 1 of 3" in caption_of(figure)
