"""Who looks at one key: its column, put where the queries lie."""

import numpy as np
import pytest

import visualizer
from visualizer import plots
from visualizer.attention import AttentionMap, Dense, Factors
from visualizer.axes import Axis, Grid, Ids, Special, Text, Windows
from visualizer.calls import Call
from visualizer.errors import OptionError, ShapeError
from visualizer.plots.asking import Options
from visualizer.plots.places import MARK
from visualizer.plots.rows import row_of
from visualizer.run import Run

RNG = np.random.default_rng(4)
AXIS = Axis((Special("[CLS]"), Text(["a", " black", " cat"]), Special("[SEP]"), Grid(2, 3)))
MAPS = RNG.dirichlet(np.full(11, 0.4), size=(2, 3, 11))  # (batch, head, query, key)
IMAGE = np.full((20, 30, 3), 90, np.uint8)


@pytest.fixture
def run():
    return visualizer.from_arrays({"layer.0": MAPS}).label(axis=AXIS).label(image=IMAGE)


def column_of(shown, **options):
    return row_of(shown, Options(**options), "keys")[0].weights


def caption_of(figure):
    return figure.texts[-1].get_text().replace("\n", " ")


def marked(axes):
    return [patch for patch in axes.patches if patch.get_edgecolor()[:3] == pytest.approx(rgb(MARK))]


def rgb(colour):
    return tuple(int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))


def test_it_lies_where_the_queries_do_with_the_key_marked(run):
    figure = plots.column(run, layer="layer.0", head=1, batch=1, text="cat")
    words, picture = figure.axes[:2]
    wanted = MAPS[1, 1, :, 3]
    assert [text.get_text() for text in words.texts[-5:]] == [name.strip() for name in AXIS.names[:5]]
    np.testing.assert_array_equal(picture.images[-1].get_array(), wanted[5:].reshape(2, 3))
    assert (len(marked(words)), len(marked(picture))) == (1, 0)
    caption = caption_of(figure)
    for said in (
        "Layer layer.0, head 1 of 3, row 1 of the batch. Key (column): token 3, “cat”: who looks at it.",
        f"The weights shown sum to {wanted.sum():.3g}. A column sums to no fixed number.",
        f"Linear colour scale from 0 to {wanted.max():.3g}",
        "Self-check: none, an array was given.",
    ):
        assert said in caption


def test_a_patch_is_marked_in_its_image_and_over_it(run):
    figure = plots.column(run, layer="layer.0", head=0, pixel=(15, 15))
    picture = figure.axes[1]
    assert len(marked(picture)) == 2
    assert {"key", "queries"} <= {text.get_text() for text in picture.texts}
    np.testing.assert_array_equal(column_of(run, layer="layer.0", head=0, cell=(1, 1)), MAPS[0, 0, :, 9])
    assert "Key (column): token 9, “cell (1, 1)”: who looks at it." in caption_of(figure)


def test_a_word_of_several_tokens_is_the_mean_of_their_columns(run):
    found = column_of(run, layer="layer.0", head="mean", text="black cat")
    np.testing.assert_allclose(found, MAPS[0][:, :, 2:4].mean((0, 2)), rtol=1e-6)
    np.testing.assert_array_equal(column_of(MAPS, head=2, key="last"), MAPS[0, 2, :, 10])


def test_all_heads_have_their_column_on_one_scale(run):
    figure = plots.column(run, layer="layer.0", head="all", special="[SEP]", mass=0.5)
    strips, pictures = figure.axes[:2]
    wanted = np.stack([column_of(run, layer="layer.0", head=head, key=4, mass=0.5) for head in range(3)])
    np.testing.assert_array_equal(strips.images[0].get_array(), wanted[:, :5])
    cells = [one.get_array() for one in pictures.images if one.get_array().shape == (2, 3)]
    np.testing.assert_array_equal(np.stack(cells).reshape(3, 6), wanted[:, 5:])
    for head, one in enumerate(wanted):
        whole = MAPS[0, head, :, 4]
        assert one.sum() >= 0.5 * whole.sum() > one.sum() - one[one > 0].min()
    assert "“[SEP]”: who looks at it." in caption_of(figure)
    assert "A column sums to no fixed number. One scale for all heads." in caption_of(figure)


def test_texts_of_two_sides_have_the_queries_in_the_line():
    weights = RNG.dirichlet(np.ones(3), size=2)
    figure = plots.column(weights, queries=["le", "chat"], keys=["a", "black", "cat"], text="cat")
    (axes,) = figure.axes[:1]
    assert [text.get_text() for text in axes.texts[:2]] == ["le", "chat"]
    assert not marked(axes)
    np.testing.assert_array_equal(column_of(weights, key=2), weights[:, 2])


def test_a_window_lies_on_the_whole_map():
    windows = RNG.dirichlet(np.ones(16), size=(4, 1, 16))
    axis = Windows((8, 8), 4, 2)
    figure = plots.column(windows, axis=axis, cell=(3, 5))
    batch, token = axis.at((3, 5))
    drawn = figure.axes[0].images[0].get_array()
    np.testing.assert_array_equal(drawn, axis.put(windows[batch, 0, :, token], batch))
    assert len(marked(figure.axes[0])) == 1


def test_a_column_of_a_generation_is_of_the_whole_sequence():
    sizes = [(3, 3), (1, 4), (1, 5)]
    maps = [RNG.dirichlet(np.ones(keys), size=(1, 1, queries)) for queries, keys in sizes]
    run = Run([Call("a", AttentionMap(Dense(one)), n, n, "a kernel") for n, one in enumerate(maps)])
    found = column_of(run, key=3)
    np.testing.assert_array_equal(found, [0, 0, 0, maps[1][0, 0, 0, 3], maps[2][0, 0, 0, 3]])
    with pytest.raises(OptionError, match="exactly one of key=, .* to say which key: 0 were given"):
        plots.column(run)


def test_queries_that_are_not_all_of_a_sequence_bear_their_places():
    maps = [RNG.dirichlet(np.ones(keys), size=(1, 1, 1)) for keys in (4, 5, 6)]
    run = Run([Call("a", AttentionMap(Dense(one)), n, n, "a kernel") for n, one in enumerate(maps)])
    figure = plots.column(run, key=4)
    assert [text.get_text() for text in figure.axes[0].texts[:3]] == ["3", "4", "5"]
    assert len(marked(figure.axes[0])) == 1
    wanted = [0, maps[1][0, 0, 0, 4], maps[2][0, 0, 0, 4]]
    np.testing.assert_array_equal(column_of(run, key=4), wanted)
    part = plots.column(run, key=4, part=(4, 6))
    assert [text.get_text() for text in part.axes[0].texts[:2]] == ["4", "5"]
    assert "1 of the column is in the part that is looked at, tokens 4 to 5." in caption_of(part)


def test_a_column_of_a_long_lazy_map_is_read_alone():
    q, k = RNG.normal(size=(2, 1, 4096, 4)).astype(np.float32)
    map_ = AttentionMap(Factors(q, k, scale=0.5), budget="1MB")  # the map has 67 MB
    found = column_of(map_, key=7)
    logits = 0.5 * q[0].astype(float) @ k[0].T.astype(float)
    wanted = np.exp(logits[:, 7]) / np.exp(logits).sum(1)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    assert "Key (column): token 7: who looks at it." in caption_of(plots.column(map_, key=7))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"key": 11}, ShapeError, "key=11 is outside of the map, which has 11"),
        ({"key": "x"}, ShapeError, "key='x' is not a token's index"),
        ({"query": 1}, OptionError, "query= was given, but there is no such option"),
        ({"key": 1, "sinks": False}, OptionError, "sinks= was given, but there is no such option"),
        ({"key": 1, "cell": (0, 0)}, OptionError, "2 were given"),
    ],
)
def test_what_is_not_there_is_one_sentence(run, options, error, message):
    with pytest.raises(error, match=message):
        plots.column(run, layer="layer.0", head=0, **options)


def test_a_row_has_no_key_and_a_column_of_no_number_is_refused():
    with pytest.raises(OptionError, match="key= was given, but there is no such option"):
        plots.row(MAPS, head=0, key=1)
    with pytest.raises(ShapeError, match="column 1 of the map holds no finite value"):
        plots.column(np.full((3, 3), np.nan), key=1)
    assert plots.column(np.eye(3)[:, :1], axis=None).axes  # the only key need not be named
    assert [
        one.get_text() for one in plots.column(MAPS[0, 0, :2], queries=Ids([7, 9]), key=1).axes[0].texts[:2]
    ] == [
        "id 7",
        "id 9",
    ]
