"""The maps that a model's parts hold in local variables are found, each once, in order."""

import numpy as np
import pytest
import torch
from torch import nn

from visualizer.demo.attention import record_attention
from visualizer.errors import TargetError


class Attention(nn.Module):
    def forward(self, x):
        attn = x @ x.transpose(-2, -1)
        attn = attn.softmax(-1)
        return attn @ x, attn


class Around(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = Attention()

    def forward(self, x):
        x, attn_weights = self.inner(x)
        return x


class Logits(nn.Module):
    def forward(self, x):
        attn = x @ x.transpose(-2, -1)
        return attn


@pytest.fixture
def x():
    return torch.rand(1, 2, 5, 4, generator=torch.Generator().manual_seed(0))


def test_a_map_is_what_the_last_binding_of_the_name_holds(x):
    (found,) = record_attention(Attention(), x)
    np.testing.assert_array_equal(found, (x @ x.transpose(-2, -1)).softmax(-1)[0])


def test_a_map_that_is_handed_on_counts_once(x):
    assert len(record_attention(Around(), x)) == 1


def test_a_half_precision_map_is_a_map(x):
    (found,) = record_attention(Attention(), x.bfloat16())
    assert found.dtype == np.float32


def test_layers_are_in_the_order_in_which_they_end(x):
    first, second = record_attention(nn.Sequential(Around(), Around()), x)
    np.testing.assert_array_equal(first, record_attention(Around(), x)[0])
    assert not np.allclose(first, second)


def test_logits_are_no_map(x):
    with pytest.raises(TargetError, match="Logits has none: .* what 1 of its parts bind is no map"):
        record_attention(Logits(), x)


def test_attention_parts_without_a_map_are_named(x):
    model = nn.MultiheadAttention(4, 2)
    with pytest.raises(TargetError, match="its attention parts are MultiheadAttention"):
        record_attention(model, x[0], x[0], x[0])
