"""Frozen models that do what only tensors without gradients allow: recorded as they are, with gradients.

Gradients are those of a float64 twin whose map autograd knows, or an error that says why there are none.
"""

import copy
import warnings

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

import visualizer
from visualizer.errors import VisualizerError

SCALE = 8**-0.5
X = torch.randn(2, 7, 32, generator=torch.Generator().manual_seed(1))


def fused(layer, q, k, v):
    return functional.scaled_dot_product_attention(q, k, v)


def formed(layer, q, k, v):
    layer.map = (q @ k.mT * SCALE).softmax(-1)
    return layer.map @ v


def by_hand(layer, q, k, v):
    weights = (q @ k.mT * SCALE).exp()
    return (weights / weights.sum(-1, keepdim=True)) @ v


class Layer(nn.Module):
    """Attention with residuals; what happens to its output, (batch, head, query, width), is given."""

    num_heads = 4

    def __init__(self, attend, after):
        super().__init__()
        self.qkv = nn.Linear(32, 96)
        self.attend, self.after = attend, after

    def forward(self, x):
        q, k, v = self.qkv(x).unflatten(-1, (3, 4, 8)).transpose(1, 3).unbind(2)
        return x + self.after(self.attend(self, q, k, v)).transpose(1, 2).flatten(2)


class Net(nn.Module):
    def __init__(self, attend, after=lambda y: y):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(Layer(attend, after), Layer(attend, after))

    def forward(self, x):
        return self.layers(x)


ALLOWED, REFUSED = {}, {}


def allowed(after):
    """What autograd follows."""
    ALLOWED[after.__name__] = after
    return after


def refused(after):
    """What autograd refuses of tensors that need gradients."""
    REFUSED[after.__name__] = after
    return after


@allowed
def add_in_place(y):
    y += 0.5
    return y


@allowed
def several_in_place(y):
    return y.mul_(2).sub_(0.1).clamp_(-2, 2)


@allowed
def a_view_in_place(y):
    y[:, 1] *= 3
    y.transpose(1, 2)[:, 0].zero_()
    return y


@allowed
def copied_into(y):
    room = torch.zeros_like(y)
    room[..., 1:] = y[..., 1:]
    return room


@allowed
def numbers_read(y):
    assert y.detach().numpy().shape == y.shape
    return y * 2


@allowed
def numbers_taken(y):
    assert y.numpy().shape == y.shape
    assert y.tolist()
    float(y.sum())
    return y * 2


@allowed
def in_no_grad(y):
    with torch.no_grad():
        y += 1
    return y * y


@allowed
def detached_in_place(y):
    doubled = y * 2
    return doubled + y.detach_()


@refused
def no_gradient_wanted(y):
    y.requires_grad_(False)
    return y * 2


@refused
def by_out(y):
    room = torch.empty_like(y)
    torch.mul(y, 2, out=room)
    return room


@refused
def one_of_several_views(y):
    left, right = y.chunk(2, -1)
    left += right
    return y


@refused
def unbound_and_written(y):
    for head in y.unbind(1):
        head.relu_()
    return y


@refused
def a_copy_made(y):
    return copy.deepcopy(y)


@refused
def times_an_inference_tensor(y):
    with torch.inference_mode():
        other = torch.full((8,), 2.0)
    return y * other


def expected(after):
    net = Net(formed, after).double()
    loss = net(X.double()).square().sum()
    return torch.autograd.grad(loss, [layer.map for layer in net.layers], allow_unused=True)


def recorded(attend, after):
    """Run the frozen model alone and recorded; return the run and the sum of squares."""
    net = Net(attend, after).requires_grad_(False)
    alone = net(X)
    with warnings.catch_warnings(), visualizer.capture(net, gradients=True) as run:
        warnings.simplefilter("error")
        during = net(X)
    assert torch.equal(alone, during)
    assert len(run) == 2
    assert torch.overrides._len_torch_function_stack() == 0
    assert not net(X).requires_grad
    return run, during.square().sum()


ATTENDS = pytest.mark.parametrize("attend", [fused, formed, by_hand])


@ATTENDS
@pytest.mark.parametrize("after", [lambda y: y, *ALLOWED.values()], ids=["nothing", *ALLOWED])
def test_what_a_model_does_to_its_output_is_done_and_followed(attend, after):
    run, loss = recorded(attend, after)
    gradients = run.gradients(loss)
    followed = after if after is not numbers_taken else lambda y: y * 2
    for call, wanted in zip(gradients, expected(followed), strict=True):
        found, wanted = call.map.tensor(), torch.zeros(1) if wanted is None else wanted
        assert (found - wanted).abs().max() <= 1e-5 * wanted.abs().max()


@ATTENDS
@pytest.mark.parametrize("after", REFUSED.values(), ids=REFUSED)
def test_what_autograd_refuses_is_done_and_told(attend, after):
    run, loss = recorded(attend, after)
    with pytest.raises(
        VisualizerError, match=r"layers.0 was asked for, but autograd has no gradient of what"
    ):
        run.gradients(loss)


def test_maps_that_are_written_into_have_the_gradients_of_what_was_recorded():
    def edited(layer, q, k, v):
        layer.map = (q @ k.mT * SCALE).softmax(-1)
        weights = layer.map * 1 if layer.map.dtype == torch.float64 else layer.map
        weights[..., 0] = 0
        weights.transpose(1, 2)[:, 3].mul_(2)
        return weights @ v

    def first(net):
        return net.layers[0](X.to(net.layers[0].qkv.weight.dtype)).square().sum()

    twin, net = Net(edited).double(), Net(edited).requires_grad_(False)
    (wanted,) = torch.autograd.grad(first(twin), twin.layers[0].map)
    with visualizer.capture(net, gradients=True) as run:
        loss = first(net)
    assert (run[0].map.tensor() - twin.layers[0].map).abs().max() < 1e-6
    assert (run.gradients(loss)[0].map.tensor() - wanted).abs().max() < 1e-5 * wanted.abs().max()


def test_tensors_of_the_models_own_that_are_written_into_stay_without_gradients():
    def into(layer, q, k, v):
        layer.room.copy_(q)
        layer.held.add_(torch.softmax(q @ k.mT * SCALE, -1, out=layer.map) @ v)
        return layer.held * 1

    net = Net(into).requires_grad_(False)
    for layer in net.layers:
        layer.map, layer.room = torch.zeros(2, 4, 7, 7), torch.zeros(2, 4, 7, 8)
        layer.register_buffer("held", torch.zeros(2, 4, 7, 8))
    alone = copy.deepcopy(net)(X)
    with visualizer.capture(net, gradients=True):
        during = net(X)
    assert torch.equal(during, alone)
    assert not any(one.requires_grad for layer in net.layers for one in (layer.map, layer.room, layer.held))
    assert not copy.deepcopy(net)(X).requires_grad


@pytest.mark.parametrize("frozen", [True, False])
def test_an_output_that_is_a_view_has_its_own_gradient_or_none(frozen):
    def viewed(layer, q, k, v):
        return functional.scaled_dot_product_attention(q, k, functional.pad(v, (0, 3)))[..., :8]

    def written(y):
        y.mul_(2)
        return y

    net, twin = Net(viewed, written).requires_grad_(not frozen), Net(formed, written).double()
    wanted = torch.autograd.grad(twin(X.double()).square().sum(), [layer.map for layer in twin.layers])
    with visualizer.capture(net, gradients=True) as run:
        loss = net(X).square().sum()
    for call, one in zip(run.gradients(loss), wanted, strict=True):
        assert (call.map.tensor() - one).abs().max() < 1e-5 * one.abs().max()


def test_an_error_of_the_models_own_stays():
    def wrong(y):
        y.relu_()
        return torch.add(y, torch.ones(3), out=torch.empty(1))

    net = Net(fused, wrong).requires_grad_(False)
    with pytest.raises(RuntimeError, match="must match the size"), visualizer.capture(net, gradients=True):
        net(X)
    assert torch.overrides._len_torch_function_stack() == 0


def test_what_fails_for_weights_that_train_fails_as_before():
    net = Net(fused, by_out)
    net.layers[0].requires_grad_(False)
    with pytest.raises(RuntimeError, match="out=... arguments don't support"):
        net(X)
    with pytest.raises(RuntimeError, match="out=... arguments don't support"):
        with visualizer.capture(net, gradients=True):
            net(X)


def test_later_calls_have_gradients_where_earlier_ones_are_cut_off():
    net = Net(fused).requires_grad_(False)
    net.layers[0].after = by_out
    with visualizer.capture(net, gradients=True) as run:
        loss = net(X).square().sum()
    with pytest.raises(
        VisualizerError, match=r"layers.0 .* mul \(mul\(\): functions with out=.*\): have it do"
    ):
        run.gradients(loss)
    twin = Net(formed).double()
    twin.layers[0].after = lambda y: y * 2
    (wanted,) = torch.autograd.grad(twin(X.double()).square().sum(), twin.layers[1].map)
    found = run[1:].gradients(loss)["layers.1"].tensor()
    assert (found - wanted).abs().max() < 1e-5 * wanted.abs().max()


@pytest.mark.parametrize("reentrant", [False, True])
def test_frozen_layers_in_a_checkpoint_train_on_and_have_no_gradient(reentrant):
    net = Net(fused, add_in_place)
    net.layers[0].requires_grad_(False)
    head = net.layers[1]

    def step():
        head.zero_grad()
        middle = checkpoint(net.layers[0], X, use_reentrant=reentrant)
        head.after = lambda y: y
        head(middle).sum().backward()
        return head.qkv.weight.grad.clone()

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "None of the inputs have requires_grad")
        alone = step()
        with visualizer.capture(net, gradients=True) as run:
            middle = checkpoint(net.layers[0], X, use_reentrant=reentrant)
            loss = head(middle).sum()
        loss.backward()
        head.zero_grad()
        loss = head(middle).sum()
        with visualizer.capture(net, gradients=True):
            assert torch.equal(step(), alone)
    with pytest.raises(VisualizerError, match="with frozen weights also a checkpoint"):
        run[:1].gradients(loss)


def test_frozen_layers_under_trained_ones_have_gradients_and_the_training_goes_on():
    net, twin = Net(fused, add_in_place), Net(formed, add_in_place).double()
    net.layers[0].requires_grad_(False)
    net.layers[1].after = twin.layers[1].after = lambda y: y
    net(X).square().sum().backward()
    alone = net.layers[1].qkv.weight.grad.clone()
    net.zero_grad()
    with visualizer.capture(net, gradients=True) as run:
        loss = net(X).square().sum()
    gradients = run.gradients(loss)
    wanted = torch.autograd.grad(twin(X.double()).square().sum(), [layer.map for layer in twin.layers])
    for call, one in zip(gradients, wanted, strict=True):
        assert (call.map.tensor() - one).abs().max() < 1e-5 * one.abs().max()
    loss.backward()
    assert torch.equal(net.layers[1].qkv.weight.grad, alone)
    assert net.layers[0].qkv.weight.grad is None


def test_the_guard_leaves_the_modes_of_others_in_their_order():
    class Counting(torch.overrides.TorchFunctionMode):
        calls = 0

        def __torch_function__(self, function, types, args=(), kwargs=None):
            self.calls += 1
            return function(*args, **(kwargs or {}))

    net = Net(fused, by_out).requires_grad_(False)
    session = visualizer.capture(net, gradients=True)
    mode = Counting()
    with torch.device("cpu"):
        session.start()
        with mode:
            net(X)
            with torch.device("meta"):
                assert torch.empty(1).is_meta
            session.stop()
            assert torch.overrides._get_current_function_mode_stack()[1:] == [mode]
    assert torch.overrides._len_torch_function_stack() == 0
    assert mode.calls


def test_torchs_native_attention_stays_one_operator_and_says_that_it_has_no_gradient():
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
    net = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).requires_grad_(False).eval()
    alone = net(X)
    with visualizer.capture(net, gradients=True) as run:
        during = net(X)
    assert torch.equal(alone, during)
    assert len(run) == 2
    with pytest.raises(VisualizerError, match="set_fastpath_enabled"):
        run.gradients(during.sum())
