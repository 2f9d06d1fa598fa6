"""Each read-out is the arithmetic that its name says, done on the loop's map."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from visualizer.attention import AttentionMap, Dense
from visualizer.errors import OptionError, ShapeError

close = np.testing.assert_allclose


@pytest.fixture(scope="session")
def drawn(library, draw_case, factors, loop):
    """Draw a call; return its map, lazy and dense."""

    def drawn(data):
        case = draw_case(data)
        return AttentionMap(factors(case, library)), loop(case)[0]

    return drawn


def plogp(dense):
    return -(dense * np.log(np.where(dense > 0, dense, 1))).sum(-1)


@settings(max_examples=60)
@given(data=st.data(), columns=st.integers(1, 12))
def test_as_an_operator(data, columns, drawn):
    a, dense = drawn(data)
    rng = np.random.default_rng(columns)
    w, u = rng.normal(size=(dense.shape[-1], columns)), rng.normal(size=(dense.shape[-2], columns))
    close(a @ w, dense @ w, atol=2e-5)
    close(a @ w[:, 0], dense @ w[:, 0], atol=2e-5)
    close(a.T @ u, dense.swapaxes(-1, -2) @ u, atol=2e-5)
    close(a.T @ u[:, 0], dense.swapaxes(-1, -2) @ u[:, 0], atol=2e-5)


@settings(max_examples=40)
@given(data=st.data())
def test_as_an_operator_with_an_operand_for_each_head(data, drawn):
    a, dense = drawn(data)
    rng = np.random.default_rng(0)
    w = rng.normal(size=(*dense.shape[:-2], dense.shape[-1], 3))
    u = rng.normal(size=(*dense.shape[:-2], dense.shape[-2], 3))
    close(a @ w, dense @ w, atol=2e-5)
    close(a.T @ u, dense.swapaxes(-1, -2) @ u, atol=2e-5)


@settings(max_examples=80)
@given(data=st.data())
def test_entropy_and_what_keys_receive(data, drawn):
    a, dense = drawn(data)
    close(a.entropy(), plogp(dense), atol=1e-5)
    close(a.entropy(bits=True), plogp(dense) / np.log(2), atol=2e-5)
    close(a.received(), dense.sum(-2), atol=1e-5)


@settings(max_examples=60)
@given(data=st.data())
def test_the_mean_received_is_over_the_queries_that_see_the_key(data, library, draw_case, factors, loop):
    case = draw_case(data, "mask", "band", "segments")
    dense, logits = loop(case)
    hidden = np.asarray(case.get("mask", True))
    seen = (logits > -np.inf) & (hidden if hidden.dtype == bool else hidden > -1e30)
    count = seen.sum(-2)
    expected = np.where(count > 0, dense.sum(-2) / np.maximum(count, 1), 0)
    close(AttentionMap(factors(case, library)).received(how="mean"), expected, atol=1e-5)


@settings(max_examples=60)
@given(data=st.data())
def test_rows_ordered(data, drawn):
    a, dense = drawn(data)
    k = data.draw(st.integers(1, dense.shape[-1]))
    values, keys = a.topk(k)
    close(values, -np.sort(-dense, -1)[..., :k], atol=1e-6)
    close(np.take_along_axis(dense, np.asarray(keys), -1), values, atol=1e-6)
    close(np.take_along_axis(dense, np.asarray(a.argmax())[..., None], -1)[..., 0], dense.max(-1), atol=1e-6)
    close(a.quantile(0.3), np.quantile(dense, 0.3, axis=-1), atol=1e-6)
    close(a.quantile([0, 0.5, 1]), np.moveaxis(np.quantile(dense, [0, 0.5, 1], axis=-1), 0, -1), atol=1e-6)


@settings(max_examples=60)
@given(data=st.data(), how=st.sampled_from(["mean", "max"]))
def test_pooled(data, how, drawn):
    a, dense = drawn(data)
    *_, rows, keys = dense.shape
    h, w = data.draw(st.integers(1, rows)), data.draw(st.integers(1, keys))
    pooled = np.asarray(a.pool(h, w, how=how))
    assert pooled.shape == (*dense.shape[:-2], h, w)
    for r in range(h):
        for c in range(w):
            cells = dense[..., r * rows // h : (r + 1) * rows // h, c * keys // w : (c + 1) * keys // w]
            close(pooled[..., r, c], getattr(cells, how)((-1, -2)), atol=1e-5)


@settings(max_examples=40)
@given(data=st.data())
def test_the_mean_position_is_that_of_the_mass_on_keys(data, drawn):
    a, dense = drawn(data)
    sums = dense.sum(-1)
    expected = np.where(
        sums > 0, (dense * np.arange(dense.shape[-1])).sum(-1) / np.where(sums > 0, sums, 1), np.nan
    )
    close(a.expected_position(), expected, atol=1e-4)


def test_mass_on_groups(calls):
    a, dense = calls
    named = {"first": 0, "some": [1, 4], "end": slice(5, None), "mask": np.arange(10) % 2 == 0}
    parts = [dense[..., :1], dense[..., [1, 4]], dense[..., 5:], dense[..., ::2]]
    close(a.mass(named), np.stack([part.sum(-1) for part in parts], -1), atol=1e-6)
    close(a.mass(list(named.values())), a.mass(named))


def test_more_columns_than_the_factors_are_wide(calls):
    a, dense = calls
    w, u = np.random.default_rng(0).normal(size=(10, 30)), np.random.default_rng(1).normal(size=(12, 30))
    close(a @ w, dense @ w, atol=1e-5)
    close(a.T @ u, dense.swapaxes(-1, -2) @ u, atol=1e-5)


def test_rows_by_number(calls):
    a, dense = calls
    close(a.row(-1), dense[:, :, -1], atol=1e-6)
    close(a.rows([3, 1]), dense[:, :, [3, 1]], atol=1e-6)
    close(a.rows(slice(2, 5)), dense[:, :, 2:5], atol=1e-6)
    for one in (3, np.int64(3), np.array(3), torch.tensor(3)):
        close(a.rows(one), dense[:, :, [3]], atol=1e-6)


def test_the_logarithm_of_denominators(calls):
    a, _ = calls
    logits = np.asarray(a.logits, dtype=np.float64)
    close(a.logsumexp(), np.log(np.exp(logits).sum(-1)), atol=1e-5)


def test_padded_queries_are_left_out_and_counted(library, factors):
    rng = np.random.default_rng(0)
    case = {name: rng.normal(size=(2, 3, 8, 4)).astype(np.float32) for name in "qk"} | {"scale": 1.0}
    valid = np.arange(8) >= np.array([[3], [0]])
    full = AttentionMap(factors(case, library))
    dense = np.asarray(full)
    for a in (
        AttentionMap(factors(case | {"query_valid": valid}, library)),
        AttentionMap(factors(case | {"query_valid": valid[:, None]}, library)),
        AttentionMap(Dense(full.tensor() if library == "torch" else full.numpy(), query_valid=valid)),
    ):
        assert "3 padded queries" in repr(a) or "9 padded queries" in repr(a)
        share = valid[:, None, :, None]
        close(a.received(), (dense * share).sum(-2), atol=1e-5)
        close(a.received(how="mean"), (dense * share).sum(-2) / share.sum(-2), atol=1e-6)
        close(a.pool(1, 2)[0, :, 0], dense[0, :, 3:].mean(-2).reshape(3, 2, 4).mean(-1), atol=1e-6)
        close(a.pool(1, 1, how="max")[0, :, 0, 0], dense[0, :, 3:].max((-1, -2)), atol=1e-6)
        assert np.isnan(np.asarray(a.pool(8, 1))[0, 0, :3]).all()


def test_the_padding_of_one_query_is_that_of_the_rows_picked_of_it(library, factors):
    case = {name: np.ones((1, 2, 1, 4), np.float32) for name in "qk"} | {"scale": 1.0}
    for valid in (True, False):
        a = AttentionMap(factors(case | {"query_valid": np.array([valid])}, library))
        close(a.received(), [[[valid]] * 2])
        close(a[:, :, [0, 0]].received(), [[[2 * valid]] * 2])
        close(a[:, :, [0, 0]].received(how="mean"), [[[valid]] * 2])


def test_a_mask_of_keys_alone_hides_them_from_all(library, factors):
    case = {name: np.ones((1, 2, 4, 3), np.float32) for name in "qk"} | {"scale": 1.0}
    for mask in (np.array([True, True, False, True]), np.array([0, 0, -np.inf, 0], np.float32)):
        a = AttentionMap(factors(case | {"mask": mask}, library))
        for found in (a, a[:, :, 1:], a.heads()):
            close(np.asarray(found.received(how="mean"))[0, 0], np.array([1, 1, 0, 1]) / 3, atol=1e-6)


@pytest.mark.parametrize("read", ["entropy", "argmax", "expected_position", "logsumexp"])
def test_rows_of_some_columns_are_not_read_out(read, calls):
    a, _ = calls
    with pytest.raises(ShapeError, match="some columns of a map"):
        getattr(a[..., 2:5], read)()


def test_what_cannot_be_read_out_is_said(calls):
    a, _ = calls
    with pytest.raises(OptionError, match="11 bins were asked for on the key axis, which has 10 places"):
        a.pool(3, 11)
    with pytest.raises(OptionError, match=r"topk\(11\)"):
        a.topk(11)
    with pytest.raises(OptionError, match="a number from 0 to 1"):
        a.quantile(1.5)
    with pytest.raises(OptionError, match='"sum", "mean" or "count"'):
        a.received(how="max")
    with pytest.raises(OptionError, match='"mean" or "max"'):
        a.pool(2, how="min")
    with pytest.raises(ShapeError, match="there are no groups"):
        a.mass({})
    with pytest.raises(ShapeError, match=r"wanted is \(\.\.\., 10, column\)"):
        a @ np.zeros((9, 2))
    with pytest.raises(ShapeError, match=r"wanted is \(\.\.\., 12, column\)"):
        a.T @ np.zeros((9, 2))
    with pytest.raises(ShapeError, match="no query axis"):
        a[0, 0, 0].row(1)
