"""Gradients with respect to maps, fused ones too, next to autograd's own of the written-out model."""

import copy
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

import visualizer
from visualizer.errors import VisualizerError

from .formulas import inputs
from .formulas import layer as layer_of


class Attention(nn.Module):
    """Four heads on two key heads; written out, it keeps its map for autograd."""

    def __init__(self, *, fused=True, dropout=0.0):
        super().__init__()
        self.q, self.kv, self.out = nn.Linear(32, 32), nn.Linear(32, 32), nn.Linear(32, 32)
        self.fused, self.dropout = fused, dropout

    def forward(self, x):
        q = self.q(x).unflatten(-1, (4, 8)).transpose(1, 2)
        k, v = self.kv(x).unflatten(-1, (2, 2, 8)).transpose(1, 3).unbind(2)
        if self.fused:
            y = functional.scaled_dot_product_attention(q, k, v, dropout_p=self.dropout, enable_gqa=True)
        else:
            k, v = k.repeat_interleave(2, 1), v.repeat_interleave(2, 1)
            self.map = (q @ k.transpose(-1, -2) / 8**0.5).softmax(-1)
            y = self.map @ v
        return x + self.out(y.transpose(1, 2).flatten(2))


class Net(nn.Module):
    def __init__(self, *, reentrant=None, **options):
        super().__init__()
        self.layers = nn.ModuleList([Attention(**options) for _ in range(2)])
        self.reentrant = reentrant

    def forward(self, x):
        for layer in self.layers:
            if self.reentrant is None:
                x = layer(x)
            else:
                x = checkpoint(layer, x, use_reentrant=self.reentrant)
        return x


def make(**options):
    torch.manual_seed(0)
    return Net(**options)


@pytest.fixture
def x():
    return torch.randn(2, 7, 32, generator=torch.Generator().manual_seed(1)).requires_grad_()


@pytest.fixture
def expected(x):
    net = make(fused=False)
    loss = net(x).square().sum()
    return torch.autograd.grad(loss, [layer.map for layer in net.layers])


def recorded(net, x):
    with visualizer.capture(net, gradients=True) as run:
        loss = net(x).square().sum()
    return run, run.gradients(loss)


def assert_close(gradients, expected):
    for layer, wanted in enumerate(expected):
        found = gradients[f"layers.{layer}"].tensor()
        assert (found - wanted).abs().max() < 1e-4 * wanted.abs().max()


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("reentrant", [None, False, True])
def test_they_are_autograds_own(x, expected, fused, reentrant):
    net = make(fused=fused, reentrant=reentrant)
    _, gradients = recorded(net, x)
    assert_close(gradients, expected)
    assert x.grad is None
    assert all(weight.grad is None for weight in net.parameters())


@pytest.mark.parametrize("fused", [True, False])
def test_frozen_weights_do_not_matter(x, expected, fused):
    net = make(fused=fused).requires_grad_(False)
    _, gradients = recorded(net, x.detach())
    assert_close(gradients, expected)


def test_grads_that_are_there_stay(x):
    net = make(reentrant=True)
    net(x).sum().backward()
    before = [weight.grad.clone() for weight in net.parameters()]
    recorded(net, x)
    assert all(torch.equal(weight.grad, old) for weight, old in zip(net.parameters(), before, strict=True))


def test_the_gradient_of_a_fused_map_is_held_as_two_factors(x):
    _, gradients = recorded(make(), x)
    assert gradients["layers.0"].storages()
    assert "outer product" in repr(gradients["layers.0"])


def test_map_times_gradient_is_read_lazily(x, expected):
    run, gradients = recorded(make(), x)
    relevance = run["layers.1"] * gradients["layers.1"]
    wanted = run["layers.1"].tensor() * expected[1]
    assert (relevance[0, 2].tensor() - wanted[0, 2]).abs().max() < 1e-4 * wanted.abs().max()


def test_read_outs_of_map_times_gradient_are_those_of_its_numbers(x, expected):
    run, gradients = recorded(make(), x)
    relevance = run["layers.1"] * gradients["layers.1"]
    wanted = run["layers.1"].tensor() * expected[1]
    for found, one in (
        (relevance.received(), wanted.sum(-2)),
        (relevance.mass([slice(0, 3)])[..., 0], wanted[..., :3].sum(-1)),
        (relevance.topk(2)[0], wanted.topk(2).values),
        (relevance.heads().tensor(), wanted.mean(1, keepdim=True)),
        (relevance @ torch.ones(7), wanted.sum(-1)),
    ):
        assert (found - one).abs().max() < 1e-4 * one.abs().max()


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("name", ["entropy", "expected_position", "rest"])
def test_a_gradients_rows_are_no_shares(x, fused, name):
    run, gradients = recorded(make(fused=fused), x)
    gradient = gradients["layers.1"]
    for signed in (gradient, run["layers.1"] * gradient, gradient.heads(), gradient.dense()):
        with pytest.raises(VisualizerError, match=f"{name} was asked for of a gradient"):
            signed.rest if name == "rest" else getattr(signed, name)()


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("reentrant", [None, False, True])
def test_a_module_that_runs_twice_on_the_same_has_each_calls_own_gradient(x, fused, reentrant):
    layer = Attention(fused=fused)

    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = layer

        def forward(self, x):
            run = (
                self.layer if reentrant is None else partial(checkpoint, self.layer, use_reentrant=reentrant)
            )
            return 2 * run(x) + 5 * run(x)

    run, gradients = recorded_of(Twice(), x)
    first, second = (call.map.tensor() for call in gradients)
    torch.testing.assert_close(second, 2.5 * first)


def recorded_of(net, x):
    with visualizer.capture(net, gradients=True) as run:
        loss = net(x).sum()
    return run, run.gradients(loss)


@pytest.mark.parametrize("frozen", [True, False])
def test_maps_in_other_layouts_have_gradients_in_the_maps_own(x, frozen):
    def turned(q, k, v):
        weights = torch.einsum("bhid,bhjd->bjih", q, k).mul(8**-0.5).softmax(1)
        return torch.einsum("bjih,bhjd->bhid", weights, v)

    def with_sink(q, k, v):
        scores = q @ k.mT * 8**-0.5
        return torch.cat([scores, scores.new_zeros(*q.shape[:-1], 1)], -1).softmax(-1)[..., :-1] @ v

    for attend in (turned, with_sink):
        layer = layer_of(attend).requires_grad_(not frozen)
        with visualizer.capture(layer, gradients=True) as run:
            output = layer(inputs())
        v = layer.split(inputs())[2]
        wanted = 2 * output @ v.mT
        found = run.gradients(output.square().sum())[0].map.tensor()
        assert (found - wanted).abs().max() < 1e-5 * wanted.abs().max()


def test_dropout_is_an_error_that_says_why(x):
    net = make(dropout=0.5)
    with visualizer.capture(net, gradients=True) as run:
        loss = net(x).sum()
    with pytest.raises(VisualizerError, match=r"dropout 0.5, and fused kernels do not give the mask"):
        run.gradients(loss)


def test_a_run_without_gradients_says_how_to_have_them(x):
    net = make()
    with visualizer.capture(net) as run:
        loss = net(x).sum()
    with pytest.raises(VisualizerError, match=r"capture\(model, gradients=True\)"):
        run.gradients(loss)


def test_a_run_without_graph_says_so(x):
    net = make()
    with torch.no_grad(), visualizer.capture(net, gradients=True) as run:
        loss = net(x).sum()
    with pytest.raises(VisualizerError, match=r"outside torch.no_grad"):
        run.gradients(loss)
    with pytest.raises(VisualizerError, match=r"but it is of shape \(2, 7, 32\)"):
        run.gradients(net(x))


def test_read_outs_and_empty_runs_have_no_gradients(x):
    net = make()
    with visualizer.capture(net, gradients=True, keep="readouts", readouts="entropy") as run:
        score = net(x).sum()
    with pytest.raises(VisualizerError, match="read-outs or locals in the place of maps"):
        run.gradients(score)
    with pytest.raises(VisualizerError, match="the run is empty: no call matches"):
        run["nothing*"].gradients(score)


def test_a_number_that_does_not_depend_on_the_run_is_told(x):
    net = make()
    with visualizer.capture(net, gradients=True) as run:
        net(x)
    with pytest.raises(VisualizerError, match="the number does not depend on any of the run's calls"):
        run.gradients(net(x).sum())


def test_a_graph_that_was_freed_is_told(x):
    net = make()
    with visualizer.capture(net, gradients=True) as run:
        score = net(x).sum()
    score.backward()
    with pytest.raises(VisualizerError, match="a backward pass has freed the number's graph"):
        run.gradients(score)


def test_a_copy_has_no_graph(x):
    net = make()
    with visualizer.capture(net, gradients=True) as run:
        score = net(x).sum()
    with pytest.raises(VisualizerError, match="of a copy, which has no graph: ask the run"):
        copy.deepcopy(run)[:1].gradients(score)
