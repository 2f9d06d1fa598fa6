"""All heads of all layers, as tiles and as curves."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

import visualizer as viz
from visualizer import plots
from visualizer.attention import AttentionMap, Dense, Factors
from visualizer.calls import Call
from visualizer.errors import CallsError, OptionError
from visualizer.readout_table import Table
from visualizer.run import Run

RNG = np.random.default_rng(0)
MAPS = {f"blocks.{n}.attn": RNG.dirichlet(np.ones(8), size=(1, 3, 8)) for n in range(4)}


def caption_of(figure):
    return figure.texts[-1].get_text().replace("\n", " ")


def tile(figure, layer, head, cells):
    """The cells of one tile of the mosaic."""
    mosaic = figure.axes[0].images[0].get_array()
    down, across = layer * (cells + 1), head * (cells + 1)
    return np.asarray(mosaic[down : down + cells, across : across + cells])


def test_each_tile_is_the_map_of_its_layer_and_head():
    figure = plots.atlas(viz.from_arrays(MAPS), cells=8)
    for layer, maps in enumerate(MAPS.values()):
        for head in range(3):
            np.testing.assert_allclose(tile(figure, layer, head, 8), maps[0, head])
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == list(MAPS)
    assert "of 8 × 8 queries × keys" in caption_of(figure)
    assert "Square-root colour scale from 0 to" in caption_of(figure)


def test_long_maps_are_pooled_and_never_formed():
    q, k = RNG.normal(size=(2, 1, 2, 4_000, 4)).astype(np.float32)
    map_ = AttentionMap(Factors(q, k, scale=0.5), budget="10MB")  # the map has 128 MB
    run = Run([Call("attn", map_, 0, 0, "scaled_dot_product_attention", error=3e-7)])
    figure = plots.atlas(run, cells=4)
    np.testing.assert_allclose(tile(figure, 0, 1, 4), map_[0, 1].pool(4), rtol=1e-4)
    assert "4,000 × 4,000" in caption_of(figure)
    said = "Self-check: some rows times v gave the layer's own output, error 3e-07."
    assert said in caption_of(figure)
    matrix = plots.head(map_[0, 1, :1100])
    assert matrix.axes[0].images[0].get_array().shape == (1024, 1024)
    caption = matrix._supxlabel.get_text().replace("\n", " ")
    assert "mean of up to 2 × 4 of 1,100 queries × 4,000 keys" in caption


def test_small_maps_fill_their_tiles():
    figure = plots.atlas(viz.from_arrays({"a": np.eye(2)[None]}), cells=4)
    np.testing.assert_array_equal(tile(figure, 0, 0, 4), np.kron(np.eye(2), np.ones((2, 2))))


def test_a_layer_with_fewer_heads_leaves_places_empty():
    figure = plots.atlas(viz.from_arrays({"a": np.ones((2, 4, 4)), "b": np.ones((1, 4, 4))}), cells=4)
    assert np.ma.masked_invalid(tile(figure, 1, 1, 4)).mask.all()


def test_a_pattern_picks_layers_and_a_run_without_maps_is_refused():
    run = viz.from_arrays(MAPS)
    figure = plots.atlas(run, layer="blocks.[12].attn")
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == list(MAPS)[1:3]
    for draw in (plots.atlas, lambda run, **options: plots.curves(run, "entropy", **options)):
        with pytest.raises(
            CallsError, match=r"'decoder\.\*' was to be drawn, but no call of it was recorded"
        ):
            draw(run, layer="decoder.*")
        with pytest.raises(
            CallsError, match=r"'\*' was to be drawn, but the run is empty: nothing was recorded$"
        ):
            draw(Run([]))
    with pytest.raises(OptionError, match="cells=1 was asked for"):
        plots.atlas(run, cells=1)


@pytest.mark.parametrize(
    ("call", "item"), [(None, "Call 0 of each layer, item a."), (1, "Call 1 of each layer.")]
)
def test_the_caption_says_which_of_several_calls_is_drawn(call, item):
    items = {"query": ["a", "b"], "key": ["a", "c"]}
    maps = {side: [AttentionMap(Dense(np.eye(4)[None, None]))] * 2 for side in items}
    calls = [
        Call(side, one, number, number, "an array", item=items[side][number])
        for side in items
        for number, one in enumerate(maps[side])
    ]
    assert item in caption_of(plots.atlas(Run(calls), call=call))
    assert "Call" not in caption_of(plots.atlas(Run(calls[::2])))


def test_of_a_layer_with_fewer_calls_the_last_is_drawn():
    maps = [AttentionMap(Dense(np.full((1, 1, 4, 4), weight))) for weight in (0.1, 0.2, 0.3)]
    paths = [("a", 0), ("a", 1), ("b", 0)]
    calls = [Call(path, maps[n], number, n, "an array") for n, (path, number) in enumerate(paths)]
    figure = plots.atlas(Run(calls), call=1, cells=4)
    mosaic = figure.axes[0].images[0].get_array()
    assert (mosaic[0, 0], mosaic[-1, 0]) == (0.2, 0.3)
    assert "Call 1 of each layer, or its last." in caption_of(figure)
    with pytest.raises(CallsError, match="call=2 was asked for, but layers have up to 2 calls"):
        plots.atlas(Run(calls), call=2)


def generations():
    """Two generations of two layers, (3, then 1) queries each, and one encoder's call for each."""
    calls = []
    for sequence in range(2):
        calls.append(("encoder", RNG.dirichlet(np.ones(4), size=(1, 2, 4)), sequence, sequence))
        for step, (queries, keys) in enumerate([(3, 3), (1, 4), (1, 5)]):
            for layer in ("a", "b"):
                maps = RNG.dirichlet(np.ones(keys), size=(1, 2, queries))
                calls.append((layer, maps, 3 * sequence + step, sequence))
    return [
        Call(path, AttentionMap(Dense(maps)), number, order, "a kernel", sequence=sequence)
        for order, (path, maps, number, sequence) in enumerate(calls)
    ]


@pytest.mark.parametrize("sequence", [None, 0, 1])
def test_of_several_generations_one_is_drawn_whole(sequence):
    calls = generations()
    run = Run([call for call in calls if call.path != "encoder"])
    figure = plots.atlas(run, cells=5, sequence=sequence)
    for layer, path in enumerate("ab"):
        steps = [
            call.map[0].numpy() for call in calls if call.path == path and call.sequence == (sequence or 0)
        ]
        wanted = np.zeros((2, 5, 5))
        for at, (queries, keys) in zip((0, 3, 4), ((3, 3), (1, 4), (1, 5)), strict=True):
            wanted[:, at : at + queries, :keys] = steps[{0: 0, 3: 1, 4: 2}[at]]
        for head in range(2):
            np.testing.assert_allclose(tile(figure, layer, head, 5), wanted[head])
    assert "of 5 × 5 queries × keys" in caption_of(figure)
    assert f"3 calls of each layer as one sequence, number {sequence or 0}." in caption_of(figure)


def test_a_call_of_a_generation_is_drawn_alone_where_it_is_named():
    run = Run([call for call in generations() if call.path == "a" and call.sequence == 0])
    assert "3 calls of each layer as one sequence." in caption_of(plots.atlas(run))
    figure = plots.atlas(run, call=0, cells=3)
    np.testing.assert_allclose(tile(figure, 0, 1, 3), run[0].map[0, 1].numpy())
    assert "Call 0 of each layer." in caption_of(figure)


def test_of_a_generation_the_layers_that_are_no_part_of_it_are_those_of_its_own_sequence():
    calls = generations()
    figure = plots.atlas(Run(calls), cells=4, sequence=1)
    encoder = next(call for call in calls if call.path == "encoder" and call.sequence == 1)
    np.testing.assert_allclose(tile(figure, 0, 1, 4), encoder.map[0, 1].numpy())
    assert "1 to 3 calls of each layer as one sequence, number 1." in caption_of(figure)
    alone = plots.atlas(Run(calls), layer="encoder", sequence=1)
    assert "Call 0 of each layer in sequence 1." in caption_of(alone)
    with pytest.raises(CallsError, match=r"sequence=2 was asked for, but there are \[0, 1\]"):
        plots.atlas(Run(calls), sequence=2)


def test_of_long_paths_that_differ_in_a_part_this_part_is_shown():
    paths = [f"model.encoder.layers.{n}.self_attention.attention" for n in range(3)]
    run = viz.from_arrays(dict.fromkeys(paths, np.full((2, 4, 4), 0.25)))
    for figure, axis in ((plots.atlas(run), "yaxis"), (plots.curves(run), "xaxis")):
        assert [text.get_text() for text in getattr(figure.axes[0], axis).get_ticklabels()] == ["0", "1", "2"]
        assert "Layers are model.encoder.layers.*.self_attention.attention." in caption_of(figure)


def test_paths_that_share_nothing_are_shown_by_their_ends():
    run = viz.from_arrays({"a.very.long.path.to.the.attention": np.eye(3), "b": np.eye(3)})
    labels = plots.atlas(run).axes[0].get_yticklabels()
    assert [text.get_text() for text in labels] == ["….to.the.attention", "b"]


def test_curves_are_the_numbers_of_the_table():
    run = viz.from_arrays(MAPS)
    axes = plots.curves(run).axes[0]
    dots, table = axes.collections[0].get_offsets(), run.table("entropy")
    np.testing.assert_allclose(dots[:, 1], [row["entropy"] for row in table])
    np.testing.assert_allclose(axes.lines[0].get_ydata(), dots[:, 1].reshape(4, 3).mean(1))
    assert axes.get_ylabel() == "entropy (nats)"


def test_curves_of_a_column_of_a_table():
    table = viz.from_arrays(MAPS).metrics()
    axes = plots.curves(table, "distance").axes[0]
    dots = axes.collections[0].get_offsets()
    np.testing.assert_allclose(dots[:, 1], [row["distance"] for row in table])
    assert axes.get_ylabel() == "distance (tokens)"
    for asked, words in {"head": "the column 'head'", "nowhere": "the table has path, call"}.items():
        with pytest.raises(OptionError, match=words):
            plots.curves(table, asked)
    for means, over in ((table.mean("path"), "layers"), (table.mean(("path", "head")), "calls")):
        with pytest.raises(OptionError, match="a row for each head"):
            plots.curves(means, "distance", over=over)
    again = plots.curves(table.mean(("path", "head")), "distance").axes[0]
    np.testing.assert_allclose(again.collections[0].get_offsets(), dots)
    with pytest.raises(OptionError, match="are for runs"):
        plots.curves(table, "distance", layer=0)


def test_numbers_without_a_meaning_are_left_out_of_curves():
    rows = [
        {"path": path, "call": call, "item": None, "batch": 0, "head": 0, "diagonal": value}
        for path, values in {"a": (0.25, np.nan), "b": (np.nan, np.nan), "c": (0.5, 1.0)}.items()
        for call, value in enumerate(values)
    ]
    line = plots.curves(Table(rows), "diagonal").axes[0].lines[0].get_ydata()
    np.testing.assert_allclose(line, [0.25, np.nan, 0.75])
    with pytest.raises(OptionError, match="has no number"):
        plots.curves(Table(rows[2:4]), "diagonal")


def test_the_extreme_heads_are_named():
    run = viz.from_arrays({"a": np.stack([np.eye(4), np.full((4, 4), 0.25)])})
    assert [text.get_text() for text in plots.curves(run).axes[0].texts] == ["head 1", "head 0"]


def test_groups_have_a_line_each():
    axes = plots.curves(viz.from_arrays(MAPS), "mass", groups={"first": 0, "rest": slice(1, None)}).axes[0]
    assert [line.get_label() for line in axes.lines] == ["first", "rest"]
    np.testing.assert_allclose(axes.lines[0].get_ydata() + axes.lines[1].get_ydata(), 1, rtol=1e-5)


def test_rows_of_the_batch_are_averaged_and_counted():
    run = viz.from_arrays({"a": RNG.dirichlet(np.ones(8), size=(5, 3, 8))})
    figure = plots.curves(run)
    assert "Means over queries and 5 calls or rows of the batch." in caption_of(figure)
    assert len(figure.axes[0].collections[0].get_offsets()) == 3


def steps(layers, kept=None):
    """A generation of four tokens after three, of two heads; or read-outs of it."""
    sizes = [(3, 3), (1, 4), (1, 5), (1, 6), (1, 7)]
    made = []
    for number, (queries, keys) in enumerate(sizes):
        for layer in range(layers):
            map_ = AttentionMap(Dense(RNG.dirichlet(np.ones(keys), size=(1, 2, queries))))
            content = map_ if kept is None else {kept: getattr(map_, kept)()}
            made.append(Call(f"layers.{layer}.attn", content, number, len(made), "a kernel", error=2e-7))
    return Run(made)


def test_curves_over_calls_are_the_numbers_of_each_call():
    run = steps(1)
    figure = plots.curves(run, over="calls")
    axes, table = figure.axes[0], run.table("entropy")
    np.testing.assert_allclose(axes.collections[0].get_offsets()[:, 1], [row["entropy"] for row in table])
    np.testing.assert_allclose(axes.collections[0].get_offsets()[:, 0], [row["call"] for row in table])
    assert axes.get_xlabel() == "call"
    assert "Layer layers.0.attn." in caption_of(figure)
    assert "Self-check: checked 5/5 calls, largest error 2e-07." in caption_of(figure)


@pytest.mark.parametrize("layers", [2, 9])
def test_curves_over_calls_have_a_line_for_each_layer(layers):
    run = steps(layers)
    figure = plots.curves(run, over="calls")
    lines, table = figure.axes[0].lines, run.table("entropy")
    assert [line.get_label() for line in lines] == [f"layers.{n}.attn" for n in range(layers)]
    wanted = np.mean([row["entropy"] for row in table if row["path"] == "layers.1.attn"][2:4])
    assert lines[1].get_ydata()[1] == pytest.approx(wanted)
    assert len({tuple(np.atleast_1d(line.get_color())) for line in lines}) == layers
    graded = "Lines go from layers.0.attn (blue) to layers.8.attn (orange)." in caption_of(figure)
    assert graded == (layers == 9)


def contrast(colour, page):
    """The contrast of two colours, from 1 to 21, as WCAG 2.2 defines it."""
    shares = np.array([to_rgb(colour), to_rgb(page)])
    light = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    low, high = sorted(light @ [0.2126, 0.7152, 0.0722] + 0.05)
    return high / low


@pytest.mark.parametrize("page", ["white", "#131416", "black"])  # the second is the dark documents'
@pytest.mark.parametrize("count", [1, 6, 9])
def test_curves_can_be_seen_on_light_and_dark_pages(count, page):
    groups = {f"group {n}": n % 8 for n in range(count)}
    lines = plots.curves(viz.from_arrays(MAPS), "mass", groups=groups).axes[0].lines
    assert min(contrast(line.get_color(), page) for line in lines) > 3
    assert count == 9 or len({str(line._unscaled_dash_pattern) for line in lines}) == count


def test_curves_over_calls_of_several_groups_are_those_of_one_layer():
    groups = {"first": 0, "rest": slice(1, None)}
    figure = plots.curves(steps(2), "mass", over="calls", groups=groups, layer="layers.1.attn")
    assert [line.get_label() for line in figure.axes[0].lines] == ["first", "rest"]
    with pytest.raises(OptionError, match="2 groups of 2 layers were to be drawn over calls"):
        plots.curves(steps(2), "mass", over="calls", groups=groups)
    with pytest.raises(OptionError, match="over='steps' was asked for; give one of 'layers', 'calls'"):
        plots.curves(steps(2), over="steps")


@pytest.mark.parametrize("over", ["layers", "calls"])
def test_read_outs_that_were_kept_are_drawn(over):
    run = steps(3, kept="entropy")
    axes, table = plots.curves(run, over=over).axes[0], run.table("entropy")
    shown = np.concatenate([line.get_ydata() for line in axes.lines])
    assert shown.mean() == pytest.approx(np.mean([row["entropy"] for row in table]))
    with pytest.raises(CallsError, match="'rest' was to be drawn, but in the place of maps"):
        plots.curves(run, "rest", over=over)


def test_many_groups_have_a_line_each():
    groups = {f"group {n}": n for n in range(8)}
    assert len(plots.curves(viz.from_arrays(MAPS), "mass", groups=groups).axes[0].lines) == 8


def test_many_heads_of_few_layers_are_drawn_in_several_rows():
    maps = {f"layers.{n}": RNG.dirichlet(np.ones(4), size=(90, 4)) for n in range(2)}
    figure = plots.atlas(viz.from_arrays(maps), cells=4)
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    rows = len(labels) // 2
    each = -(-90 // rows)
    assert rows > 1
    assert labels[0] == f"layers.0: 0–{each - 1}"
    assert labels[-1] == f"layers.1: {(rows - 1) * each}–89"
    np.testing.assert_allclose(tile(figure, rows + 1, 2, 4), maps["layers.1"][each + 2])
    side = figure.axes[0].get_window_extent().width / figure.dpi / each
    assert side > 6 / 90
