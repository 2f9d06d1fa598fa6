"""The modes that a model may run in: the same maps, and the output to the last bit."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn
from torch._dynamo.utils import counters
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.checkpoint import checkpoint

import visualizer

from .formulas import HEADS, Attention, Cases, check, compare, inputs, layer, logits, ran, softmax

case = Cases()


def by_hand(q, k, v):
    return logits(q, k).softmax(-1) @ v


def fused(q, k, v):
    return functional.scaled_dot_product_attention(q, k, v)


def each_way(mode):
    """Add a mode for attention by hand and for the fused one."""
    for core in (by_hand, fused):

        def run(q, k, v, core=core):
            return mode(core, q, k, v)

        run.__name__ = f"{mode.__name__}-{core.__name__}"
        case()(run)


class Plain(torch.Tensor):
    """A subclass of tensors that adds nothing."""


class Passing(TorchDispatchMode):
    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        return function(*args, **(kwargs or {}))


class Function(torch.autograd.Function):
    @staticmethod
    def forward(ctx, core, q, k, v):
        return core(q, k, v)

    @staticmethod
    def backward(ctx, gradient):
        return None, gradient, gradient, gradient


@each_way
def checkpointed(core, q, k, v):
    return checkpoint(core, q, k, v, use_reentrant=False)


@each_way
def checkpointed_reentrant(core, q, k, v):
    return checkpoint(core, q, k, v, use_reentrant=True)


@each_way
def autograd_function(core, q, k, v):
    return Function.apply(core, q, k, v)


@each_way
def inference_mode(core, q, k, v):
    with torch.inference_mode():
        return core(q, k, v)


@each_way
def vmapped_twice(core, q, k, v):
    return torch.func.vmap(torch.func.vmap(core))(q, k, v)


@each_way
def functionalized(core, q, k, v):
    return torch.func.functionalize(core)(q, k, v)


@each_way
def tensor_subclass(core, q, k, v):
    return core(*(tensor.as_subclass(Plain) for tensor in (q, k, v))).as_subclass(torch.Tensor)


@each_way
def dispatch_mode(core, q, k, v):
    with Passing():
        return core(q, k, v)


@each_way
def fake_tensors_before(core, q, k, v):
    given = [tensor.detach() for tensor in (q, k, v)]
    with FakeTensorMode() as mode:
        core(*map(mode.from_tensor, given))
    return core(q, k, v)


@each_way
def forked(core, q, k, v):
    return torch.jit.wait(torch.jit.fork(core, q, k, v))


@each_way
def another_thread(core, q, k, v):
    found, gradients = [], torch.is_grad_enabled()

    def run():
        with torch.set_grad_enabled(gradients):
            found.append(core(q, k, v))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0]


@pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad")  # reentrant, without gradients
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
@pytest.mark.parametrize("gradients", [False, True])
@pytest.mark.parametrize("name", case)
def test_the_maps_are_the_formulas(name, gradients):
    check(*case[name], gradients=gradients)


@pytest.mark.parametrize("reentrant", [False, True])
@pytest.mark.parametrize("core", [by_hand, fused])
def test_a_checkpoint_is_recorded_once(core, reentrant):
    model = layer(lambda q, k, v: checkpoint(core, q, k, v, use_reentrant=reentrant))
    with visualizer.capture(model) as run:
        model(inputs()).sum().backward()
    assert len(run) == 1
    assert run.checks.total == 1


@pytest.mark.parametrize("core", [by_hand, fused])
def test_dropout_is_left_out_of_the_map_and_of_the_check(core):
    def dropped(q, k, v):
        if core is fused:
            return functional.scaled_dot_product_attention(q, k, v, dropout_p=0.3)
        return functional.dropout(logits(q, k).softmax(-1), 0.3) @ v

    model = layer(dropped).train()
    alone = ran(model, inputs())
    with visualizer.capture(model) as run:
        assert torch.equal(ran(model, inputs()), alone)
    compare(run, [softmax(*model.split(inputs())[:2])])
    assert run[0].error is None
    assert "checked" not in repr(run)


@pytest.mark.parametrize("core", [by_hand, fused])
def test_autocast_records_what_the_products_saw(core):
    model = layer(core)
    with torch.autocast("cpu", torch.bfloat16):
        alone = model(inputs())
        with visualizer.capture(model) as run:
            assert torch.equal(model(inputs()), alone)
        q, k, _ = model.split(inputs())
    assert q.dtype == torch.bfloat16
    compare(
        run, [softmax(q, k)], tolerance=1e-5 if core is fused else 2e-2
    )  # by hand the logits are bfloat16


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 4e-2), (torch.float16, 5e-3)])
@pytest.mark.parametrize("core", [by_hand, fused])
def test_a_model_of_half_precision(core, dtype, tolerance):
    model, x = layer(core).to(dtype), inputs().to(dtype)
    alone = model(x)
    with visualizer.capture(model) as run:
        assert torch.equal(model(x), alone)
    q, k, _ = model.split(x)
    compare(run, [softmax(q, k)], tolerance=1e-5 if core is fused else tolerance)  # by hand it is rounded


class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = layer(by_hand), layer(fused)

    def forward(self, x):
        return self.second(x + self.first(x).transpose(1, 2).flatten(2))


@torch.no_grad()
def test_a_compiled_model_runs_uncompiled_and_is_compiled_again_without_recompiling():
    torch._dynamo.reset()
    counters.clear()
    model = Pair()
    compiled = torch.compile(model, backend="eager")
    compiled(inputs())
    before = dict(counters["frames"])
    with visualizer.capture(compiled) as run:
        output = compiled(inputs())
    assert torch.equal(output, model(inputs()))
    assert run.paths == ["first", "second"]
    compiled(inputs())
    assert dict(counters["frames"]) == before


@torch.no_grad()
def test_a_model_compiled_within_a_recording_runs():
    torch._dynamo.reset()
    model = Pair()
    with visualizer.capture(model) as run:
        output = torch.compile(model, backend="eager")(inputs())
    assert torch.equal(output, model(inputs()))
    assert run.paths == ["first", "second"]


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
@torch.no_grad()
def test_calls_in_torchscript_belong_to_the_nearest_python_module_and_say_so():
    model = Pair()
    traced = nn.Sequential(torch.jit.trace(model, inputs(), check_trace=False))
    with visualizer.capture(traced) as run:
        output = traced(inputs())
    assert torch.equal(output, model(inputs()))
    assert [(call.path, call.number) for call in run] == [("0", 0), ("0", 1)]
    assert {call.note for call in run} == {
        "ran in TorchScript, which does not say which of its modules made the call"
    }


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
@torch.no_grad()
def test_a_scripted_function_belongs_to_the_module_that_calls_it():
    @torch.jit.script
    def scripted(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor):
        return torch.matmul(torch.softmax(torch.matmul(q, k.transpose(-1, -2)) * 0.5, -1), v)

    model = layer(scripted)
    with visualizer.capture(model) as run:
        model(inputs())
    compare(run, [softmax(*model.split(inputs())[:2], scale=0.5)])
    assert run[0].note == ""


@pytest.mark.parametrize("core", [by_hand, fused])
def test_a_traced_graph_holds_the_model_alone(core):
    q, k, v = layer(core).split(inputs())
    alone = make_fx(core)(q, k, v)
    with visualizer.capture(layer(core)):
        recorded = make_fx(core)(q, k, v)
    assert recorded.code == alone.code


@pytest.mark.parametrize("core", [by_hand, fused])
def test_threads_keep_their_calls_apart(core):
    model, x = layer(core).requires_grad_(False), inputs()
    with visualizer.capture(model) as run, ThreadPoolExecutor(4) as pool:
        outputs = list(pool.map(model, [x * scale for scale in range(8)]))
    assert len(run) == 8
    for scale, output in enumerate(outputs):
        assert torch.equal(output, model(x * scale))
    shown = sorted(float(call.map.entropy().mean()) for call in run)
    wanted = [softmax(*model.split(x * scale)[:2]) for scale in range(8)]
    entropies = sorted(float(torch.special.entr(one).sum(-1).mean()) for one in wanted)
    assert shown == pytest.approx(entropies, rel=1e-4)


# -- modules ----------------------------------------------------------------------------------------------


def test_a_shared_module_has_all_its_names():
    shared = layer(fused)
    model = nn.ModuleDict({"a": shared, "b": shared})
    with visualizer.capture(model) as run:
        model["a"](inputs()), model["b"](inputs())
    assert [(call.path, call.number, call.paths) for call in run] == [
        ("a", 0, ("a", "b")),
        ("a", 1, ("a", "b")),
    ]
    assert len(run.calls("b")) == 2


def test_a_module_called_in_a_loop_has_numbered_calls():
    model = layer(lambda q, k, v: torch.cat([fused(q, k, v) for q in q.split(3, 2)], 2))
    with visualizer.capture(model) as run:
        model(inputs())
    assert [call.number for call in run] == [0, 1, 2]
    assert {call.shape for call in run} == {(2, HEADS, 3, 9)}


def test_a_function_outside_modules_is_not_of_the_model():
    model, (q, k, v) = layer(fused), layer(fused).split(inputs())
    with visualizer.capture(model) as run:
        fused(q, k, v)
        by_hand(q, k, v)
        model(inputs())
    assert len(run) == 1


def test_two_models_are_kept_apart_and_sessions_may_cross():
    left, right = layer(by_hand), layer(fused)
    one, two = visualizer.capture(left), visualizer.capture(right)
    first = one.start()
    second = two.start()
    left(inputs()), right(inputs())
    one.stop()
    left(inputs()), right(inputs())
    two.stop()
    left(inputs()), right(inputs())
    assert (len(first), len(second)) == (1, 2)


def test_two_sessions_of_one_model_both_record():
    model = Pair()
    with visualizer.capture(model) as outer, visualizer.capture(model.second) as inner:
        model(inputs())
    assert (outer.paths, inner.paths) == (["first", "second"], [""])


def test_a_model_that_fails_leaves_what_was_recorded_and_nothing_behind():
    class Failing(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = Attention(fused)

        def forward(self, x):
            self.attention(x)
            raise KeyError("mine")

    model = Failing()
    session = visualizer.capture(model)
    run = session.start()
    with pytest.raises(KeyError, match="mine"):
        model(inputs())
    session.stop()
    assert run.paths == ["attention"]
