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


@pytest.mark.parametrize("keep", ["factors", "dense"])
def test_padded_queries_are_left_out_and_counted(x, keep):
    layer = Padded()
    with visualizer.capture(layer, keep=keep) as run:
        layer(x)
    a = run[""]
    assert "3 padded queries left out" in repr(a)
    sums = a.received().sum(-1)
    assert torch.allclose(sums[0], torch.full((4,), 6.0), atol=1e-5)
    assert torch.allclose(sums[1], torch.full((4,), 9.0), atol=1e-5)


class Crossed(nn.Module):
    """As many queries as keys, whose padding is that of the keys alone."""

    def __init__(self):
        super().__init__()
        self.q, self.kv = nn.Linear(32, 32), nn.Linear(32, 64)

    def forward(self, hidden_states, encoder_hidden_states=None):
        other = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        q, k, v = torch.cat([self.q(hidden_states), self.kv(other)], -1).unflatten(-1, (3, 4, 8)).unbind(-3)
        mask = torch.ones(2, 1, 1, 9, dtype=torch.bool)
        mask[0, ..., 6:] = False
        return functional.scaled_dot_product_attention(
            *(one.transpose(1, 2) for one in (q, k, v)), attn_mask=mask
        )


def test_padding_of_the_other_sequence_is_no_padding_of_queries(x):
    layer = Crossed()
    with visualizer.capture(layer) as run:
        layer(x, torch.randn(2, 9, 32))
        layer(x)
        layer(x, x)
    crossed, own, same = (call.map for call in run)
    assert "padded" not in repr(crossed)
    assert torch.allclose(crossed.received().sum(-1), torch.full((2, 4), 9.0), atol=1e-5)
    assert "3 padded queries left out" in repr(own)
    assert "3 padded queries left out" in repr(same)


@pytest.mark.parametrize("other", ["another", "the same"])
def test_padding_of_multihead_attention_is_that_of_its_keys(x, other):
    layer = nn.MultiheadAttention(32, 4, batch_first=True)
    key = torch.randn(2, 9, 32) if other == "another" else x
    mask = torch.zeros(2, 9, dtype=torch.bool)
    mask[0, 6:] = True
    with visualizer.capture(layer) as run:
        layer(x, key, key, key_padding_mask=mask, need_weights=False)
    assert ("3 padded queries left out" in repr(run[""])) == (other == "the same")


def test_padding_within_a_bias_of_each_head_is_counted():
    """As T5 adds it: one mask for position and padding."""
    q, k, v = torch.randn(3, 2, 4, 9, 8, generator=torch.Generator().manual_seed(2)).unbind(0)
    bias = torch.randn(1, 4, 9, 9).repeat(2, 1, 1, 1)
    bias[0, :, :, 6:] = torch.finfo(torch.float32).min

    class Biased(nn.Module):
        def forward(self):
            return functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)

    layer = Biased()
    with visualizer.capture(layer) as run:
        layer()
    assert "3 padded queries left out" in repr(run[""])
