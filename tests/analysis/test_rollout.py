"""Attention rollout is the product that the paper writes, and what the published rule for images gives."""

import numpy as np
import pytest
import torch
from tests.analysis.test_relevance import few_rows_at_a_time

from visualizer import analysis
from visualizer.analysis import parts
from visualizer.attention import AttentionMap, Band, Dense, Factors
from visualizer.errors import OptionError, ShapeError

close = np.testing.assert_allclose


@pytest.fixture
def layers():
    rng = np.random.default_rng(1)
    q, k = (torch.from_numpy(rng.normal(size=(4, 2, 3, 10, 8)).astype(np.float32)) * 1.5 for _ in range(2))
    return [AttentionMap(Factors(a, b, scale=0.35)) for a, b in zip(q, k, strict=True)]


def published(layers, residual, fusion):
    """Equation 1, written out with whole maps."""
    out = np.eye(10)
    for a in layers:
        fused = getattr(a.numpy().astype(np.float64), fusion)(1)
        a_hat = residual * np.eye(10) + (1 - residual) * fused
        out = a_hat / a_hat.sum(-1, keepdims=True) @ out
    return out


def of_images(maps, fusion, discard):
    """The rule of vit-explain for one image, but for its last division, which is of columns there."""
    out = np.eye(maps[0].shape[-1])
    for heads in maps:
        flat = getattr(heads, fusion)(0).reshape(-1).copy()
        lowest = np.argsort(flat)[: int(flat.size * discard)]
        flat[lowest[lowest != 0]] = 0
        a = (flat.reshape(out.shape) + np.eye(len(out))) / 2
        out = a / a.sum(-1, keepdims=True) @ out
    return out


@pytest.mark.parametrize("fusion", ["mean", "max", "min"])
@pytest.mark.parametrize("residual", [0.5, 0.0, 0.2])
def test_rollout(layers, fusion, residual):
    expected = published(layers, residual, fusion)
    found = analysis.rollout(layers, fusion=fusion, residual=residual)
    close(found, expected, atol=1e-6)
    close(found.sum(-1), np.ones((2, 10)), atol=1e-6)
    close(analysis.rollout(layers, 3, fusion=fusion, residual=residual), expected[:, 3], atol=1e-6)
    close(
        analysis.rollout(layers, [0, -1], fusion=fusion, residual=residual), expected[:, [0, -1]], atol=1e-6
    )


def test_rollout_of_rows_that_sinks_left_less_of():
    rng = np.random.default_rng(0)
    q, k = rng.normal(size=(2, 1, 2, 10, 4)).astype(np.float32)
    a = AttentionMap(Factors(q, k, scale=0.5, sinks=np.ones(2), band=Band()))
    close(analysis.rollout([a, a]), published([a, a], 0.5, "mean"), atol=1e-6)


@pytest.mark.parametrize("fusion", ["mean", "max", "min"])
@pytest.mark.parametrize("discard", [0.1, 0.5, 0.9])
def test_discarding_as_published(layers, fusion, discard, monkeypatch):
    expected = [of_images([a.numpy()[b] for a in layers], fusion, discard) for b in range(2)]
    close(analysis.rollout(layers, fusion=fusion, discard=discard), expected, atol=1e-6)
    few_rows_at_a_time(monkeypatch)
    close(analysis.rollout(layers, fusion=fusion, discard=discard), expected, atol=1e-6)


@pytest.mark.parametrize("fusion", ["mean", "max"])
@pytest.mark.parametrize("discard", [0.0, 0.5])
def test_rows_that_are_masked_as_a_whole_stay_zeros(fusion, discard):
    q, mask = torch.randn(1, 2, 4, 8), torch.ones(1, 1, 4, 4, dtype=torch.bool)
    mask[..., 2, :] = False
    a = AttentionMap(Factors(q, q, scale=0.35, mask=mask))
    found = analysis.rollout([a, a], residual=0.0, fusion=fusion, discard=discard)[0]
    assert found[2].tolist() == [0] * 4
    assert (found[[0, 1, 3]].sum(-1) > 0).all()
    assert analysis.rollout([a, a], 2)[0].tolist() == [0, 0, 1, 0]  # the residual connection alone


def test_a_zero_below_zero_is_a_smallest_weight():
    weights = np.array([[[[0.9, -0.0], [0.3, 0.7]]]], np.float32)
    assert parts.smallest(AttentionMap(Dense(weights)), 0.25).tolist() == [np.float32(0.3)]


@pytest.mark.parametrize("share", [0.0, 0.25, 0.999, 1.0])
def test_the_smallest_share_of_all_cells(share):
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.full(50, 0.01), size=(3, 1, 50)).astype(np.float32)
    found = parts.smallest(AttentionMap(Dense(weights)), share)
    ordered = np.sort(weights.reshape(3, -1))
    assert found.tolist() == ordered[:, min(int(2500 * share), 2499)].tolist()


def test_one_token_forms_no_map():
    q = torch.randn(1, 2, 3000, 16)
    a = AttentionMap(Factors(q, q, scale=0.25), budget="1MB")
    assert analysis.rollout([a, a, a], 0).shape == (1, 3000)


@pytest.mark.parametrize(
    ("layers", "options", "error", "words"),
    [
        ([np.ones((1, 1, 2, 3))], {}, ShapeError, r"\(1, 1, 2, 3\)"),
        ([np.ones((1, 1, 2, 2)), np.ones((1, 1, 3, 3))], {}, ShapeError, "of one size"),
        ([], {}, ShapeError, "no map"),
        ([np.ones((1, 1, 2, 2))], {"discard": 90}, OptionError, "a share"),
        ([np.ones((1, 1, 2, 2))], {"fusion": "sum"}, OptionError, "sum"),
        ([np.ones((1, 1, 2, 2))], {"queries": 2}, OptionError, "queries=2 was asked for of 2 tokens"),
    ],
)
def test_what_cannot_be_rolled_out(layers, options, error, words):
    with pytest.raises(error, match=words):
        analysis.rollout(layers, **options)


@pytest.mark.parametrize("fusion", ["mean", "max"])
def test_what_is_no_number_counts_as_the_largest_whatever_its_sign(fusion):
    maps = np.full((2, 1, 2, 4, 4), 0.25, np.float32)
    maps[0, 0, :, 0], maps[1, 0, :, 0] = np.nan, np.copysign(np.nan, -1)
    one, other = (analysis.rollout([a], 2, fusion=fusion, discard=0.5) for a in maps)
    np.testing.assert_array_equal(one, other)
