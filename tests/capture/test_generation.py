"""Generation: each step's keys held once, steps joined to one map, bytes linear in the number of steps."""

import numpy as np
import pytest
import torch
from tests.sharpening import sharpened

import visualizer
from visualizer.errors import CallsError

transformers = pytest.importorskip("transformers")
PATH = "model.layers.1.self_attn"


def make(kind="Llama", **options):
    torch.manual_seed(0)
    transformers.logging.set_verbosity_error()
    config = getattr(transformers, f"{kind}Config")(
        num_hidden_layers=2,
        hidden_size=64,
        num_attention_heads=4,
        num_key_value_heads=2,
        vocab_size=100,
        intermediate_size=64,
        max_position_embeddings=512,
        pad_token_id=0,
        eos_token_id=None,
        bos_token_id=None,
        **options,
    )
    return sharpened(getattr(transformers, f"{kind}ForCausalLM")(config), ("q_proj", "k_proj"), 8)


def generate(model, prompt, steps, mask=None, **options):
    mask = torch.ones_like(prompt) if mask is None else mask
    options = {"max_new_tokens": steps, "min_new_tokens": steps, "do_sample": False, **options}
    with torch.no_grad(), visualizer.capture(model) as run:
        tokens = model.generate(prompt, attention_mask=mask, **options)
    return run, tokens


def eager(model, tokens, mask=None):
    """The maps of the whole sequence from the model's own eager attention."""
    before = model.config._attn_implementation
    model.set_attn_implementation("eager")
    with torch.no_grad():
        maps = model(tokens, attention_mask=mask, output_attentions=True).attentions
    model.set_attn_implementation(before)
    return maps[1].numpy()


@pytest.fixture
def prompt():
    return torch.randint(1, 100, (2, 7), generator=torch.Generator().manual_seed(1))


@pytest.fixture(params=["sdpa", "eager"])
def attention(request):
    return request.param


@pytest.mark.parametrize("cache", ["dynamic", "static"])
def test_the_steps_join_to_the_map_of_the_whole_sequence(prompt, cache, attention):
    model = make(attn_implementation=attention)
    run, tokens = generate(model, prompt, 9, cache_implementation=cache)
    joined = run.stitched(PATH)
    whole = eager(model, tokens[:, :-1])
    assert np.abs(joined.numpy()[..., : whole.shape[-1]] - whole).max() < 1e-5


@pytest.mark.parametrize(
    "options", [{}, {"cache_implementation": "static"}, {"prefill_chunk_size": 3}], ids=str
)
def test_left_padding_stays_where_it_is(prompt, options, attention):
    model = make(attn_implementation=attention)
    mask = torch.ones_like(prompt)
    mask[0, :3] = 0
    run, tokens = generate(model, prompt, 5, mask, **options)
    whole = eager(model, tokens[:, :-1], torch.nn.functional.pad(mask, (0, 4), value=1))
    assert "3 padded queries left out" in repr(run.stitched(PATH))
    joined = run.stitched(PATH).numpy()[..., : whole.shape[-1]]
    assert np.abs(joined[1] - whole[1]).max() < 1e-5
    assert np.abs(joined[0, :, 3:] - whole[0, :, 3:]).max() < 1e-5
    assert not joined[0, :, 3:, :3].any()


@pytest.mark.parametrize("window", [4, 6, 12])
def test_a_sliding_window_leaves_evicted_keys_out(prompt, window, attention):
    model = make("Mistral", sliding_window=window, attn_implementation=attention)
    run, tokens = generate(model, prompt, 9)
    whole = eager(model, tokens[:, :-1])
    assert np.abs(run.stitched(PATH).numpy() - whole).max() < 1e-5
    assert not whole[..., -1, : 15 - window].any()


def test_sinks_and_layers_with_and_without_a_window_join(prompt):
    experts = {"num_local_experts": 2, "num_experts_per_tok": 1}
    model = make("GptOss", sliding_window=4, head_dim=16, **experts)
    run, tokens = generate(model, prompt, 5)
    assert "softmax in eager_attention_forward" in run[0].how
    assert np.abs(run.stitched(PATH).numpy() - eager(model, tokens[:, :-1])).max() < 1e-5
    assert run.stitched("model.layers.0.self_attn").shape == (2, 4, 11, 11)


def test_beams_change_places_and_are_not_joined(prompt, attention):
    model = make(attn_implementation=attention)
    run, _ = generate(model, prompt, 5, num_beams=3)
    with pytest.raises(CallsError, match="belong to [2-5] sequences"):
        run.stitched(PATH)


def test_an_encoder_is_a_sequence_at_each_call(attention):
    sizes = {"hidden_size": 64, "num_attention_heads": 4, "intermediate_size": 64, "num_hidden_layers": 2}
    config = transformers.BertConfig(vocab_size=100, attn_implementation=attention, **sizes)
    model, tokens = transformers.BertModel(config).eval(), torch.arange(8)[None]
    with torch.no_grad(), visualizer.capture(model) as run:
        model(tokens)
        model(tokens)
    path = "encoder.layer.0.attention.self"
    assert [call.sequence for call in run.calls(path)] == [0, 1]
    assert np.abs(run.stitched(path, 1).numpy() - run.calls(path)[0].map.numpy()).max() < 1e-6


@pytest.mark.parametrize(
    ("kind", "options", "generation"),
    [
        ("Llama", {}, {}),
        ("Llama", {}, {"cache_implementation": "static"}),
        ("Mistral", {"sliding_window": 16}, {}),
    ],
    ids=["dynamic", "static", "sliding"],
)
def test_bytes_are_linear_in_the_number_of_steps(prompt, kind, options, generation):
    model = make(kind, **options)
    mask = torch.ones_like(prompt)
    mask[0, :3] = 0
    held = [generate(model, prompt, steps, mask, **generation)[0].nbytes for steps in (50, 200)]
    every_key = 2 * 2 * 207 * 16 * 4  # of one layer: batch, key heads, positions, width, bytes
    queries_and_masks = 200 * 2 * (64 * 4 + 207)
    assert held[1] < 2 * (4 * every_key + queries_and_masks)
    assert held[1] < 4.5 * held[0]


def test_two_generations_are_two_sequences(prompt, attention):
    model = make(attn_implementation=attention)
    with torch.no_grad(), visualizer.capture(model) as run:
        for start in (prompt, prompt.flip(0)):
            model.generate(start, attention_mask=torch.ones_like(start), max_new_tokens=3, do_sample=False)
    with pytest.raises(CallsError, match="belong to 2 sequences: give sequence= one of"):
        run.stitched(PATH)
    with pytest.raises(CallsError, match=r"sequence 9 of .*, but its calls belong to \[0, 1\]"):
        run.stitched(PATH, sequence=9)
    first, second = (run.stitched(PATH, sequence).numpy() for sequence in (0, 1))
    assert first.shape == second.shape == (2, 4, 9, 9)
    assert np.abs(first[:, :, :7] - second[::-1, :, :7]).max() < 1e-6


def test_the_steps_are_numbered_and_the_heads_unpacked(prompt):
    run, _ = generate(make(), prompt, 4)
    calls = run.calls(PATH)
    assert [call.step for call in calls] == [0, 1, 2, 3]
    assert [call.shape for call in calls] == [(2, 4, 7, 7), (2, 4, 1, 8), (2, 4, 1, 9), (2, 4, 1, 10)]
