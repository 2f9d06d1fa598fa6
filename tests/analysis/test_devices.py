"""Measures compute where the factors are: blocks of a map never travel, only what they were reduced to."""

from contextlib import nullcontext

import numpy as np
import pytest
import torch
from tests.analysis.elsewhere import DEVICE, Device

from visualizer import analysis
from visualizer.attention import AttentionMap, Band, Factors, LowRank
from visualizer.axes import Grid

BATCH, HEADS, LENGTH, CHANNELS = 2, 3, 64, 4
IDS = np.random.default_rng(0).integers(0, 9, (BATCH, LENGTH))
REAL = np.arange(LENGTH) < np.array([[LENGTH], [LENGTH - 9]])
STREAMS = ("text", "image"), ("image", "text")

MEASURES = {
    "entropy": lambda a, _: analysis.entropy(a, unit="relative"),
    "distance": lambda a, _: analysis.distance(a, Grid(8, 8)),
    "offset": lambda a, _: analysis.previous_token(a),
    "first_token": lambda a, _: analysis.first_token(a),
    "sink_mass": lambda a, _: analysis.sink_mass(a, above=0.05),
    "group_mass": lambda a, _: analysis.group_mass(a, [0, 5]),
    "between_groups": lambda a, _: analysis.between_groups(a, {"a": slice(0, 9), "b": slice(9, None)}),
    "padding": lambda a, _: analysis.padding(a, REAL),
    "same_token": lambda a, _: analysis.same_token(a, IDS),
    "duplicate_token": lambda a, _: analysis.duplicate_token(a, IDS),
    "induction": lambda a, _: analysis.induction(a, IDS),
    "similarity": lambda a, _: analysis.similarity(a),
    "total variation": lambda a, more: analysis.differences(a, more["other"]).total_variation,
    "Jensen-Shannon": lambda a, more: analysis.differences(a, more["other"]).jensen_shannon,
    "largest": lambda a, more: analysis.differences(a, more["other"]).largest,
    "value_weighted": lambda a, more: analysis.value_weighted(a, more["v"], more["w"])[0, 0, 3].array(),
    "rollout": lambda a, _: analysis.rollout([a, a], 5),
    "rollout, max": lambda a, _: analysis.rollout([a, a], 5, fusion="max"),
    "rollout, discarding": lambda a, _: analysis.rollout([a, a], 5, discard=0.9),
    "attention_times_gradient": lambda a, more: analysis.attention_times_gradient(a, more["gradient"], 5),
    "relevance": lambda a, more: analysis.relevance([a, a], [more["gradient"]] * 2, 5),
    "cross_relevance": lambda a, more: analysis.cross_relevance(*[([a, a], [more["gradient"]] * 2)] * 3, 5),
}


@pytest.fixture(autouse=True)
def no_autocast(monkeypatch):
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())  # knows real devices alone


@pytest.fixture
def drawn():
    """Return what makes a map, and what measures take besides, of tensors on a device."""
    torch.manual_seed(0)
    q, k, v, left, right = torch.randn(5, BATCH, HEADS, LENGTH, CHANNELS)
    weight = torch.randn(6, HEADS * CHANNELS)

    def drawn(device):
        here = [one.to(device) for one in (q, k, v, left, right, weight)]
        masked = {"band": Band(), "query_valid": torch.tensor(REAL).to(device), "slopes": np.full(HEADS, 0.1)}
        a, other = (AttentionMap(Factors(*pair, scale=1.0, **masked)) for pair in (here[:2], here[1::-1]))
        gradient = AttentionMap(LowRank(*here[3:5]))
        return a, {"other": other, "gradient": gradient, "v": here[2], "w": here[5]}

    return drawn


def computed(measure, drawn, device):
    """Return what a measure gives where the factors are on a device, and the largest copy it made."""
    with Device() as there:
        a, more = drawn(device)
        there.copied.clear()
        found = measure(a, more)
        assert not isinstance(found, torch.Tensor) or found.device == device
        copied = max(there.copied, default=0)
        return np.asarray(found.cpu() if isinstance(found, torch.Tensor) else found), copied


@pytest.mark.parametrize("name", MEASURES)
def test_no_block_of_rows_leaves_the_device(name, drawn):
    found, copied = computed(MEASURES[name], drawn, DEVICE)
    here, _ = computed(MEASURES[name], drawn, torch.device("cpu"))
    np.testing.assert_allclose(found, here, rtol=1e-4, atol=1e-6)
    assert copied <= 2 * BATCH * HEADS * LENGTH  # two numbers for each query


def test_two_streams_are_formed_where_the_layers_are(drawn):
    def measure(a, more):
        steps = [[(*way, a, more["gradient"]) for way in STREAMS], ("text", "text", a, more["gradient"])]
        return analysis.co_relevance(steps * 2)["text", "image"]

    (found, copied), (here, _) = (computed(measure, drawn, one) for one in (DEVICE, torch.device("cpu")))
    np.testing.assert_allclose(found, here, rtol=1e-4, atol=1e-6)
    assert copied <= BATCH * LENGTH**2  # one matrix of the answer, without heads


def test_a_copy_of_rows_would_be_seen(drawn):
    _, copied = computed(lambda a, _: a.numpy(), drawn, DEVICE)
    assert copied == BATCH * HEADS * LENGTH**2
    with pytest.raises(AssertionError, match="two devices"), Device():
        torch.ones(3).to(DEVICE) + torch.ones(3)
