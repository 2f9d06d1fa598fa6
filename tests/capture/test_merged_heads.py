"""Fused calls whose batch and heads are one axis: their maps have both, if the module says how many heads."""

import pytest
import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

import visualizer

BATCH, HEADS, LENGTH, WIDTH = 2, 3, 5, 4


class Merged(nn.Module):
    """Attention of the axes (batch · head, token, width), with a mask of as many rows."""

    def __init__(self, width=WIDTH):
        super().__init__()
        self.num_heads, self.head_dim = HEADS, width
        self.qkv = nn.Linear(HEADS * WIDTH, 3 * HEADS * WIDTH)
        self.bias = nn.Parameter(torch.randn(BATCH * HEADS, LENGTH, LENGTH))

    def parts(self, x):
        qkv = self.qkv(x).view(BATCH, LENGTH, 3, HEADS, WIDTH).permute(2, 0, 3, 1, 4)
        return qkv.unbind(0)

    def forward(self, x):
        q, k, v = (part.reshape(BATCH * HEADS, LENGTH, WIDTH) for part in self.parts(x))
        return scaled_dot_product_attention(q, k, v, attn_mask=self.bias)


@pytest.fixture
def layer():
    torch.manual_seed(0)
    return Merged()


@pytest.fixture
def x():
    return torch.randn(BATCH, LENGTH, HEADS * WIDTH)


def weights(layer, x):
    """By hand, with the heads on an axis of their own."""
    q, k, _ = layer.parts(x)
    bias = layer.bias.view(BATCH, HEADS, LENGTH, LENGTH)
    return (q @ k.mT / WIDTH**0.5 + bias).softmax(-1)


def test_the_heads_have_an_axis_of_their_own(layer, x):
    with visualizer.capture(layer, values=True) as run:
        layer(x)
    assert torch.allclose(run[0].map.tensor(), weights(layer, x), atol=1e-6)
    assert run.checks.compared == 1
    assert run.checks.largest < 1e-6
    (row,) = run.check(all=True)
    assert row["error"] < 1e-6


def test_gradients_are_those_of_each_head(layer, x):
    with visualizer.capture(layer, gradients=True) as run:
        loss = layer(x).square().sum()
    found = run.gradients(loss)[0].map.tensor()
    with torch.enable_grad():
        own = weights(layer, x).detach().requires_grad_()
        (expected,) = torch.autograd.grad((own @ layer.parts(x)[2]).square().sum(), own)
    assert torch.allclose(found, expected, atol=1e-5)


def test_heads_of_another_width_are_not_taken_apart(x):
    with visualizer.capture(layer := Merged(width=2 * WIDTH)) as run:
        layer(x)
    assert run[0].shape == (1, BATCH * HEADS, LENGTH, LENGTH)
