"""Attention under transforms, traces, modes, subclasses and threads; sessions that meet or are broken off."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn
from torch.func import functional_call, grad, jacrev, jvp
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

import visualizer

X = torch.randn(3, 2, 9, 32, generator=torch.Generator().manual_seed(0))
ONE = X[0]


def fused(q, k, v):
    return functional.scaled_dot_product_attention(q, k, v)


def formed(q, k, v):
    return weights(q, k) @ v


def weights(q, k):
    return (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(-1)


class Attention(nn.Module):
    def __init__(self, attend):
        super().__init__()
        torch.manual_seed(0)
        self.to_qkv, self.attend = nn.Linear(32, 96), attend

    def heads(self, x):
        return self.to_qkv(x).unflatten(-1, (3, 4, 8)).movedim(-3, 0).transpose(-2, -3).unbind(0)

    def forward(self, x):
        return self.attend(*self.heads(x))


class Outer(nn.Module):
    """A module that calls a function of another one."""

    def __init__(self, inner, call):
        super().__init__()
        self.inner, self.call = inner, call

    def forward(self, x):
        return self.call(self.inner, x)


@pytest.fixture(params=[fused, formed])
def layer(request):
    return Attention(request.param)


def expected(layer, x):
    q, k, _ = layer.heads(x)
    return weights(q.double(), k.double()).detach()


def check(run, layer, x, path=""):
    """Hold the one map that was recorded next to the formula."""
    assert [call.path for call in run] == [path]
    found, wanted = torch.as_tensor(run[path].numpy()), expected(layer, x)
    assert found.shape == wanted.shape
    assert (found - wanted).abs().max() < 1e-6
    assert run.checks.compared == (layer.attend is fused)
    assert run.checks.largest < 1e-5


def same(left, right):
    if isinstance(left, torch.Tensor):
        return torch.equal(left, right)
    return all(map(same, left, right))


def loss(layer, parameters, x):
    return functional_call(layer, parameters, (x,)).square().sum()


def weight_gradient(layer, x):
    return grad(lambda p: loss(layer, p, x))(dict(layer.named_parameters()))["to_qkv.weight"]


def sample_gradients(layer, x):
    gradient = grad(lambda p, sample: loss(layer, p, sample))
    return torch.vmap(gradient, (None, 0))(dict(layer.named_parameters()), x)["to_qkv.weight"]


TRANSFORMS = {
    "vmap": lambda layer, x: torch.vmap(layer)(x),
    "vmap over another axis": lambda layer, x: torch.vmap(layer, in_dims=2)(x.movedim(0, 2)),
    "vmap over chunks": lambda layer, x: torch.vmap(layer, in_dims=1, out_dims=1)(x.movedim(0, 1)).movedim(
        1, 0
    ),
    "vmap of vmap": lambda layer, x: torch.vmap(torch.vmap(layer))(x),
    "vmap of vmap, axes exchanged": lambda layer, x: torch.vmap(torch.vmap(layer, 1), 1)(
        x.movedim((0, 1), (1, 2))
    ),
    "grad": weight_gradient,
    "jvp": lambda layer, x: jvp(layer, (x,), (torch.ones_like(x),)),
    "jacrev": lambda layer, x: jacrev(lambda x: layer(x).sum())(x),
    "vmap of grad": sample_gradients,
}


@pytest.mark.filterwarnings("ignore:There is a performance drop", "ignore::DeprecationWarning")
@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("mode", [torch.no_grad, torch.enable_grad])
def test_a_transformed_call_is_one_call_of_all_samples(layer, name, mode):
    model = Outer(layer, TRANSFORMS[name])
    with mode():
        alone = model(X)
        with visualizer.capture(model) as run:
            during = model(X)
    assert same(alone, during)
    check(run, layer, X, "inner")


@pytest.mark.filterwarnings("ignore:There is a performance drop")
def test_what_one_vmap_shares_is_the_same_for_all_samples():
    q, k, mask = torch.randn(3, 4, 9, 8), torch.randn(4, 7, 8), torch.rand(3, 9, 7) > 0.3
    mask[..., 0] = True

    class Shared(nn.Module):
        def forward(self, q, k, mask):
            return functional.scaled_dot_product_attention(q, k, k, attn_mask=mask, scale=0.5)

    layer = Shared()
    with visualizer.capture(layer) as run:
        torch.vmap(layer, (0, None, 0))(q, k, mask)
    logits = (q.double() @ k.double().transpose(-1, -2) * 0.5).masked_fill(~mask[:, None], -torch.inf)
    assert (torch.as_tensor(run[""].numpy()) - logits.softmax(-1)).abs().max() < 1e-6
    assert run.checks.largest < 1e-5


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_an_exported_model_is_traced_not_recorded(layer, strict):
    with visualizer.capture(layer) as run:
        program = torch.export.export(layer, (ONE,), strict=strict)
    assert len(run) == 0
    assert "no numbers" in run.why_empty()
    graph = program.module()
    assert torch.allclose(graph(ONE), layer(ONE), atol=1e-6)
    with visualizer.capture(graph) as run:
        graph(ONE)
    assert len(run) == 1
    assert (torch.as_tensor(run[0].map.numpy()) - expected(layer, ONE)).abs().max() < 1e-6


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_lengths_that_an_export_leaves_open_stay_open(layer):
    length = torch.export.Dim("length", min=2, max=64)
    with visualizer.capture(layer) as run:
        program = torch.export.export(layer, (ONE,), dynamic_shapes=({1: length},))
    assert len(run) == 0
    (bounds,) = program.range_constraints.values()
    assert (int(bounds.lower), int(bounds.upper)) == (2, 64)
    shorter = ONE[:, :5]
    assert torch.allclose(program.module()(shorter), layer(shorter), atol=1e-6)


def test_make_fx_on_real_tensors_records_the_run_that_it_traces(layer):
    with visualizer.capture(layer) as run:
        graph = make_fx(layer)(ONE)
    check(run, layer, ONE)
    names = [node.name for node in graph.graph.nodes]
    assert names == [node.name for node in make_fx(layer)(ONE).graph.nodes]


@pytest.mark.parametrize("mode", ["fake", "symbolic"])
def test_make_fx_on_fake_tensors_records_nothing(layer, mode):
    parameters = dict(layer.named_parameters())

    def call(parameters, x):
        return functional_call(layer, parameters, (x,))

    with visualizer.capture(layer) as run:
        graph = make_fx(call, tracing_mode=mode)(parameters, ONE)
    assert len(run) == 0
    assert "no numbers" in run.why_empty()
    assert torch.allclose(graph(parameters, ONE), layer(ONE), atol=1e-6)


class Passing(TorchDispatchMode):
    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        return function(*args, **(kwargs or {}))


class PassingFunctions(TorchFunctionMode):
    def __torch_function__(self, function, types, args=(), kwargs=None):
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("mode", [Passing, PassingFunctions])
def test_modes_within_and_around_the_model(layer, mode):
    def call(inner, x):
        with mode():
            return inner(x)

    model = Outer(layer, call)
    with visualizer.capture(model) as run:
        during = model(ONE)
    assert torch.equal(during, layer(ONE))
    check(run, layer, ONE, "inner")
    with mode(), visualizer.capture(layer) as run:
        layer(ONE)
    check(run, layer, ONE)
    if layer.attend is formed:
        assert run[0].how.startswith("softmax in weights")


class Named(torch.Tensor):
    pass


class Wrapped(torch.Tensor):
    """A tensor that holds another one."""

    @staticmethod
    def __new__(cls, inner):
        made = torch.Tensor._make_wrapper_subclass
        return made(cls, inner.shape, dtype=inner.dtype, strides=inner.stride())

    def __init__(self, inner):
        self.inner = inner

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        def bare(value):
            return value.inner if isinstance(value, Wrapped) else value

        result = function(*tree_map(bare, args), **tree_map(bare, kwargs or {}))
        return tree_map(lambda value: Wrapped(value) if isinstance(value, torch.Tensor) else value, result)


def test_subclasses_of_tensors_are_read_as_what_they_hold(layer):
    with torch.no_grad():
        alone = layer(ONE)
        with visualizer.capture(layer) as run:
            during = layer(ONE.as_subclass(Named))
        assert type(during) is Named
        assert torch.equal(alone, during.as_subclass(torch.Tensor))
        check(run, layer, ONE)
        with visualizer.capture(layer) as run:
            during = layer(Wrapped(ONE))
        assert torch.equal(alone, during.inner)
        check(run, layer, ONE)


@pytest.mark.parametrize("shard", [False, True])
@pytest.mark.filterwarnings("ignore")  # torch's own, on one process
def test_distributed_tensors_are_read_as_the_part_that_is_here(layer, shard):
    from torch.distributed import HashStore, destroy_process_group, init_process_group
    from torch.distributed.tensor import (
        Replicate,
        Shard,
        distribute_module,
        distribute_tensor,
        init_device_mesh,
    )

    init_process_group("gloo", store=HashStore(), rank=0, world_size=1)
    try:
        mesh = init_device_mesh("cpu", (1,))
        x = distribute_tensor(ONE, mesh, [Shard(0) if shard else Replicate()])
        model = distribute_module(Attention(layer.attend), mesh)
        with visualizer.capture(model) as run:
            during = model(x)
        assert torch.equal(during.to_local(), layer(ONE))
        check(run, layer, ONE)
    finally:
        destroy_process_group()


@pytest.mark.parametrize("mode", [torch.no_grad, torch.enable_grad])
def test_heads_in_threads_without_a_module(layer, mode):
    attend = layer.attend

    def call(inner, x):
        with mode(), ThreadPoolExecutor(4) as pool:
            heads = [tensor.unbind(-3) for tensor in inner.heads(x)]
            return torch.stack(list(pool.map(attend, *heads)), -3)

    model = Outer(layer, call)
    with mode():
        alone = model(ONE)
        with visualizer.capture(model) as run:
            during = model(ONE)
    assert torch.equal(alone, during)
    assert len(run) == 4
    assert len({call.thread for call in run}) >= 1
    found = [torch.as_tensor(call.map.numpy()).reshape(2, 9, 9) for call in run]
    for head in expected(layer, ONE).unbind(1):
        assert min(float((other - head).abs().max()) for other in found) < 1e-6


def test_sessions_within_sessions_each_record_their_own_time(layer):
    with visualizer.capture(layer) as outer:
        layer(ONE)
        with visualizer.capture(layer) as inner:
            layer(X[1])
        layer(ONE)
    assert (len(outer), len(inner)) == (3, 1)
    check(inner, layer, X[1])


def test_two_models_in_one_block(layer):
    other = Attention(layer.attend)
    nn.init.normal_(other.to_qkv.weight, std=0.2)
    with visualizer.capture(layer) as first, visualizer.capture(other) as second:
        layer(ONE)
        other(X[1])
        other(layer(ONE).transpose(1, 2).flatten(2))
    assert (len(first), len(second)) == (2, 2)
    assert (torch.as_tensor(second[0].map.numpy()) - expected(other, X[1])).abs().max() < 1e-6


def test_sessions_that_end_in_the_order_they_began(layer):
    other = Attention(layer.attend)
    first, second = visualizer.capture(layer), visualizer.capture(other)
    runs = first.start(), second.start()
    layer(ONE)
    other(ONE)
    first.stop()
    layer(ONE)
    other(ONE)
    second.stop()
    assert [len(run) for run in runs] == [1, 2]
    compiled = torch.compile(lambda: torch.compiler.is_compiling(), backend="eager")
    assert compiled()  # torch's compiler is as it was


@pytest.mark.parametrize("error", [KeyError("key"), KeyboardInterrupt(), SystemExit(1), GeneratorExit()])
def test_an_exception_of_the_model_ends_the_recording(layer, error):
    def call(inner, x):
        inner(x)
        raise error

    model = Outer(layer, call)
    session = visualizer.capture(model)
    with pytest.raises(type(error)) as caught, session:
        model(ONE)
    assert caught.value is error
    check(session.run, layer, ONE, "inner")
    layer(ONE)
    assert len(session.run) == 1
    has_kernel = torch._C._dispatch_has_kernel_for_dispatch_key
    assert not has_kernel("aten::_softmax", "BackendSelect")
    assert not has_kernel("aten::scaled_dot_product_attention", "FuncTorchDynamicLayerFrontMode")


def test_forwards_that_are_generators(layer):
    class Steps(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = layer

        def forward(self, x):
            for sample in x:
                yield self.inner(sample)

    model = Steps()
    alone = list(model(X))
    with visualizer.capture(model) as run:
        during = list(model(X))
    assert same(alone, during)
    for call, sample in zip(run, X, strict=True):
        assert (torch.as_tensor(call.map.numpy()) - expected(layer, sample)).abs().max() < 1e-6
    begun = model(X)
    next(begun)
    with visualizer.capture(model) as run:
        next(begun)
    next(begun)
    check(run, layer, X[1], "inner")
