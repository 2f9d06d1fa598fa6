"""Fused attention: the maps of models that never form them, next to the formula, the model left as it was."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import visualizer


class Attention(nn.Module):
    """Self-attention of four heads through torch's fused entry."""

    def __init__(self, **options):
        super().__init__()
        self.qkv = nn.Linear(32, 96)
        self.options = options

    def forward(self, x):
        self.q, self.k, v = self.qkv(x).unflatten(-1, (3, 4, 8)).transpose(1, 3).unbind(2)
        return functional.scaled_dot_product_attention(self.q, self.k, v, **self.options)


def expected(layer, mask=None):
    logits = layer.q.double() @ layer.k.double().transpose(-1, -2) / 8**0.5
    if mask is not None:
        logits = logits.masked_fill(~mask, -torch.inf)
    return logits.softmax(-1).detach().numpy()


@pytest.fixture
def x():
    return torch.randn(2, 9, 32, generator=torch.Generator().manual_seed(0)) * 3


def test_the_map_is_the_softmax_of_the_scaled_products(x):
    layer = Attention()
    with visualizer.capture(layer) as run:
        layer(x)
    assert np.abs(run[""].numpy() - expected(layer)).max() < 1e-6


def test_a_causal_call_keeps_no_mask_and_sees_no_future(x):
    layer = Attention(is_causal=True)
    with visualizer.capture(layer) as run:
        layer(x)
    past = torch.ones(9, 9, dtype=torch.bool).tril()
    assert np.abs(run[""].numpy() - expected(layer, past)).max() < 1e-6


@pytest.mark.parametrize("mode", [torch.no_grad, torch.enable_grad, torch.inference_mode])
def test_the_output_is_bit_for_bit_the_models_own(x, mode):
    layer = Attention()
    with mode():
        before = layer(x)
        with visualizer.capture(layer) as run:
            during = layer(x)
    assert torch.equal(before, during)
    assert len(run) == 1


def test_the_gradients_are_bit_for_bit_the_models_own(x):
    layer = Attention()
    layer(x).square().sum().backward()
    before = layer.qkv.weight.grad.clone()
    layer.zero_grad()
    with visualizer.capture(layer):
        layer(x).square().sum().backward()
    assert torch.equal(before, layer.qkv.weight.grad)


def test_each_call_is_checked_against_its_own_output(x):
    layer = Attention()
    with visualizer.capture(layer) as run:
        layer(x)
    assert "checked 1/1 calls" in repr(run)
    assert 0 <= run.checks.largest < 1e-6


def test_nothing_is_followed_after_the_block(x):
    layer = Attention()
    with visualizer.capture(layer) as run:
        layer(x)
    layer(x)
    assert len(run) == 1


class Padded(Attention):
    """Two texts, the first one padded by three tokens."""

    def forward(self, x):
        mask = torch.ones(2, 1, 1, 9, dtype=torch.bool)
        mask[0, ..., 6:] = False
        self.options = {"attn_mask": mask}
        return super().forward(x)


def test_padded_queries_are_left_out_and_counted(x):
    layer = Padded()
    with visualizer.capture(layer) as run:
        layer(x)
    a = run[""]
    assert "3 padded queries left out" in repr(a)
    sums = a.received().sum(-1)
    assert torch.allclose(sums[0], torch.full((4,), 6.0), atol=1e-5)
    assert torch.allclose(sums[1], torch.full((4,), 9.0), atol=1e-5)
