"""Attention without queries and keys: deformable, with places and levels; additive; and what is none."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

import visualizer
from visualizer.errors import OptionError

LEVELS = ((8, 8), (4, 4))


class Deformable(nn.Module):
    """Four heads, two levels of three points, written out as DETR's descendants do."""

    def __init__(self):
        super().__init__()
        self.weigh, self.place, self.value = nn.Linear(32, 24), nn.Linear(32, 48), nn.Linear(32, 32)

    def forward(self, x, memory):
        batch, queries, _ = x.shape
        self.weights = functional.softmax(self.weigh(x).view(batch, queries, 4, 6), -1)
        self.places = self.place(x).view(batch, queries, 4, 2, 3, 2).tanh()
        value = self.value(memory).view(batch, -1, 4, 8)
        read = []
        for level, part in enumerate(value.split([h * w for h, w in LEVELS], 1)):
            features = part.flatten(2).transpose(1, 2).reshape(batch * 4, 8, *LEVELS[level])
            places = self.places[:, :, :, level].transpose(1, 2).flatten(0, 1)
            read.append(functional.grid_sample(features, places, align_corners=False))
        weights = self.weights.transpose(1, 2).reshape(batch * 4, 1, queries, 6)
        y = (torch.stack(read, dim=-2).flatten(-2) * weights).sum(-1)
        return y.view(batch, 32, queries).transpose(1, 2)


def record():
    torch.manual_seed(0)
    model = Deformable()
    with torch.no_grad(), visualizer.capture(model) as run:
        model(torch.randn(2, 5, 32), torch.randn(2, 80, 32))
    return model, run


def test_the_weights_are_recorded_as_the_model_has_them():
    model, run = record()
    assert torch.equal(run[""].tensor(), model.weights)
    assert "deformable" in run[0].how
    assert "(batch, query, head, point)" in run[0].note


def test_each_level_tells_its_places_and_its_shape():
    model, run = record()
    assert [level.shape for level in run[0].levels] == list(LEVELS)
    for number, level in enumerate(run[0].levels):
        places = level.places.view(2, 4, 5, 3, 2).transpose(1, 2)
        assert torch.equal(places, model.places[:, :, :, number])


def test_metrics_of_points_that_are_no_keys():
    model, run = record()
    table = run.metrics()
    assert len(table) == 2 * 4
    for row in table:
        weights = model.weights[row["batch"], :, row["head"]].double()
        entropy = float(-(weights * weights.log()).sum(-1).mean())
        assert abs(row["entropy"] - entropy) < 1e-5
        assert abs(row["relative_entropy"] - entropy / math.log(6)) < 1e-5
        assert math.isnan(row["diagonal"])
        assert math.isnan(row["first_token"])
    found = run.table({"spread": "entropy", "largest": lambda a: a.topk(1)[0]})
    assert [row["spread"] for row in found] == [row["entropy"] for row in table]
    largest = model.weights.amax(-1).mean(1).flatten().tolist()
    assert [row["largest"] for row in found] == pytest.approx(largest, rel=1e-5)
    with pytest.raises(OptionError, match=r"axes \(batch, query, head, …\), \(2, 5, 4\) here"):
        run.table("received")


class Streams(nn.Module):
    """Residual streams mixed by a doubly stochastic matrix: no attention."""

    def __init__(self):
        super().__init__()
        self.mix = nn.Linear(32, 16)

    def forward(self, x):
        weights = self.mix(x.mean(-2)).view(*x.shape[:-2], 4, 4).softmax(-1)
        for _ in range(20):
            weights = weights / weights.sum(-2, keepdim=True)
            weights = weights / weights.sum(-1, keepdim=True)
        return weights @ x


def test_mixing_of_streams_is_no_attention():
    model = Streams()
    with torch.no_grad(), visualizer.capture(model) as run:
        model(torch.randn(2, 5, 4, 32))
    assert len(run) == 0


class Additive(nn.Module):
    """Bahdanau's attention: tokens are scored by a small network, and their mean is taken by the scores."""

    def __init__(self):
        super().__init__()
        self.score = nn.Sequential(nn.Linear(32, 16), nn.Tanh(), nn.Linear(16, 1))

    def forward(self, x):
        self.weights = self.score(x).squeeze(-1).softmax(-1)
        return self.weights.unsqueeze(1) @ x


def test_additive_attention_is_named_for_what_it_is():
    model = Additive()
    with torch.no_grad(), visualizer.capture(model) as run:
        model(torch.randn(2, 5, 32))
    assert torch.equal(run[""].tensor(), model.weights[:, None, None])
    assert "additive attention" in run[0].note
