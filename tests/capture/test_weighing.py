"""Means by weights, written as a multiplication and a sum: of tokens they are attention, of branches not."""

import pytest
import torch
from torch import nn
from torch.nn import functional

import visualizer


class Model(nn.Module):
    """Layers for scores, branches and gates; what is made of them is given."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.key, self.query, self.branches = nn.Linear(16, 16), nn.Linear(16, 16), nn.Linear(16, 64)
        self.score, self.scores, self.gate = nn.Linear(16, 1), nn.Linear(16, 4), nn.Linear(16, 5)

    def forward(self, x):
        return self.function(self, x)


def record(function):
    torch.manual_seed(0)
    model = Model(function)
    with torch.no_grad(), visualizer.capture(model) as run:
        model(torch.randn(2, 9, 16))
    return model, run


def weights(m, x):
    """Weights (batch, 9, 1) of tokens that a small network scores."""
    m.map = m.score(torch.tanh(m.key(x))).softmax(1)
    return m.map


def of_pairs(m, x):
    """Weights (batch, 5, 9) of keys for each of five queries."""
    m.map = m.score(torch.tanh(m.query(x)[:, :5, None] + m.key(x)[:, None])).squeeze(-1).softmax(-1)
    return m.map


def of_heads(m, x):
    m.map = m.scores(torch.tanh(m.key(x))).softmax(1)
    return m.map


def masked(m, x):
    m.map = m.score(m.key(x).tanh()).masked_fill(torch.arange(9)[:, None] > 6, -1e9).softmax(1)
    return m.map


attention = {
    "spread": lambda m, x: (weights(m, x) * x).sum(1),
    "the other way round": lambda m, x: torch.sum(x * weights(m, x), dim=-2, keepdim=True),
    "expanded": lambda m, x: (weights(m, x).expand_as(x) * x).sum(1),
    "of projected values": lambda m, x: (weights(m, x) * m.query(x)).sum(1),
    "of tokens that lie last": lambda m, x: (weights(m, x).mT * x.mT).sum(-1),
    "on a grid": lambda m, x: (weights(m, x).view(2, 1, 3, 3) * x.mT.unflatten(-1, (3, 3))).sum((2, 3)),
    "without a batch": lambda m, x: (weights(m, x[:1])[0] * x[0]).sum(0),
    "with dropout": lambda m, x: (functional.dropout(weights(m, x), 0.3) * x).sum(1),
    "masked": lambda m, x: (masked(m, x) * x).sum(1),
    "several queries": lambda m, x: (of_pairs(m, x)[..., None] * x[:, None]).sum(2),
    "several heads": lambda m, x: (of_heads(m, x)[..., None] * x.unflatten(-1, (4, 4))).sum(1),
}


@pytest.mark.parametrize("name", attention)
def test_weights_of_tokens_are_recorded_as_before_a_matrix_product(name):
    model, run = record(attention[name])
    value = model.map if name == "several queries" else model.map.mT
    assert torch.equal(run[""].tensor()[:, 0], value)
    assert run[0].note.startswith("additive attention")


def branches(m, x, axis=-2):
    return m.branches(x).unflatten(-1, (4, 16)).movedim(-2, axis)


no_attention = {
    "selected kernels": lambda m, x: (
        m.branches(branches(m, x).mean(1).sum(1)).view(2, 1, 4, 16).softmax(2) * branches(m, x)
    ).sum(2),
    "a gate and a number": lambda m, x: (m.gate(x)[..., :4].softmax(-1)[..., None] * branches(m, x)).sum(-2),
    "a gate for all": lambda m, x: (m.scores(x.mean(1)).softmax(-1).view(2, 4, 1, 1) * branches(m, x, 1)).sum(
        1
    ),
    "a mean of numbers": lambda m, x: (m.score(x).softmax(1) * x[..., :1]).sum(1),
    "a mean of places": lambda m, x: (m.score(x).softmax(1) * torch.randn(9, 4)).sum(1),
    "each feature for itself": lambda m, x: (m.key(x).softmax(1) * x).sum(1),
    "a sum over features": lambda m, x: (m.score(x).softmax(1) * x).sum(2),
    "a sum of everything": lambda m, x: (m.score(x).softmax(1) * x).sum((0, 1, 2)),
    "a table": lambda m, x: (m.score(x).softmax(1)[0] * m.key.weight[:9]).sum(0),
}


@pytest.mark.parametrize("name", no_attention)
def test_other_weights_are_not(name):
    assert len(record(no_attention[name])[1]) == 0
