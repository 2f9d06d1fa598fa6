"""Runs in a process of its own, beside one of the tools that wrap models or trace them."""

import sys

import torch
import transformers

import visualizer

IDS = torch.arange(12).view(2, 6)
PATHS = ["transformer.h.0.attn", "transformer.h.1.attn"]
CAUSAL = torch.ones(6, 6).tril()
UNIFORM = CAUSAL / CAUSAL.sum(-1, keepdim=True)


def new_model():
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=30, n_embd=32, n_layer=2, n_head=4, n_positions=16, bos_token_id=0, eos_token_id=0
    )
    return transformers.GPT2LMHeadModel(config).eval()


def recorded(model):
    with torch.no_grad(), visualizer.capture(model) as run:
        output = model(IDS).logits
    return run, output


def compare(run, output):
    plain, expected = recorded(new_model())
    assert torch.equal(output, expected)
    for call, wanted in zip(run, plain, strict=True):
        assert torch.equal(call.map.tensor(), wanted.map.tensor())


def offloaded():
    import accelerate

    run, output = recorded(accelerate.cpu_offload(new_model()))
    assert run.paths == PATHS
    compare(run, output)


def device_map():
    import accelerate

    run, output = recorded(accelerate.dispatch_model(new_model(), device_map={"": "cpu"}))
    assert run.paths == PATHS
    compare(run, output)


def adapters():
    import peft

    model = new_model()
    options = peft.LoraConfig(r=2, target_modules=["c_attn"], fan_in_fan_out=True)
    run, output = recorded(peft.get_peft_model(model, options))
    assert run.paths == [f"base_model.model.{path}" for path in PATHS]
    compare(run, output)
    assert recorded(model)[0].paths == PATHS


def nnsight_trace():
    import nnsight

    model = new_model()
    traced = nnsight.NNsight(model)
    with visualizer.capture(model) as run, traced.trace(IDS):
        traced.transformer.h[0].attn.c_attn.output[:] = 0
    assert run.paths == PATHS
    torch.testing.assert_close(run[PATHS[0]].tensor(), UNIFORM.expand(2, 4, 6, 6))
    compare(*recorded(model))


def patterns_of(model, hooks):
    """Return the maps that the model's own hook points show, and its output."""
    patterns = []
    points = [f"blocks.{layer}.attn.hook_pattern" for layer in range(2)]
    shown = [(point, lambda pattern, hook: patterns.append(pattern.clone())) for point in points]
    output = model.run_with_hooks(IDS, fwd_hooks=hooks + shown)
    return patterns, output


@torch.no_grad()
def hooked(point, *edits):
    from transformer_lens.model_bridge.sources import build_bridge_from_module

    bridged = new_model()
    model = build_bridge_from_module(bridged, "GPT2LMHeadModel", hf_config=bridged.config)
    untouched, _ = patterns_of(model, [])
    for edit in edits:
        hooks = [(f"blocks.0.attn.{point}", edit)]
        patterns, alone = patterns_of(model, hooks)
        with visualizer.capture(model) as run:
            assert torch.equal(model.run_with_hooks(IDS, fwd_hooks=hooks), alone)
        assert run.paths == [f"blocks.{layer}._original_component.attn" for layer in range(2)]
        assert not torch.equal(patterns[0], untouched[0])
        for call, pattern in zip(run, patterns, strict=True):
            assert torch.equal(call.map.tensor(), pattern)


def zeroed(pattern, hook):
    pattern[:, 1] = 0
    return pattern


def zeroed_in_a_copy(pattern, hook):
    return zeroed(pattern.clone(), hook)


def reversed_tokens(queries, hook):
    return queries.flip(1)


def transformer_lens_heads():
    hooked("hook_pattern", zeroed, zeroed_in_a_copy, lambda pattern, hook: pattern[:, [1, 0, 2, 3]])


def transformer_lens_queries():
    hooked("hook_q", reversed_tokens)
    hooked("hook_attn_scores", lambda scores, hook: scores * 3)


def transformer_lens_patterns():
    other = zeroed(UNIFORM.repeat(2, 4, 1, 1), None)
    noise = torch.randn(2, 4, 6, 6)
    hooked("hook_pattern", lambda pattern, hook: other, lambda pattern, hook: pattern + noise)


def torchlens_trace():
    """It runs the model twice: once to see what there is, once to keep what is asked for."""
    import torchlens

    def trace(model):
        chosen = {"save": torchlens.func("softmax"), "capture": capture}
        with torch.no_grad():
            found = torchlens.trace(model, [IDS], {}, **chosen)
        return [op.out for layer in found.layers for op in layer.ops if op.has_saved_activation]

    capture = torchlens.options.CaptureOptions(unwrap_when_done=True)
    model = new_model()
    model.set_attn_implementation("eager")
    alone = trace(model)
    with visualizer.capture(model) as run:
        softmaxes = trace(model)
    assert run.paths == PATHS
    for number, call in enumerate(run):
        assert torch.equal(softmaxes[number % 2], alone[number % 2])
        assert torch.equal(call.map.tensor(), alone[number % 2])
    compare(*recorded(new_model()))


class LastLogits(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, ids):
        return self.model(ids).logits[:, -1]


def captum_attribution():
    from captum.attr import LayerGradientXActivation

    model = new_model()
    attribution = LayerGradientXActivation(LastLogits(model), model.transformer.h[1].attn.c_proj)
    alone = attribution.attribute(IDS, target=3)[0]
    with visualizer.capture(model) as run:
        assert torch.equal(attribution.attribute(IDS, target=3)[0], alone)
    plain, _ = recorded(new_model())
    for call, wanted in zip(run, plain, strict=True):
        assert torch.equal(call.map.tensor(), wanted.map.tensor())


if __name__ == "__main__":
    torch.set_num_threads(1)
    globals()[sys.argv[1]]()
