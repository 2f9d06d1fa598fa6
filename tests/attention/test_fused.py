"""Fused ways give what the blocks give, and are taken where they are meant to be."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from visualizer.attention import AttentionMap, Band, Factors
from visualizer.attention.fused import FusedSource
from visualizer.attention.softmax import FactorSource

close = np.testing.assert_allclose
KERNEL = "_scaled_dot_product_flash_attention_for_cpu"


class Calls(TorchDispatchMode):
    """Notes the names of operators that are called."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.names = [*getattr(self, "names", []), function.__name__]
        return function(*args, **(kwargs or {}))


def both(factors):
    """The same factors, read by the kernel and by blocks."""
    fused = AttentionMap(factors)
    assert isinstance(fused.opened()[0], FusedSource)
    return fused, AttentionMap(FactorSource(factors))


def call(rows, keys, spread=1.0, seed=0, **more):
    generator = torch.Generator().manual_seed(seed)
    q = torch.randn(2, 4, rows, 16, generator=generator) * spread
    return Factors(q, torch.randn(2, 2, keys, 16, generator=generator), 0.25, **more)


def same(one, other, name, *arguments, rtol=2e-5, atol=1e-5, **options):
    close(getattr(one, name)(*arguments, **options), getattr(other, name)(*arguments, **options), rtol, atol)


BANDS = [None, Band(), Band(30), Band(-7), Band(0, 20, 0), Band(5, 3, 9), Band(0, 0, None), Band(30, 0, None)]
MASKS = {
    "none": None,
    "some keys": torch.arange(100) % 7 > 1,
    "of each item": (torch.arange(100) > torch.tensor([[3], [40]]))[:, None, None],
    "rows that see nothing": (torch.arange(70)[:, None] % 5 > 0).expand(70, 100),
    "added": torch.where(torch.arange(100) % 3 > 0, 0.0, -1e4),
    "lowest": torch.where((torch.arange(70)[:, None] + torch.arange(100)) % 3 > 0, 0.0, torch.finfo().min),
    "a row of the lowest": torch.where(
        torch.arange(70)[:, None] == 4, torch.finfo().min, torch.zeros(70, 100)
    ),
}


@pytest.mark.parametrize("band", BANDS, ids=str)
@pytest.mark.parametrize("mask", MASKS)
def test_under_bands_and_masks(band, mask):
    fused, blocks = both(call(70, 100, band=band, mask=MASKS[mask]))
    rng = np.random.default_rng(0)
    w, u = (rng.normal(size=(length, 5)).astype(np.float32) for length in (100, 70))
    close(fused @ w, blocks @ w, atol=1e-5)
    close(fused.T @ u, blocks.T @ u, atol=2e-5)
    for name in ("entropy", "received", "expected_position"):
        same(fused, blocks, name)
    same(fused, blocks, "logsumexp")
    same(fused, blocks, "pool", 7)
    same(fused, blocks, "pool", 33, 50)


@pytest.mark.parametrize(
    "more",
    [
        {"sinks": torch.tensor([0.0, 3.0, -2.0, 9.0])},
        {"softmax_one": True},
        {"slopes": torch.tensor([0.5, 0.25, 0.1, 0.01])},
        {"bias": torch.randn(4, 100, 100, generator=torch.Generator().manual_seed(1))},
        {"scale": torch.tensor([0.1, 0.2, 0.3, 0.4]).reshape(4, 1, 1)},
        {"segments": (torch.arange(100) // 30, torch.arange(100) // 30)},
        {
            "segments": (torch.arange(100) // 30, torch.arange(100) // 40),
            "slopes": torch.ones(4),
            "band": Band(),
        },
        {"mask_mod": lambda b, h, i, j: (i + j + b + h) % 3 > 0},
    ],
    ids=[
        "sinks",
        "softmax one",
        "slopes",
        "bias",
        "scales",
        "segments",
        "segments, slopes, band",
        "flex mask",
    ],
)
def test_under_everything_else(more):
    made = call(100, 100)
    fused, blocks = both(Factors(made.q, made.k, **({"scale": 0.25} | more)))
    w = torch.randn(100, 4, generator=torch.Generator().manual_seed(2))
    close(fused @ w, blocks @ w, atol=1e-5)
    close(fused.T @ w, blocks.T @ w, atol=2e-5)
    for name in ("entropy", "received", "logsumexp"):
        same(fused, blocks, name)
    same(fused[:, 1:3, 20:70], blocks[:, 1:3, 20:70], "received")
    same(fused[1, 2, [5, 3, 90]], blocks[1, 2, [5, 3, 90]], "entropy")


@pytest.mark.parametrize("name", ["mask", "bias"])
@pytest.mark.parametrize("shape", [(3, 4, 5, 6), (3, 1, 1, 6), (2, 1, 1, 5, 1), (1, 4, 1, 6), (6,)])
def test_masks_and_biases_of_fewer_axes_than_the_map(name, shape):
    generator = torch.Generator().manual_seed(0)
    q, k = (torch.randn(2, 3, 4, rows, 8, generator=generator) for rows in (5, 6))
    fused, blocks = both(Factors(q, k, 0.3, **{name: torch.randn(shape, generator=generator)}))
    w, u = torch.randn(6, 2, generator=generator), torch.randn(5, 2, generator=generator)
    close(fused @ w, blocks @ w, atol=1e-5)
    close(fused.T @ u, blocks.T @ u, atol=1e-5)
    same(fused, blocks, "entropy")


@settings(max_examples=20)
@given(spread=st.sampled_from([1.0, 8.0, 30.0, 200.0]), seed=st.integers(0, 9), causal=st.booleans())
def test_logits_of_any_size(spread, seed, causal):
    fused, blocks = both(call(20, 30, spread, seed, band=Band() if causal else None))
    error = 1e-5 * max(1.0, spread / 10)  # that of a float32 logit grows with it
    u = np.random.default_rng(seed).normal(size=(20, 3))
    same(fused, blocks, "entropy", atol=error)
    same(fused, blocks, "received", rtol=2 * error, atol=error)
    close(fused.T @ u, blocks.T @ u, rtol=2 * error, atol=5 * error)


def cancelling(how):
    """Products of about 3,000, and logits below 30: by a bias, or within the products."""
    q, k = torch.randn(2, 1, 2, 50, 16, generator=torch.Generator().manual_seed(0))
    if how == "by a bias":
        q[..., 0], k[..., 0] = 300.0, 10.0
        return Factors(q, k, 1.0, bias=torch.full((1,), -3000.0))
    q[:, :, ::3, :2], k[..., 0], k[..., 1] = 100.0, 30.0, -30.0
    q[:, :, 1::3, :2] = q[:, :, 2::3, :2] = 0
    return Factors(q, k, 1.0, sinks=torch.zeros(2) if how == "in some rows, with sinks" else None)


@pytest.mark.parametrize("how", ["by a bias", "in some rows", "in some rows, with sinks"])
def test_large_products_that_cancel(how):
    factors = cancelling(how)
    a, exact = AttentionMap(factors), AttentionMap(FactorSource(factors))
    assert float(abs(exact.logits.tensor()).max()) < 30
    w, u = torch.randn(2, 50, 40, generator=torch.Generator().manual_seed(1)).double()
    for columns in (3, 40):
        close(a @ w[:, :columns], exact @ w[:, :columns], atol=1e-5)
        close(a[..., 5:30, :] @ w[:, :columns], exact[..., 5:30, :] @ w[:, :columns], atol=1e-5)
        close(a.T @ u[:, :columns], exact.T @ u[:, :columns], atol=2e-5)
    for read in ("entropy", "logsumexp", "received", "expected_position"):
        same(a, exact, read, rtol=1e-5, atol=1e-5)
    for pooled in ({"h": 5}, {"h": 5, "w": 30}, {"h": 5, "how": "max"}):
        same(a, exact, "pool", atol=1e-5, **pooled)
    close(a.rest, exact.rest, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_dtypes(dtype):
    made = call(50, 60)
    fused, blocks = both(Factors(made.q.to(dtype), made.k.to(dtype), 0.25, band=Band()))
    error = 1e-12 if dtype == torch.float64 else 1e-5
    same(fused, blocks, "entropy", atol=error)
    same(fused, blocks, "received", rtol=error, atol=error)
    close(fused @ torch.ones(60, 2), blocks @ torch.ones(60, 2), atol=error)


def test_the_models_precision_runs_the_kernel_in_its_dtype():
    made = call(50, 60)
    halves = Factors(made.q.bfloat16(), made.k.bfloat16(), 0.25)
    a = AttentionMap(halves, precision="model")
    assert a.entropy().dtype == torch.bfloat16
    exact = AttentionMap(halves)
    close(a.pool(5).float(), exact.pool(5), atol=0.01)
    close(a.received().float(), exact.received(), rtol=0.05)


ONE_PASS = {
    "apply": lambda a: a @ np.ones((60, 16)),
    "entropy": lambda a: a.entropy(),
    "pool": lambda a: a.pool(8),
}


@pytest.mark.parametrize("read", ONE_PASS)
def test_one_pass_of_the_kernel_is_enough(read):
    a = AttentionMap(call(50, 60, band=Band()))
    with Calls() as calls:
        ONE_PASS[read](a)
    assert calls.names.count(f"{KERNEL}.default") == 1
    assert "exp.default" not in calls.names


def test_what_keys_receive_is_two_passes_and_one_more_later():
    a = AttentionMap(call(60, 60, band=Band()))
    for expected in (2, 1):  # the log-sum-exp is kept
        with Calls() as calls:
            a.received()
        assert calls.names.count(f"{KERNEL}.default") == expected


def test_layouts_that_the_kernel_would_misread():
    made = call(60, 60)
    turned = Factors(made.q.mT.contiguous().mT, made.k.mT.contiguous().mT, 0.25)
    w = torch.randn(16, 60).mT
    close(AttentionMap(turned) @ w, AttentionMap(made) @ w, atol=1e-6)
    close(AttentionMap(turned).entropy(), AttentionMap(made).entropy(), atol=1e-6)
