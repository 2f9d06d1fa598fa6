"""A generation's calls as one sequence: which tokens its rows are, and whose row is drawn."""

import numpy as np
import pytest

from visualizer import plots
from visualizer.attention import AttentionMap, Band, Dense, Factors
from visualizer.axes import Axis, Grid, Ids, Special, Text
from visualizer.calls import Call
from visualizer.errors import CallsError, ShapeError
from visualizer.plots.asking import Options
from visualizer.plots.rows import row_of
from visualizer.run import Run
from visualizer.tokens import part_of

WORDS = ["the", "cat", "sat", "on", "it"]
Q, K = np.random.default_rng(0).normal(size=(2, 1, 2, 5, 4))
WHOLE = AttentionMap(Factors(Q, K, scale=0.5, band=Band()))


def step(number, queries, keys, **more):
    """A call whose queries are the last ones before ``keys``."""
    rows = slice(keys - queries, keys)
    factors = Factors(Q[:, :, rows], K[:, :, :keys], scale=0.5, band=Band(keys - queries))
    return Call("attn", AttentionMap(factors), number, number, "a kernel", error=1e-7, **more)


@pytest.fixture
def run():
    return Run([step(0, 3, 3), step(1, 1, 4), step(2, 1, 5)]).label(WORDS)


@pytest.fixture
def last():
    """Of which the last query of each call was kept."""
    return Run([step(0, 1, 3), step(1, 1, 4), step(2, 1, 5)]).label(WORDS)


def weights_of(run, **options):
    laid, _ = row_of(run, Options.read(options))
    return laid.weights


def caption_of(figure):
    return figure.texts[-1].get_text().replace("\n", " ")


def words_of(figure):
    return [text.get_text() for text in figure.axes[0].texts]


@pytest.mark.parametrize("query", range(5))
def test_a_query_is_one_of_the_whole_sequence(run, query):
    np.testing.assert_allclose(weights_of(run, head=1, query=query), WHOLE[0, 1, query].numpy(), atol=1e-12)
    assert words_of(plots.row(run, head=1, query=query)) == WORDS


def test_the_last_query_is_drawn_unless_one_is_named(run):
    np.testing.assert_array_equal(weights_of(run, head=0), weights_of(run, head=0, query=4))
    figure = plots.tokens(run, head=0)
    assert caption_of(figure).startswith(
        "Layer attn, head 0 of 2, 3 calls as one sequence. Query (row): token 4, “it”. "
        "Self-check: checked 3/3 calls, largest error 1e-07."
    )


def test_one_call_is_drawn_where_it_is_named(run):
    figure = plots.row(run, head=0, call=1)
    assert words_of(figure) == WORDS[:4]
    assert "head 0 of 2, call 1. Query (row): token 3, “on”." in caption_of(figure)


def test_of_queries_that_were_kept_alone_the_place_is_told(last):
    np.testing.assert_allclose(weights_of(last, head=1, query=3), WHOLE[0, 1, 3].numpy(), atol=1e-12)
    np.testing.assert_array_equal(weights_of(last, head=1, text="on"), weights_of(last, head=1, query=3))
    assert "token 2, “sat”" in caption_of(plots.row(last, head=1, query=2))
    with pytest.raises(ShapeError, match="query=1 was asked for, but 3 queries were kept: 2 to 4"):
        plots.row(last, head=1, query=1)
    axes = plots.steps(last, head=0).axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["on", "it"]


def test_the_querys_own_token_is_marked(last):
    laid, _ = row_of(last, Options(head=0, query=3))
    assert laid.marked == {3}


def test_steps_without_words_are_numbered_by_their_places():
    axes = plots.steps(Run([step(0, 3, 3), step(1, 1, 4), step(2, 1, 5)]), head=0).axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["3", "4"]


def test_queries_that_look_at_another_text_are_counted_and_named_by_their_own():
    maps = np.random.default_rng(1).dirichlet(np.ones(6), size=(3, 1, 1, 1))
    keys = Axis([Text(list("source"))])
    axes = [{"keys": keys, "queries": Axis([Ids([7 + n])])} for n in range(3)]
    made = [AttentionMap(Dense(one)) for one in maps]
    calls = [Call("cross", one, n, n, "a kernel", axes=axes[n]) for n, one in enumerate(made)]
    figure = plots.row(Run(calls), query=1)
    assert words_of(figure) == list("source")
    assert "Query (row): token 1, id 8." in caption_of(figure)
    np.testing.assert_array_equal(weights_of(Run(calls), query=1), maps[1, 0, 0, 0])


def test_of_several_sequences_one_is_named():
    calls = [step(n, *size, sequence=n // 2) for n, size in enumerate([(3, 3), (1, 4)] * 2)]
    with pytest.raises(CallsError, match=r"4 calls of the sequences \[0, 1\]: give sequence= or call="):
        plots.row(Run(calls), head=0)
    assert "2 calls as one sequence, number 1." in caption_of(plots.row(Run(calls), head=0, sequence=1))
    with pytest.raises(CallsError, match=r"sequence=2 was asked for, but there are \[0, 1\]"):
        plots.row(Run(calls), head=0, sequence=2)


def test_calls_of_one_shape_are_no_generation():
    calls = [step(n, 3, 3) for n in range(2)]
    with pytest.raises(CallsError, match="there are 2 calls: give call="):
        plots.row(Run(calls), head=0, query=0)


def test_of_a_picture_that_is_cut_the_number_of_patches_is_left():
    axis = Axis([Special("BOS"), Grid(2, 3), Text(["a", " cat"])])
    assert part_of(axis, range(7)).arithmetic == "1 BOS + 2 × 3 grid = 7 tokens"
    assert part_of(axis, range(3, 9)).arithmetic == "4 unknown + 2 of text = 6 tokens"
    assert part_of(axis, [8]).where("cat") == slice(0, 1)
