"""An empty run says why it is empty, and what to do."""

import copy
import multiprocessing

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import visualizer
from visualizer.errors import CallsError, MemoryBudgetError, OptionError


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(32, 96)

    def forward(self, x):
        q, k, v = self.qkv(x).unflatten(-1, (3, 4, 8)).transpose(1, 3).unbind(2)
        return functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


class LinearAttention(nn.Module):
    def forward(self, x):
        q, k = functional.elu(x) + 1, functional.elu(x) + 1
        return q @ (k.transpose(-1, -2) @ x) / (q @ k.sum(-2)[..., None])


class Router(nn.Module):
    def __init__(self):
        super().__init__()
        self.route, self.experts = nn.Linear(32, 3), nn.ModuleList([nn.Linear(32, 32) for _ in range(3)])

    def forward(self, x):
        weights = self.route(x).softmax(-1)
        return sum(weights[..., n, None] * expert(x) for n, expert in enumerate(self.experts))


class OutOfSight(nn.Module):
    """Attention that torch's dispatcher does not see, as it sees no replayed graph and no other engine."""

    def forward(self, x):
        rows = x.numpy()
        weights = np.exp(rows @ rows.swapaxes(1, 2) / 32)
        return torch.from_numpy(weights / weights.sum(-1, keepdims=True) @ rows)


@pytest.fixture
def paged():
    """A model on a kernel like that of flash-attn 3, whose keys come in pages."""
    library = torch.library.Library("flash_attn_standin", "DEF")
    library.define("fwd(Tensor q, Tensor k, Tensor v, Tensor? page_table=None) -> Tensor")
    library.impl("fwd", lambda q, k, v, page_table=None: torch.empty_like(q), "CPU")

    class Paged(nn.Module):
        def forward(self, x):
            x = x.unflatten(-1, (4, 8))
            return torch.ops.flash_attn_standin.fwd(x, x, x, torch.zeros(2, 1))

    yield Paged()
    library._destroy()


X = torch.randn(2, 5, 32)


def record(model, *, call=None, **options):
    with visualizer.capture(model, **options) as run:
        (call or model)(X)
    return run


def test_the_model_was_never_called():
    with visualizer.capture(Attention()) as run:
        pass
    assert "the Attention was not called while recording: call it within the block" in repr(run)


def test_the_recording_was_not_started():
    run = visualizer.capture(Attention()).run
    assert run.why_empty().startswith("the recording was not started: enter it")


def test_another_method_than_forward_was_called():
    class Encoder(Attention):
        def encode(self, x):
            return x + 1

    run = record(model := Encoder(), call=model.encode)
    assert "if another method than forward was, it met no softmax or fused attention" in run.why_empty()


def test_a_router_was_called_by_another_method_than_forward():
    class Chooser(Router):
        def choose(self, x):
            return self.route(x).softmax(-1)

    run = record(model := Chooser(), call=model.choose)
    assert "the Chooser ran, and of 1 softmaxes none met an activation" in run.why_empty()


def test_another_model_was_called():
    run = record(Attention(), call=Attention())
    assert "1 call was seen of modules that are not this Attention's" in run.why_empty()


def test_a_copy_was_called():
    model = Attention()
    run = record(model, call=copy.deepcopy(model))
    assert "give capture the model that is called, not a copy or a part of it" in run.why_empty()


def test_an_exported_graph_was_called():
    model = Attention().eval()
    run = record(model, call=torch.export.export(model, (X,)).module())
    assert "1 call was seen of modules that are not this Attention's" in run.why_empty()


def test_the_model_ran_in_another_process():
    model = nn.MultiheadAttention(32, 4)  # what another process can import
    with visualizer.capture(model) as run:
        process = multiprocessing.get_context("spawn").Process(target=model, args=(X, X, X))
        process.start()
        process.join()
    assert process.exitcode == 0
    assert "the MultiheadAttention was not called while recording" in run.why_empty()


def test_the_module_that_was_meant_has_no_attention():
    model = nn.Sequential(Attention(), nn.Linear(32, 32))
    assert record(model, modules="1").why_empty() == "everything was left out: 1 by modules="


def test_a_predicate_left_everything_out():
    run = record(Attention(), modules=lambda _path, _module: False)
    assert run.why_empty() == "everything was left out: 1 by modules="


def test_a_pattern_that_no_module_has_is_refused_at_once():
    with pytest.raises(OptionError, match=r"no module of the Sequential has such a path; there are "):
        visualizer.capture(nn.Sequential(Attention()), modules="layers.*")


def test_every_and_first_are_counted():
    model = Attention()
    session = visualizer.capture(model, first=1)
    run = session.start()
    model(X)
    model(X)
    session.stop()
    assert len(run) == 1
    assert session.seen.left_out == {"every= or first=": 1}


def test_the_budget_was_too_small():
    model = Attention()
    session = visualizer.capture(model, budget=100)
    run = session.start()
    model(X)
    with pytest.raises(
        MemoryBudgetError, match=r"budget of 100 bytes: 0 bytes were held, and call 0 of the model"
    ):
        session.stop()
    assert run.why_empty() == "everything was left out: 1 by budget="


def test_a_token_mixer_has_no_map():
    run = record(LinearAttention())
    assert "the LinearAttention ran without any softmax or fused attention" in run.why_empty()


def test_what_does_not_pass_the_dispatcher_is_not_seen():
    assert "the OutOfSight ran without any softmax or fused attention" in record(OutOfSight()).why_empty()


def test_a_router_is_no_attention():
    run = record(Router())
    assert "of 1 softmaxes none met an activation (softmax of shape (2, 5, 3) in " in run.why_empty()
    assert "Router.forward, line " in run.why_empty()


def test_tensors_without_numbers_are_refused():
    model = Attention().to("meta")
    run = record(model, call=lambda _: model(X.to("meta")))
    assert "1 call was seen but not recorded: their tensors have no numbers (on meta)" in run.why_empty()


def test_a_kernel_is_called_in_a_way_that_is_not_read(paged):
    run = record(paged)
    assert (
        "1 call was seen but not recorded: flash_attn_standin::fwd was called with a paged" in run.why_empty()
    )


def test_only_the_backward_pass_was_recorded():
    model = Attention()
    y = torch.utils.checkpoint.checkpoint(model, X.clone().requires_grad_(), use_reentrant=True)
    with visualizer.capture(model) as run:
        y.sum().backward()
    assert "they were a checkpoint's second run, in the backward pass" in run.why_empty()


def test_asking_an_empty_run_for_a_map_says_why_it_is_empty():
    run = record(LinearAttention())
    with pytest.raises(
        CallsError, match=r"'attn' was asked for, but the run is empty: the LinearAttention ran"
    ):
        run["attn"]


def test_what_can_be_found():
    found = visualizer.find(nn.Sequential(Attention(), Router(), LinearAttention()), X)
    assert found.taken == [("0", "scaled_dot_product_attention", (2, 4, 5, 5))]
    assert len(found.left) == 1
    assert "1 attention calls can be captured" in repr(found)
    assert "left, as they met no activation" in repr(found)


def test_the_forward_failed_before_any_attention():
    model = Attention()
    with pytest.raises(RuntimeError), visualizer.capture(model) as run:
        model(X[..., :3])
    assert run.why_empty() == "a RuntimeError ended the block before anything was recorded"


def test_a_local_was_bound_on_another_way():
    class Branching(nn.Module):
        def forward(self, x):
            if x.sum() > 1e9:
                rare = x + 1
                return rare
            return x

    run = record(Branching(), locals="rare")
    assert run.why_empty() == "the Branching ran, but none of its forwards bound `rare` on the way it took"
