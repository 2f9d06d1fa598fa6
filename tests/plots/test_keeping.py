"""Rows without sinks, of their largest weights alone, and in all heads."""

import numpy as np
import pytest

import visualizer
from visualizer import plots
from visualizer.axes import Axis, Frames, Grid, Special, Text
from visualizer.errors import OptionError
from visualizer.plots.asking import Options
from visualizer.plots.rows import row_of

AXIS = Axis((Special("[CLS]"), Text(["a", "black", "cat", "sat"]), Special("[SEP]"), Grid(2, 3)))
SINKS = [0, 5]
WEIGHTS = np.random.default_rng(0).dirichlet(np.full(12, 0.5), size=(3, 12)).astype(np.float32)


@pytest.fixture
def run():
    run = visualizer.from_arrays({"layer.0": WEIGHTS[None]}).label(axis=AXIS)
    return run.label(image=np.full((20, 30, 3), 90, np.uint8))


def weights_of(run, **options):
    return row_of(run, Options(layer="layer.0", **options))[0].weights


def caption(figure):
    return figure.texts[-1].get_text().replace("\n", " ")


def test_without_sinks_the_rest_has_what_all_had(run):
    found = weights_of(run, head=1, query=3, sinks=False)
    row = WEIGHTS[1, 3].astype(float)
    wanted = row / (1 - row[SINKS].sum())
    wanted[SINKS] = np.nan
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    said = caption(plots.row(run, layer="layer.0", head=1, query=3, sinks=False))
    assert f"are removed: {row[SINKS].sum():.3g} of the row, hatched; the rest is renormalised." in said
    assert "Not finite" not in said


@pytest.mark.parametrize("head", [1, "all"])
@pytest.mark.parametrize(
    "options", [{"sinks": False}, {"part": slice(5, 9)}, {"part": slice(0, 9), "sinks": False}]
)
def test_only_what_is_no_number_is_said_to_be_not_finite(head, options):
    weights = WEIGHTS[None].copy()
    whole = visualizer.from_arrays({"layer.0": weights}).label(axis=AXIS)
    weights = weights.copy()
    weights[0, :, 3, [0, 7]] = np.nan  # a sink, which is one besides, and a cell
    broken = visualizer.from_arrays({"layer.0": weights}).label(axis=AXIS)
    asked = {"layer": "layer.0", "head": head, "query": 3} | options
    assert "Not finite" not in caption(plots.row(whole, **asked))
    drawn = 1 if "sinks" not in options else 2
    many = drawn * (3 if head == "all" else 1)
    assert f"Not finite, hatched: {many}." in caption(plots.row(broken, **asked))


@pytest.mark.parametrize("mass", [0.1, 0.5, 0.9])
def test_the_fewest_weights_that_make_the_mass_are_drawn(run, mass):
    found = weights_of(run, head=0, query=7, mass=mass)
    row = WEIGHTS[0, 7]
    there = found > 0
    np.testing.assert_array_equal(found[there], row[there])
    assert row[there].sum() >= mass
    assert row[there].sum() - row[there].min() < mass
    assert row[there].min() >= row[~there].max()
    said = caption(plots.row(run, layer="layer.0", head=0, query=7, mass=mass))
    assert f"Drawn are the {there.sum()} largest weights, {row[there].sum():.3g} of the mass" in said


def test_the_difference_of_two_rows_is_that_of_what_is_drawn_of_both(run):
    one, other = (weights_of(run, head=head, query=3, sinks=False) for head in (0, 2))
    pairs = [(run, {"layer": "layer.0", "head": head}) for head in (0, 2)]
    said = caption(plots.compare(*pairs, query=3, sinks=False))
    assert f"{np.nansum(np.abs(one - other)) / 2:.3g} of the row lies elsewhere" in said
    with pytest.raises(OptionError, match="mass= and sinks= were given, which are of one query's row"):
        plots.compare(*pairs, mass=0.9)


@pytest.mark.parametrize("mass", [0, 1.1, True, "0.9"])
def test_what_is_no_share_is_refused(run, mass):
    with pytest.raises(OptionError, match="give a share above 0, up to 1"):
        weights_of(run, head=0, query=0, mass=mass)


def test_a_row_of_sinks_alone_is_refused():
    run = visualizer.from_arrays({"a": np.full((1, 1, 2, 2), 0.5)}).label(axis=[Text(["a"]), Special("B")])
    with pytest.raises(OptionError, match="all 2 keys are special"):
        plots.row(run, layer="a", query=0, sinks=False)


def test_of_special_tokens_alone_none_is_a_sink():
    objects = np.array([[0.75, 0.25], [0.5, 0.5]])[None, None]
    run = visualizer.from_arrays({"a": objects}).label(
        axis=[Special("object query"), Special("object query")]
    )
    assert "are removed: 0 of the row" in caption(plots.row(run, layer="a", query=0, sinks=False))
    assert np.isnan(run.metrics(["special_tokens"])[0]["special_tokens"])


def test_all_heads_have_their_row_on_one_scale_words_in_strips_and_cells_on_the_image(run):
    figure = plots.row(run, layer="layer.0", head="all", query=3, sinks=False, mass=0.9)
    wanted = np.stack([weights_of(run, head=head, query=3, sinks=False, mass=0.9) for head in range(3)])
    strips, pictures = figure.axes[:2]
    np.testing.assert_array_equal(strips.images[0].get_array().filled(np.nan), wanted[:, :6])
    assert [label.get_text() for label in strips.get_yticklabels()] == ["head 0", "head 1", "head 2"]
    assert [label.get_text() for label in strips.get_xticklabels()] == list(AXIS.names[:6])
    cells = [image for image in pictures.images if image.get_array().shape == (2, 3)]
    np.testing.assert_array_equal(np.stack([one.get_array() for one in cells]).reshape(3, 6), wanted[:, 6:])
    assert {image.norm.vmax for image in (strips.images[0], *cells)} == {np.nanmax(wanted)}
    removed = WEIGHTS[:, 3][:, SINKS].sum(1)
    assert f"removed: {removed.min():.3g} to {removed.max():.3g} of the row" in caption(figure)
    assert "all 3 heads" in caption(figure)


def test_frames_have_a_row_of_pictures_for_each_head():
    weights = np.random.default_rng(0).dirichlet(np.ones(12), size=(2, 12))
    figure = plots.row(weights, axis=Frames(3, 2, 2), head="all", cell=(1, 0, 1))
    found = np.stack([image.get_array() for image in figure.axes[0].images])
    np.testing.assert_array_equal(found.reshape(2, 12), weights[:, 5])


def test_a_map_without_heads_has_no_row_of_all():
    with pytest.raises(OptionError, match="the map has no heads: leave head= out"):
        plots.row(np.eye(3), head="all", query=1)


PARTS = [(5, 9), slice(5, 9), [5, 6, 7, 8], [slice(5, 7), 7, np.array([8])]]


@pytest.mark.parametrize("part", PARTS)
def test_a_part_alone_is_drawn_and_its_share_is_told(run, part):
    found = weights_of(run, head=1, query=3, part=part)
    row = WEIGHTS[1, 3]
    np.testing.assert_array_equal(found, [*[np.nan] * 5, *row[5:9], *[np.nan] * 3])
    figure = plots.row(run, layer="layer.0", head=1, query=3, part=part)
    share = f"{row[5:9].sum() / row.sum():.3g} of the row is in the part that is looked at, tokens 5 to 8."
    assert share in caption(figure)
    assert f"The weights shown sum to {row[5:9].sum():.3g}." in caption(figure)
    words, picture = figure.axes[:2]
    assert [text.get_text() for text in words.texts] == ["1 [SEP]: sum " + f"{row[5]:.3g}", "[SEP]"]
    np.testing.assert_array_equal(picture.images[-1].get_array().filled(-1).ravel(), [*row[6:9], -1, -1, -1])


def test_where_finds_a_part_and_nothing_else_is_counted(run):
    figure = plots.row(run, layer="layer.0", head=1, query=3, part=run.where("blackcat"))
    assert [text.get_text() for text in figure.axes[0].texts] == ["black", "cat"]
    assert "Not finite" not in caption(figure)
    grid = plots.row(run, layer="layer.0", head="all", query=3, part=run.where(segment="grid"))
    cells = [one.get_array() for one in grid.axes[0].images if one.get_array().shape == (2, 3)]
    np.testing.assert_array_equal(np.stack(cells).reshape(3, 6), WEIGHTS[:, 3, 6:])
    shares = WEIGHTS[:, 3, 6:].sum(1) / WEIGHTS[:, 3].sum(1)
    assert f"{shares.min():.3g} to {shares.max():.3g} of the row is in the part" in caption(grid)


def test_of_a_part_sinks_are_gone_before_and_the_mass_is_its_own(run):
    found = weights_of(run, head=0, query=2, sinks=False, part=(0, 6), mass=0.6)
    row = WEIGHTS[0, 2].astype(float)
    row[SINKS] = 0
    row *= WEIGHTS[0, 2].sum() / row.sum()
    order = np.argsort(-row[:6])
    count = int(np.searchsorted(np.cumsum(row[order]), 0.6 * row[:6].sum())) + 1
    wanted = np.full(12, np.nan)
    wanted[1:5] = 0
    wanted[order[:count]] = row[order[:count]]
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    said = caption(plots.row(run, layer="layer.0", head=0, query=2, sinks=False, part=(0, 6), mass=0.6))
    reached = row[order[:count]].sum() / row[:6].sum()
    assert f"{row[:6].sum() / row.sum():.3g} of the row is in the part that is looked at" in said
    assert f"Drawn are the {count} largest weights, {reached:.3g} of its mass; the others as 0." in said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"part": (20, 30)}, r"part=\(20, 30\) was asked for, but none of the 12 keys is in it"),
        ({"part": "cat"}, "part='cat' was asked for; give an int, a slice, what run.where finds, or a list"),
        ({"part": (1, "a")}, r"part=slice\(1, 'a', None\) was asked for; give an int, a slice"),
        ({"part": [[[1], [2, 3]]]}, r"part=\[\[1\], \[2, 3\]\] was asked for; give an int"),
        ({"part": 0, "sinks": False}, "nothing in it can be drawn: it is of sinks"),
    ],
)
def test_a_part_that_is_none_is_refused(run, options, message):
    with pytest.raises(OptionError, match=message):
        plots.row(run, layer="layer.0", head=0, query=1, **options)


def test_parts_of_a_long_text_keep_their_numbers():
    weights = np.zeros(1000)
    weights[700:800] = np.arange(100) / 4950
    axis = [f"word{n} " for n in range(1000)]
    figure = plots.row(weights, axis=axis, part=(790, 795))
    assert [text.get_text() for text in figure.axes[0].texts] == [f"word{n}" for n in range(790, 795)]
    line = plots.row(weights, axis=axis, part=(300, 900))
    assert line.axes[0].get_xlim() == (300, 900)
    assert "Largest: token 799 “word799” 0.02" in caption(line)


def test_sinks_that_are_cut_away_with_what_is_not_drawn_do_not_change_the_scale():
    weights = [0.3, 0.5, 0.1, 0.02, 0.02, 0.02, 0.02, 0.01, 0.01]
    film = plots.frames(weights, axis=[Special("CLS"), Frames(2, 2, 2)], sinks=False)
    assert "from 0 to 0.714" in caption(film)
    alone = plots.tokens([0.1, 0.1, 0.1, 0.1, 0.6], axis=[Grid(2, 2), Text(["x"])], sinks=False)
    assert "from 0 to 0.667" in caption(alone)


def test_the_largest_of_a_part_are_numbers():
    weights = np.random.default_rng(0).dirichlet(np.ones(900))
    text = Text([f"w{n}" for n in range(900)])
    said = caption(plots.row(weights, axis=[text], part=[0, 800]))
    assert "Largest: token " in said
    assert "nan" not in said


def pair_of(first, second):
    """Two runs of one row, whose tokens are others."""
    return [
        (visualizer.from_arrays({"a": np.array([[[row]]])}).label(keys=axis), {"layer": "a", "head": 0})
        for row, axis in (([0.2, 0.5, 0.2, 0.1], first), ([0.3, 0.3, 0.2, 0.2], second))
    ]


def test_a_sink_of_either_of_two_is_told_as_removed():
    pair = pair_of(
        [Text(["a"]), Special("B"), Text(["c", "d"])], [Text(["a", "b"]), Special("C"), Text(["d"])]
    )
    assert "Not finite" not in caption(plots.compare(*pair, query=0, sinks=False))


def test_two_rows_that_have_no_key_in_common_are_refused():
    pair = pair_of([Text(["a"]), *2 * [Special("B")], Text(["d"])], [Text(["a", "b", "c"]), Special("D")])
    with pytest.raises(OptionError, match="no key is drawn of both"):
        plots.compare(*pair, query=0, sinks=False)
