"""Fused attention of nested tensors: a map for each sequence, as long as that is."""

import pytest
import torch
from torch import nn
from torch.nn import functional

import visualizer

pytestmark = pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")


class Attention(nn.Module):
    def forward(self, q, k, v):
        return functional.scaled_dot_product_attention(q, k, v)


def sequences(*lengths):
    generator = torch.Generator().manual_seed(sum(lengths))
    return [torch.randn(length, 2, 8, generator=generator) for length in lengths]


def nest(parts, layout, **options):
    nested = torch.nested.nested_tensor(parts, layout=layout, **options).transpose(1, 2)
    return nested.contiguous() if layout is torch.strided else nested


def check(run, queries, keys):
    assert len(run) == len(queries)
    for call, q, k in zip(run, queries, keys, strict=True):
        map_ = (q.transpose(0, 1) @ k.permute(1, 2, 0) / 8**0.5).softmax(-1)[None]
        assert call.how == "scaled_dot_product_attention"
        assert call.shape == map_.shape
        assert (call.map.tensor() - map_).abs().max() < 1e-5
        assert call.error < 1e-5


@pytest.mark.parametrize("layout", [torch.jagged, torch.strided])
@pytest.mark.parametrize("graph", [False, True])
def test_each_sequence_has_its_map(layout, graph):
    parts, others = sequences(3, 6), sequences(4, 7)
    q, k = nest(parts, layout, requires_grad=graph), nest(others, layout)
    attention = Attention()
    with visualizer.capture(attention) as run:
        output = attention(q, k, k)
    check(run, parts, others)
    plain = attention(q, k, k)
    assert all(torch.equal(*pair) for pair in zip(output.unbind(), plain.unbind(), strict=True))


def test_in_inference_mode_too():
    parts, attention = sequences(3, 6, 2), Attention()
    with torch.inference_mode(), visualizer.capture(attention) as run:
        x = nest(parts, torch.strided)
        attention(x, x, x)
    check(run, parts, parts)


def test_sequences_without_heads_have_one():
    parts, attention = sequences(3, 6), Attention()
    x = torch.nested.nested_tensor([part[:, 0] for part in parts])
    with visualizer.capture(attention) as run:
        attention(x, x, x)
    check(run, *2 * [[part[:, :1] for part in parts]])


@pytest.mark.parametrize("layout", [torch.jagged, torch.strided])
def test_gradients_are_refused_and_not_wrong(layout):
    x, attention = nest(sequences(3, 6), layout, requires_grad=True), Attention()
    with visualizer.capture(attention, gradients=True) as run:
        attention(x, x, x)
    assert len(run) == 0
    assert "nested tensors" in run.why_empty()
