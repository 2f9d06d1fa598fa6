"""Maps have the model's values, whatever the call was made of."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from visualizer.attention import AttentionMap, Factors

LOWEST = float(np.finfo(np.float32).min)


@settings(max_examples=150)
@given(data=st.data())
def test_a_map_is_that_of_the_loop(data, library, draw_case, factors, loop):
    case = draw_case(data)
    weights, _ = loop(case)
    a = AttentionMap(factors(case, library))
    assert a.shape == weights.shape
    np.testing.assert_allclose(np.asarray(a), weights, atol=1e-6)


@settings(max_examples=60)
@given(data=st.data())
def test_logits_are_those_of_the_loop(data, library, draw_case, factors, loop):
    case = draw_case(data)
    _, logits = loop(case)
    np.testing.assert_allclose(
        np.asarray(AttentionMap(factors(case, library)).logits), logits, rtol=1e-5, atol=1e-4
    )


@settings(max_examples=60)
@given(data=st.data())
def test_rest_is_what_the_rows_lack(data, library, draw_case, factors, loop):
    case = draw_case(data, "sinks", "softmax_one", "mask", "band")
    rest = AttentionMap(factors(case, library)).rest
    np.testing.assert_allclose(np.asarray(rest), 1 - loop(case)[0].sum(-1), atol=1e-6)


@settings(max_examples=60)
@given(data=st.data())
def test_masked_rows_are_those_that_see_nothing(data, library, draw_case, factors, loop):
    case = draw_case(data, "mask", "band", "segments")
    _, logits = loop(case)
    hidden = np.broadcast_to(np.asarray(case.get("mask", True)), logits.shape)
    hidden = hidden < -1e30 if hidden.dtype != bool else ~hidden
    expected = ((logits == -np.inf) | hidden).all(-1)
    np.testing.assert_array_equal(np.asarray(AttentionMap(factors(case, library)).masked_rows), expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_rows_are_exact_for_the_factors_as_they_are(dtype, factors, loop):
    rng = np.random.default_rng(0)
    q, k = (torch.from_numpy(rng.normal(size=(1, 2, 5, 8)) * 3).to(dtype) for _ in range(2))
    case = {"q": q.double().numpy(), "k": k.double().numpy(), "scale": 0.5}
    a = AttentionMap(Factors(q, k, 0.5))
    assert a.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    tolerance = 1e-12 if dtype == torch.float64 else 1e-7
    np.testing.assert_allclose(a.numpy(), loop(case)[0], atol=tolerance)


def test_the_models_precision_works_in_its_dtype():
    q, k = torch.randn(2, 1, 2, 5, 8, dtype=torch.bfloat16, generator=torch.Generator().manual_seed(0))
    a = AttentionMap(Factors(q, k, 0.5), precision="model")
    expected = torch.softmax((q @ k.mT) * 0.5, -1)
    assert a.dtype == torch.bfloat16
    torch.testing.assert_close(a.tensor(), expected)


def test_logits_of_fifty_stay_within_the_goal(loop):
    rng = np.random.default_rng(3)
    q, k = (rng.normal(size=(1, 2, 20, 16)).astype(np.float32) for _ in range(2))
    scale = float(50 / abs(q @ k.swapaxes(-1, -2)).max())
    weights, _ = loop({"q": q, "k": k, "scale": scale})
    a = AttentionMap(Factors(torch.from_numpy(q), torch.from_numpy(k), scale))
    np.testing.assert_allclose(a.numpy(), weights, atol=1e-7)
    w = rng.random((20, 3)).astype(np.float32)
    np.testing.assert_allclose((a @ w).numpy(), weights @ w, atol=1e-5)
    np.testing.assert_allclose(a.received().numpy(), weights.sum(-2), rtol=1e-5)
    entropy = -(weights * np.log(weights)).sum(-1)
    np.testing.assert_allclose(a.entropy().numpy(), entropy, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8])
def test_integers_as_a_mask_are_added(dtype, library, factors, loop):
    rng = np.random.default_rng(0)
    case = {name: rng.normal(size=(1, 2, 5, 8)).astype(np.float32) for name in "qk"} | {"scale": 0.5}
    mask = np.tri(5, dtype=dtype) * 7
    a = AttentionMap(factors(case | {"mask": mask}, library))
    dense = loop(case | {"mask": mask.astype(np.float64)})[0]
    np.testing.assert_allclose(np.asarray(a), dense, atol=1e-6)
    np.testing.assert_allclose(np.asarray(a @ np.arange(5.0)), dense @ np.arange(5.0), atol=1e-5)
    np.testing.assert_allclose(np.asarray(a.received()), dense.sum(-2), atol=1e-5)
    assert not np.asarray(a.masked_rows).any()


HIDING = {
    "a mask of float64 with float32's minimum": ("mask", np.float64, LOWEST),
    "a bias of minus infinity": ("bias", np.float32, -np.inf),
    "a mask of -1e9": ("mask", np.float32, -1e9),
    "a bias of the minimum": ("bias", np.float32, LOWEST),
    "a bias of float16's minimum": ("bias", np.float16, float(np.finfo(np.float16).min)),
}


@pytest.mark.parametrize("how", HIDING)
def test_rows_are_masked_by_whatever_is_added(how, library, factors):
    name, dtype, lowest = HIDING[how]
    case = {name: np.ones((1, 3, 2), np.float32) for name in "qk"} | {"scale": 1.0}
    hidden = np.zeros((3, 3), dtype)
    hidden[1] = hidden[:, 2] = lowest
    a = AttentionMap(factors(case | {name: hidden}, library))
    assert np.asarray(a.masked_rows).tolist() == [[False, True, False]]
    expected = np.asarray(a)[:, [0, 2]].sum(-2) / 2 + np.asarray(a)[:, 1] / 2 * [1, 1, 0]
    np.testing.assert_allclose(np.asarray(a.received(how="mean")), expected, atol=1e-6)


def test_rows_are_masked_by_a_score_function():
    q = torch.zeros(1, 3, 2)
    a = AttentionMap(
        Factors(q, q, 1.0, score_mod=lambda score, b, h, i, j: torch.where(i == 1, -torch.inf, score))
    )
    assert a.masked_rows.tolist() == [[False, True, False]]


def test_rows_without_keys_are_masked(library, factors):
    case = {"q": np.zeros((1, 3, 2), np.float32), "k": np.zeros((1, 0, 2), np.float32), "scale": 1.0}
    assert np.asarray(AttentionMap(factors(case, library)).masked_rows).all()


@pytest.mark.parametrize("lowest", [-np.inf, LOWEST, -1e9])
def test_a_row_that_is_masked_as_a_whole_is_zeros_or_uniform(lowest, library, factors):
    rng = np.random.default_rng(0)
    mask = np.zeros((3, 4), np.float32)
    mask[1] = lowest
    case = {
        "q": rng.normal(size=(1, 3, 2)).astype(np.float32),
        "k": rng.normal(size=(1, 4, 2)).astype(np.float32),
        "scale": 1.0,
        "mask": mask,
    }
    a = AttentionMap(factors(case, library))
    np.testing.assert_allclose(np.asarray(a)[0, 1], 0 if lowest == -np.inf else 0.25)
    assert np.asarray(a.masked_rows).tolist() == [[False, True, False]]
