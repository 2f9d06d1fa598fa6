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


if __name__ == "__main__":
    torch.set_num_threads(1)
    globals()[sys.argv[1]]()
