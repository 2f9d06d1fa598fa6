"""flex attention, compiled and not: its maps next to the formula, and the call run as it would have been."""

import sys
import threading
import warnings
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn.attention import flex_attention as module
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention

import visualizer
from visualizer.errors import VisualizerError

N, X = 9, torch.randn(2, 9, 32, generator=torch.Generator().manual_seed(0))
DOCUMENTS = torch.arange(N) // 4
PLACES = torch.arange(N)


@pytest.fixture(autouse=True)
def _apart():
    """Compile each test's functions anew, and let torch warn of uncompiled calls."""
    torch._dynamo.reset()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.filterwarnings("ignore", "flex_attention called without torch.compile")
        warnings.filterwarnings("ignore", "return_lse is deprecated")
        warnings.filterwarnings(
            "ignore", category=DeprecationWarning
        )  # of the compiler's own imports and code
        yield


class Backend:
    """A compiler of graphs that counts how many it was given, and how often they ran."""

    def __init__(self):
        self.graphs = self.runs = 0

    def __call__(self, graph, _):
        self.graphs += 1

        def run(*inputs):
            self.runs += 1
            return graph(*inputs)

        return run


class Attention(nn.Module):
    def __init__(self, attend=flex_attention, heads=4, **options):
        super().__init__()
        torch.manual_seed(0)
        self.to_q, self.to_kv = nn.Linear(32, 32), nn.Linear(32, 16 * heads)
        self.attend, self.heads, self.options = attend, heads, options

    def forward(self, x):
        self.q = self.to_q(x).unflatten(-1, (4, 8)).transpose(1, 2)
        self.k, v = self.to_kv(x).unflatten(-1, (2, self.heads, 8)).transpose(1, 3).unbind(2)
        output = self.attend(self.q, self.k, v, **self.options)
        return output[0] if isinstance(output, tuple) else output


def logits(layer, scale=8**-0.5):
    k = layer.k.double().repeat_interleave(4 // layer.heads, 1)
    return layer.q.double() @ k.transpose(-1, -2) * scale


def causal_documents(batch, head, i, j):
    return (i >= j) & (DOCUMENTS[i] == DOCUMENTS[j])


def nearer(score, batch, head, i, j):
    return score * (1 + head) - (i - j).abs()


BLOCKS = create_block_mask(causal_documents, None, None, N, N, device="cpu")
SEEN = causal_documents(0, 0, PLACES[:, None], PLACES)
SLOPED = (1 + torch.arange(4))[:, None, None], (PLACES[:, None] - PLACES).abs()
CASES = {
    "plain": ({}, lambda layer: logits(layer)),
    "scale": ({"scale": 0.7}, lambda layer: logits(layer, 0.7)),
    "score_mod": ({"score_mod": nearer}, lambda layer: logits(layer) * SLOPED[0] - SLOPED[1]),
    "block_mask": ({"block_mask": BLOCKS}, lambda layer: logits(layer).masked_fill(~SEEN, -torch.inf)),
    "grouped": ({"enable_gqa": True, "heads": 2}, lambda layer: logits(layer)),
    "return_lse": ({"return_lse": True}, lambda layer: logits(layer)),
    "all": (
        {"score_mod": nearer, "block_mask": BLOCKS, "scale": 0.2, "enable_gqa": True, "heads": 1},
        lambda layer: (logits(layer, 0.2) * SLOPED[0] - SLOPED[1]).masked_fill(~SEEN, -torch.inf),
    ),
}


def error(run, expected, path=""):
    return float((torch.as_tensor(run[path].numpy()) - expected.softmax(-1)).abs().max())


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    ("case", "mode"), [*((case, torch.no_grad) for case in CASES), ("all", torch.inference_mode)]
)
def test_the_map_is_the_softmax_of_what_the_functions_make(case, compiled, mode):
    options, expected = CASES[case]
    backend = Backend()
    layer = Attention(
        torch.compile(flex_attention, backend=backend) if compiled else flex_attention, **options
    )
    with mode():
        alone = layer(X)
        graphs, runs = backend.graphs, backend.runs
        with visualizer.capture(layer) as run:
            during = layer(X)
    assert torch.equal(alone, during)
    assert [call.how for call in run] == ["flex_attention, compiled" if compiled else "flex_attention"]
    assert error(run, expected(layer)) < 1e-6
    assert run.checks.compared == 1
    assert run.checks.largest < 1e-5
    assert backend.graphs == graphs  # what was compiled before is used
    assert backend.runs - runs == int(compiled)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_gradients_are_autograds_of_the_formula(case, compiled):
    """Of frozen weights: on a CPU the function refuses tensors that need a gradient."""
    options, expected = CASES[case]
    attend = torch.compile(flex_attention, backend=Backend()) if compiled else flex_attention
    layer, twin = (Attention(attend, **options).requires_grad_(False) for _ in range(2))
    twin.attend = lambda q, k, v, **_: kept(twin, v)

    def kept(twin, v):
        twin.map = expected(twin).softmax(-1).requires_grad_()
        return twin.map @ v.repeat_interleave(4 // twin.heads, 1)

    with torch.enable_grad():
        with visualizer.capture(layer, gradients=True) as run:
            loss = layer(X).mul_(2).square().sum()
        (wanted,) = torch.autograd.grad((2 * twin.double()(X.double())).square().sum(), twin.map)
    assert (run.gradients(loss)[""].tensor() - wanted).abs().max() < 1e-5 * wanted.abs().max()


@pytest.mark.parametrize("compiled", [False, True])
def test_a_second_layer_runs_on_and_cuts_the_first_ones_gradient(compiled):
    attend = torch.compile(flex_attention, backend=Backend()) if compiled else flex_attention
    model = nn.ModuleList(Attention(attend).requires_grad_(False) for _ in range(2))
    with torch.enable_grad():
        alone = model[1](model[0](X).transpose(1, 2).flatten(2))
        with visualizer.capture(model, gradients=True) as run:
            during = model[1](model[0](X).transpose(1, 2).flatten(2))
        assert torch.equal(alone, during)
        with pytest.raises(VisualizerError, match=r"no gradient of what the model did later, flex_attention"):
            run.gradients(during.sum())
        assert run[1:].gradients(during.sum())["1"].shape == (2, 4, 9, 9)


def test_everything_is_as_it_was_after_the_block():
    codes = flex_attention.__code__, create_block_mask.__code__
    Attention()(X)  # torch's compiler gives the module names of its own
    before = set(vars(module)), set(vars(sys.modules["builtins"]))

    def interrupted(*tensors, **options):
        assert flex_attention.__code__ is not codes[0]
        flex_attention(*tensors, **options)
        raise KeyboardInterrupt

    layer = Attention(interrupted)
    with pytest.raises(KeyboardInterrupt), visualizer.capture(layer):
        layer(X)
    assert (flex_attention.__code__, create_block_mask.__code__) == codes
    assert flex_attention.__code__ is codes[0]
    assert (set(vars(module)), set(vars(sys.modules["builtins"]))) == before
    assert torch._dynamo.eval_frame._stance.stance == "default"


def test_a_compiled_call_compiles_nothing_again_after_the_block():
    backend = Backend()
    layer = Attention(torch.compile(flex_attention, backend=backend, fullgraph=True))
    with visualizer.capture(layer) as run:
        layer(X)
    assert (backend.graphs, backend.runs) == (1, 1)
    layer(X)
    assert (backend.graphs, backend.runs) == (1, 2)
    assert len(run) == 1


def test_in_a_compiled_model_the_call_alone_is_compiled():
    backend = Backend()
    layer = Attention(block_mask=BLOCKS)
    model = torch.compile(layer, backend=backend)
    alone = model(X)
    graphs = backend.graphs
    with visualizer.capture(model) as run:
        during = model(X)
    assert (alone - during).abs().max() < 1e-6
    assert run[0].how == "flex_attention, compiled"
    assert backend.graphs == graphs + 1
    assert error(run, CASES["block_mask"][1](layer)) < 1e-6
    model(X)
    assert backend.graphs == graphs + 1


def test_a_call_that_is_kept_from_the_compiler_stays_uncompiled():
    layer = Attention(torch.compiler.disable(flex_attention))
    model = torch.compile(layer, backend=Backend())
    model(X)
    with visualizer.capture(model) as run:
        model(X)
    assert [call.how for call in run] == ["flex_attention"]


def test_a_compiled_block_mask_is_made_compiled():
    backend = Backend()
    make = torch.compile(create_block_mask, backend=backend)

    class Masked(Attention):
        def forward(self, x):
            self.options = {"block_mask": make(causal_documents, None, None, N, N, device="cpu")}
            return super().forward(x)

    layer = Masked()
    layer(X)
    graphs, runs = backend.graphs, backend.runs
    with visualizer.capture(layer) as run:
        layer(X)
    assert backend.graphs == graphs
    assert backend.runs > runs
    assert error(run, CASES["block_mask"][1](layer)) < 1e-6


def test_a_mask_of_blocks_alone_hides_where_it_is_compiled():
    blocks = torch.eye(3, dtype=torch.int32).expand(1, 1, 3, 3).bool()
    counts, indices = blocks.sum(-1, dtype=torch.int32), torch.arange(3).expand(1, 1, 3, 3).clone().int()
    indices[0, 0, :, 0] = torch.arange(3)
    mask = BlockMask.from_kv_blocks(counts, indices, BLOCK_SIZE=3, seq_lengths=(N, N))
    seen = (PLACES[:, None] // 3) == (PLACES // 3)

    def sparse(q, k, v, block_mask):
        """What the compiled kernel computes: only the blocks that are there."""
        return flex_attention(q, k, v, block_mask=block_mask)

    layer = Attention(torch.compile(sparse, backend=Backend()), block_mask=mask)
    with visualizer.capture(layer) as run:
        layer(X)
    assert error(run, logits(layer).masked_fill(~seen, -torch.inf)) < 1e-6
    layer = Attention(block_mask=mask)
    with visualizer.capture(layer) as run:
        layer(X)
    assert error(run, logits(layer)) < 1e-6
    assert run.checks.largest < 1e-5


@pytest.mark.parametrize("queries", ["last", slice(2, 5), slice(1, 9, 3)])
def test_chosen_queries_are_told_their_own_places(queries):
    options, expected = CASES["all"]
    layer = Attention(**options)
    with visualizer.capture(layer, queries=queries) as run:
        layer(X)
    rows = slice(-1, None) if queries == "last" else queries
    assert error(run, expected(layer)[:, :, rows]) < 1e-6


def test_what_a_function_closes_over_is_held_as_it_was():
    offset, table = torch.tensor(2), torch.zeros(N, N)

    def inner(i, j, add=1.0):
        return table[i, j] * add + offset

    part = partial(inner, add=3.0)

    def shifted(score, batch, head, i, j):
        return score + part(i, j) * j

    layer = Attention(score_mod=shifted)
    with visualizer.capture(layer) as run:
        layer(X)
    offset.add_(5)
    table.add_(1)
    assert error(run, logits(layer) + 2 * PLACES) < 1e-6


def test_a_large_tensor_that_was_changed_since_is_told():
    bias = torch.zeros(100, 100)
    layer = Attention(score_mod=lambda score, b, h, i, j: score + bias[i, j])
    with visualizer.capture(layer) as run:
        layer(X)
    assert error(run, logits(layer)) < 1e-6
    bias.add_(1)
    with pytest.raises(VisualizerError, match="changed in place"):
        run[""].numpy()


def test_a_large_tensor_of_inference_mode_is_held_as_it_was():
    with torch.inference_mode():
        bias = torch.zeros(100, 100)
        layer = Attention(score_mod=lambda score, b, h, i, j: score + bias[i, j] * j)
        with visualizer.capture(layer) as run:
            layer(X)
        bias.add_(1)
        assert error(run, logits(layer)) < 1e-6


def test_threads_are_recorded_each_with_its_own_calls():
    backend = Backend()
    compiled = torch.compile(flex_attention, backend=backend)
    model = nn.ModuleList(Attention(compiled, scale=0.1 + i) for i in range(4))
    for layer in model:
        layer(X)

    def work(layer):
        with torch.no_grad():
            layer(X)

    with visualizer.capture(model) as run:
        threads = [threading.Thread(target=work, args=(layer,)) for layer in model]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert torch._dynamo.eval_frame._stance.stance == "force_eager"
    assert sorted(call.path for call in run) == ["0", "1", "2", "3"]
    for i, layer in enumerate(model):
        assert error(run, logits(layer, 0.1 + i), str(i)) < 1e-6


def test_an_error_of_the_call_is_the_models_own():
    layer = Attention(heads=2)
    with pytest.raises(ValueError, match="same number of heads"), visualizer.capture(layer):
        layer(X)


def test_the_functions_signature_errors_are_its_own():
    with visualizer.capture(nn.Identity()), pytest.raises(TypeError, match="flex_attention"):
        flex_attention(X)


def test_transformers_models_with_flex_attention(monkeypatch):
    transformers = pytest.importorskip("transformers")
    from transformers.integrations import flex_attention as integration

    backend = Backend()
    wrapped = integration.WrappedFlexAttention(False)
    monkeypatch.setattr(wrapped, "_compiled_flex_attention", torch.compile(flex_attention, backend=backend))
    config = transformers.Gemma2Config(
        vocab_size=50, hidden_size=32, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, head_dim=8, query_pre_attn_scalar=8, sliding_window=8,
    )  # fmt: skip
    torch.manual_seed(0)
    model = transformers.Gemma2Model(config).eval()
    model.config._attn_implementation = "flex_attention"
    ids = torch.randint(0, 50, (2, 150))
    mask = torch.ones_like(ids)
    mask[0, :7] = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        alone = model(ids, attention_mask=mask).last_hidden_state
        with visualizer.capture(model) as run:
            during = model(ids, attention_mask=mask).last_hidden_state
        model.config._attn_implementation = "eager"
        expected = model(ids, attention_mask=mask, output_attentions=True).attentions
    assert torch.equal(alone, during)
    assert backend.runs == 4
    for i, weights in enumerate(expected):
        found = torch.as_tensor(run[f"layers.{i}.self_attn"].numpy())
        assert (found - weights)[0, :, 7:].abs().max() < 1e-6
        assert (found - weights)[1].abs().max() < 1e-6
