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


class Looping(nn.Module):
    """Attention that goes from head to head, with calls of the axes (batch, token, width)."""

    def __init__(self, attend):
        super().__init__()
        self.num_heads, self.head_dim, self.attend = HEADS, WIDTH, attend
        self.qkv = nn.Linear(HEADS * WIDTH, 3 * HEADS * WIDTH)

    def forward(self, x):
        q, k, v = self.qkv(x).unflatten(-1, (3, HEADS, WIDTH)).permute(2, 3, 0, 1, 4)  # (head, batch, …)
        return torch.cat([self.attend(*one) for one in zip(q, k, v, strict=True)], -1)


def eager(q, k, v):
    return (q @ k.mT / WIDTH**0.5).softmax(-1) @ v


@pytest.mark.parametrize("attend", [scaled_dot_product_attention, eager], ids=["fused", "eager"])
@pytest.mark.parametrize("length", [LENGTH, 3 * HEADS, 4])
def test_rows_of_the_batch_are_no_heads(attend, length):
    torch.manual_seed(0)
    layer, x = Looping(attend), torch.randn(2 * HEADS, length, HEADS * WIDTH)
    with visualizer.capture(layer) as run:
        layer(x)
    q, k, _ = layer.qkv(x).unflatten(-1, (3, HEADS, WIDTH)).permute(2, 3, 0, 1, 4)
    own = (q @ k.mT / WIDTH**0.5).softmax(-1)
    assert len(run) == HEADS
    for number, call in enumerate(run):
        assert call.shape == (2 * HEADS, 1, length, length)
        assert torch.allclose(call.map.tensor()[:, 0], own[number], atol=1e-6)
        assert call.error is None or float(call.error) < 1e-5


def test_what_cannot_be_told_is_left_as_it_is():
    class Packed(nn.Module):
        def __init__(self):
            super().__init__()
            self.num_heads, self.head_dim = HEADS, WIDTH

        def forward(self, x):  # (batch · token, width), where nothing says how many of them are a row
            q = x.view(-1, LENGTH, WIDTH)
            return scaled_dot_product_attention(q, q, q)

    with visualizer.capture(layer := Packed()) as run:
        layer(torch.randn(2 * HEADS * LENGTH, WIDTH))
    assert run[0].shape == (1, 2 * HEADS, LENGTH, LENGTH)


@pytest.mark.parametrize(("batch", "length"), [(1, HEADS), (1, 1), (2, 2 * HEADS)])
def test_heads_are_taken_apart_where_there_are_as_many_tokens(batch, length):
    class Plain(nn.Module):
        def __init__(self):
            super().__init__()
            self.num_heads, self.head_dim = HEADS, WIDTH

        def forward(self, x):
            q = x.unflatten(-1, (HEADS, WIDTH)).transpose(1, 2).reshape(-1, x.shape[1], WIDTH)
            return scaled_dot_product_attention(q, q, q)

    with visualizer.capture(layer := Plain()) as run:
        layer(torch.randn(batch, length, HEADS * WIDTH))
    assert run[0].shape == (batch, HEADS, length, length)
