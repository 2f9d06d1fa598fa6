"""Maps made of maps: heads merged, products, logits, dense forms, outer products, steps stitched."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from visualizer.attention import AttentionMap, Band, Dense, Factors, LowRank, Stitched
from visualizer.errors import OptionError, ShapeError, VisualizerError

close = np.testing.assert_allclose


@pytest.mark.parametrize("how", ["mean", "max", "min"])
def test_heads_merged_are_a_lazy_map_of_one_head(how, calls):
    a, dense = calls
    merged, expected = a.heads(how), getattr(dense, how)(1, keepdims=True)
    assert merged.shape == (2, 1, 12, 10)
    close(np.asarray(merged), expected, atol=1e-6)
    close(merged @ np.arange(10.0), expected @ np.arange(10.0), atol=1e-5)
    close(merged.T @ np.arange(12.0), expected.swapaxes(-1, -2) @ np.arange(12.0), atol=1e-5)
    close(merged.received(how="mean")[1], expected[1].sum(-2) / np.minimum(12, 12 - np.arange(10)), atol=1e-5)
    close(np.asarray(a[1, 1:3, 4:].heads(how)[0]), getattr(dense[1, 1:3, 4:], how)(0), atol=1e-6)


@pytest.mark.parametrize("how", ["mean", "max", "min"])
def test_the_rest_of_merged_heads_is_what_their_rows_lack(how, library, factors):
    rng = np.random.default_rng(0)
    case = {name: rng.normal(size=(1, 3, 6, 6)).astype(np.float32) * 3 for name in "qk"} | {"scale": 1.0}
    a = AttentionMap(factors(case | {"sinks": rng.normal(size=3)}, library)).heads(how)
    close(a.rest, 1 - np.asarray(a).sum(-1), atol=1e-6)
    assert np.asarray(a.rest).min() < 0 if how == "max" else np.asarray(a.rest).min() >= 0
    close(a.dense().rest, a.rest, atol=1e-6)


def test_heads_merged_see_what_any_head_sees(library, factors):
    rng = np.random.default_rng(0)
    case = {name: rng.normal(size=(1, 2, 4, 6)).astype(np.float32) for name in "qk"} | {"scale": 1.0}
    mask = np.ones((1, 2, 4, 4), bool)
    mask[:, 0, :, 2:] = mask[:, 0, 0] = mask[:, 1, :, 3] = False
    a = AttentionMap(factors(case | {"mask": mask}, library)).heads()
    seen = mask.any(1, keepdims=True)
    close(a.received(how="mean")[..., :3], (np.asarray(a).sum(-2) / seen.sum(-2).clip(1))[..., :3], atol=1e-6)
    close(a.received(how="mean")[..., 3], 0)
    close(a.received(how="count"), seen.sum(-2))
    close(a[0, 0].received(how="count"), seen[0, 0].sum(-2))
    close(a[:, :, 1:, 1].received(how="count"), seen[:, :, 1:, 1].sum(-1))
    assert not np.asarray(a.masked_rows).any()


@pytest.mark.parametrize("how", ["mean", "max", "min"])
def test_heads_in_which_a_query_is_padding_are_not_merged_for_it(how, library, factors):
    rng = np.random.default_rng(0)
    case = {name: rng.normal(size=(1, 2, 4, 6)).astype(np.float32) for name in "qk"} | {"scale": 1.0}
    valid = np.array([[[False, True, True, False], [True, True, False, False]]])
    whole = AttentionMap(factors(case | {"query_valid": valid}, library))
    a, dense = whole.heads(how), np.asarray(whole)
    both = getattr(dense[0], how)(0)
    expected = np.stack([dense[0, 1, 0], both[1], dense[0, 0, 2], both[3]])
    close(np.asarray(a)[0, 0], expected, atol=1e-6)
    close(np.asarray(a @ np.arange(4.0))[0, 0], expected @ np.arange(4.0), atol=1e-5)
    close(np.asarray(a.T @ np.arange(4.0))[0, 0], np.arange(4.0) @ expected, atol=1e-5)
    close(np.asarray(a.received())[0, 0], expected[:3].sum(0), atol=1e-5)
    assert repr(a).endswith("1 padded queries left out>")


def test_heads_that_are_not_there_are_not_merged(calls):
    a, _ = calls
    with pytest.raises(ShapeError, match="which has no head axis"):
        a[0, 1].heads()
    with pytest.raises(ShapeError, match="which has no head axis"):
        AttentionMap(Dense(np.eye(3))).heads()
    with pytest.raises(OptionError, match='"mean", "max" or "min"'):
        a.heads("sum")


def test_products_with_arrays_and_maps(calls, library):
    a, dense = calls
    g = np.random.default_rng(0).normal(size=dense.shape).astype(np.float32)
    for product in (a * g, g * a):
        close(np.asarray(product), dense * g, atol=1e-6)
        close(product @ np.ones(10), (dense * g).sum(-1), atol=1e-5)
        close(product.received(), (dense * g).sum(-2), atol=1e-5)
    close(np.asarray(a * g[0, :1]), dense * g[0, :1], atol=1e-6)
    close(np.asarray(a[1, :, 3:] * g[1, :, 3:]), dense[1, :, 3:] * g[1, :, 3:], atol=1e-6)
    close(np.asarray(a[0, 1] * a[1, 3]), dense[0, 1] * dense[1, 3], atol=1e-6)
    close(np.asarray(a[0] * AttentionMap(Dense(a.array()[1]))), dense[0] * dense[1], atol=1e-6)
    close((a * a).pool(3, 2), (AttentionMap(Dense(dense**2))).pool(3, 2), atol=1e-6)
    positive, w = (dense * g).clip(0), np.random.default_rng(1).normal(size=(10, 70))
    close(np.asarray((a * g).clip(0)), positive, atol=1e-6)
    close((a[1, :, 3:] * g[1, :, 3:]).clip(0.1)[2, 1].array(), (dense * g)[1, 2, 4].clip(0.1), atol=1e-6)
    close((a * g).clip(0).heads()[:, 0] @ w, positive.mean(1) @ w, atol=1e-5)
    close((a * g).clip(0).heads().T @ np.arange(12.0), np.arange(12.0) @ positive.mean(1)[:, None], atol=1e-5)
    with pytest.raises(ShapeError, match="a.clip was asked for of some columns of a map"):
        a[..., :4].clip(0)
    with pytest.raises(ShapeError, match="does not fit a map of shape"):
        a * g[..., :4]
    with pytest.raises(ShapeError, match="does not fit a map of shape"):
        a * a[:, :2]


def test_from_the_left(calls):
    a, dense = calls
    u = np.random.default_rng(0).normal(size=(3, 12))
    close(u[0] @ a, u[0] @ dense, atol=1e-5)
    close(u @ a, u @ dense, atol=1e-5)


def test_the_dense_form_reads_the_same(library, factors):
    rng = np.random.default_rng(0)
    case = {"q": rng.normal(size=(2, 3, 6, 4)), "k": rng.normal(size=(2, 3, 5, 4)), "scale": 1.0}
    case = {name: np.asarray(value, np.float32) for name, value in case.items()} | {"scale": 1.0}
    extra = {"sinks": rng.normal(size=3), "query_valid": np.arange(6) < np.array([[6], [4]])}
    a = AttentionMap(factors(case | extra, library))
    d = a.dense()
    assert (d.shape, d.dtype) == (a.shape, a.dtype)
    close(d.rest, a.rest, atol=1e-6)
    for read in ("entropy", "received", "expected_position", "argmax"):
        close(getattr(d, read)(), getattr(a, read)(), atol=1e-5)
    close(d.pool(2), a.pool(2), atol=1e-6)
    assert repr(d).endswith("2 padded queries left out>")
    with pytest.raises(VisualizerError, match="recorded without them"):
        d.logits.numpy()
    with pytest.raises(VisualizerError, match="only factors have one"):
        d.logsumexp()


@settings(max_examples=60)
@given(data=st.data())
def test_the_dense_form_knows_what_could_be_seen(data, library, draw_case, factors):
    case = draw_case(data, "mask", "band", "segments", "bias")
    *leading, rows, _ = case["q"].shape
    shapes = ((rows,), (*leading[:-1], rows), (*leading, rows))
    valid = np.random.default_rng(0).random(data.draw(st.sampled_from(shapes))) < 0.7
    a = AttentionMap(factors(case | {"query_valid": valid}, library))
    a = a[..., data.draw(st.sampled_from([slice(None), slice(None, None, -1), [0, 0]])), :]
    d = a.dense()
    np.testing.assert_array_equal(d.masked_rows, a.masked_rows)
    close(d.received(), a.received(), atol=1e-5)
    close(d.received(how="mean"), a.received(how="mean"), atol=1e-5)
    assert repr(a).partition("dense")[2] == repr(d).partition("dense")[2]


def test_what_does_not_fit_a_dense_map_is_said():
    with pytest.raises(ShapeError, match=r"query_valid of shape \(2,\)"):
        Dense(np.eye(3), query_valid=np.ones(2))
    with pytest.raises(ShapeError, match=r"allowed of shape \(3, 2\)"):
        Dense(np.eye(3), allowed=np.ones((3, 2)))


def test_logits_that_were_recorded_are_given():
    logits = np.random.default_rng(0).normal(size=(2, 4, 4))
    a = AttentionMap(Dense(np.exp(logits), logits=logits))
    close(a.logits[1].numpy(), logits[1])


def test_an_outer_product_is_applied_by_its_factors(library):
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(2, 4, 6, 3)), rng.normal(size=(2, 2, 5, 3))
    dense = left @ right.repeat(2, 1).swapaxes(-1, -2)
    pair = (torch.from_numpy(left), torch.from_numpy(right)) if library == "torch" else (left, right)
    gradient = AttentionMap(LowRank(*pair))
    close(np.asarray(gradient), dense)
    close(np.asarray(gradient[1, 2, 3:]), dense[1, 2, 3:])
    close(gradient @ np.arange(5.0), dense @ np.arange(5.0), atol=1e-12)
    close(gradient[:, 1].T @ np.arange(6.0), dense[:, 1].swapaxes(-1, -2) @ np.arange(6.0), atol=1e-12)
    with pytest.raises(ShapeError, match="have no product"):
        LowRank(pair[0], pair[1][..., :2])


def steps_of(q, k, band=None):
    """A prefill of 5 tokens and 4 steps of one, in which the oldest keys are evicted from 6 on."""
    whole, blocks = np.zeros((*q.shape[:2], 9, 9)), []
    for start, stop in [(0, 5), *((t, t + 1) for t in range(5, 9))]:
        keys = np.arange(max(0, stop - 6), stop)
        made = Factors(q[:, :, start:stop], k[:, :, keys], 1.0, band=Band(len(keys) - (stop - start)))
        a = AttentionMap(made)
        whole[:, :, start:stop, keys] = np.asarray(a)
        blocks.append((a, keys))
    return AttentionMap(Stitched(blocks)), whole


def test_steps_stitched_are_one_map(library):
    rng = np.random.default_rng(0)
    q, k = (rng.normal(size=shape).astype(np.float32) for shape in ((2, 4, 9, 8), (2, 2, 9, 8)))
    if library == "torch":
        q, k = torch.from_numpy(q), torch.from_numpy(k)
    a, dense = steps_of(q, k)
    assert a.shape == (2, 4, 9, 9)
    close(np.asarray(a), dense, atol=1e-6)
    close(np.asarray(a[1, 2, [8, 0, 6]]), dense[1, 2, [8, 0, 6]], atol=1e-6)
    w, u = rng.normal(size=(9, 3)), rng.normal(size=(9, 3))
    close(a @ w, dense @ w, atol=1e-5)
    close(a[:, :, 3:7] @ w, dense[:, :, 3:7] @ w, atol=1e-5)
    close(a.T @ u, dense.swapaxes(-1, -2) @ u, atol=1e-5)
    close(a.received(), dense.sum(-2), atol=1e-5)
    seen = dense > 0
    close(a.received(how="mean"), dense.sum(-2) / seen.sum(-2), atol=1e-5)
    close(a.received(how="count"), seen.sum(-2))
    close(np.isfinite(np.asarray(a.logits)), seen)
    close(
        a.logsumexp(), np.log(np.where(seen, np.exp(np.asarray(a.logits, np.float64)), 0).sum(-1)), atol=1e-5
    )
    close(a.pool(3, how="max"), dense.reshape(2, 4, 3, 3, 3, 3).max((3, 5)), atol=1e-6)
    assert not np.asarray(a.masked_rows).any()


def test_steps_keep_what_is_padded(library, factors):
    rng = np.random.default_rng(0)
    case = {name: rng.normal(size=(2, 3, 4, 8)).astype(np.float32) for name in "qk"} | {"scale": 1.0}
    valid = np.arange(4) >= np.array([[2], [0]])
    prefill = AttentionMap(factors(case | {"query_valid": valid}, library))
    step = AttentionMap(factors(case | {"q": case["q"][:, :, :1]}, library))
    a = AttentionMap(Stitched([(prefill, range(4)), (step, [0, 1, 2, 4])]))
    share = np.concatenate([valid, np.ones((2, 1))], -1)[:, None, :, None]
    close(a.received(), (np.asarray(a) * share).sum(-2), atol=1e-6)
    assert "2 padded queries" in repr(a)
    assert "2 padded queries" in repr(AttentionMap(Stitched([(a, range(5))])))


def test_positions_in_one_piece_take_no_memory():
    source, _ = steps_of(*np.zeros((2, 2, 4, 9, 8), np.float32))[0].opened()
    assert all(isinstance(positions, range) for *_, positions in source.steps)


def test_maps_that_do_not_fit_are_not_stitched(calls):
    a, _ = calls
    with pytest.raises(ShapeError, match="there are none"):
        Stitched([])
    with pytest.raises(ShapeError, match="of different batch or heads"):
        Stitched([(a, range(10)), (a[:1], range(10))])
    with pytest.raises(ShapeError, match="one position from 0 on for each key"):
        Stitched([(a, range(9))])
    with pytest.raises(ShapeError, match="the same position for two of its keys"):
        Stitched([(a, [0, 0, *range(2, 10)])])
    with pytest.raises(ShapeError, match="with all its axes is wanted"):
        Stitched([(a[0], range(10))])
    with pytest.raises(ShapeError, match="some columns of a map"):
        Stitched([(a[..., :4], range(4))])
