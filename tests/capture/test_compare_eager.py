"""The maps that models of transformers return themselves, next to the recorded ones."""

import pytest
import torch
import transformers
from torch import nn

import visualizer
from visualizer.errors import CallsError, TargetError

IDS = torch.arange(12).view(2, 6)
PADDED = torch.tensor([[0, 0, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1]])
SMALL = {"vocab_size": 30, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
COUNTS = {"num_hidden_layers": 2, "num_attention_heads": 4, "hidden_size": 32, "intermediate_size": 32}


def bert():
    return transformers.BertModel(transformers.BertConfig(**SMALL, **COUNTS)), {"input_ids": IDS}


def llama():
    config = transformers.LlamaConfig(**SMALL, **COUNTS, num_key_value_heads=2)
    return transformers.LlamaModel(config), {"input_ids": IDS, "attention_mask": PADDED}


def bart():
    encoder = {"encoder_attention_heads": 4, "encoder_layers": 1, "encoder_ffn_dim": 32}
    decoder = {"decoder_attention_heads": 4, "decoder_layers": 2, "decoder_ffn_dim": 32}
    config = transformers.BartConfig(**SMALL, d_model=32, **encoder, **decoder)
    return transformers.BartModel(config), {"input_ids": IDS, "decoder_input_ids": IDS}


def clip():
    text, vision = {**SMALL, **COUNTS}, {**COUNTS, "image_size": 16, "patch_size": 8}
    model = transformers.CLIPModel(transformers.CLIPConfig(text_config=text, vision_config=vision))
    return model, {"input_ids": IDS, "pixel_values": torch.randn(2, 3, 16, 16)}


def recorded(make):
    torch.manual_seed(0)
    model, inputs = make()
    model.eval()
    with torch.no_grad(), visualizer.capture(model) as run:
        model(**inputs)
    return model, inputs, run


@pytest.mark.parametrize(("make", "calls"), [(bert, 2), (llama, 2), (bart, 5), (clip, 4)])
def test_the_maps_are_those_that_the_model_returns(make, calls):
    model, inputs, run = recorded(make)
    table = visualizer.compare_eager(model, run, **inputs)
    assert [row.path for row in table] == run.paths
    assert (len(table), table.missed, table.unreturned) == (calls, 0, 0)
    assert 0 < table.largest < 1e-6
    assert all(0 < row.mean < row.largest for row in table)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"queries": "last"}, "a run with 1 of 6 queries was to be compared: record it without queries="),
        ({"keep": "readouts", "readouts": "entropy"}, "read-outs or locals in the place of maps"),
    ],
)
def test_runs_without_whole_maps_are_refused(options, told):
    model, inputs, _ = recorded(llama)
    with torch.no_grad(), visualizer.capture(model, **options) as run:
        model(**inputs)
    with pytest.raises(CallsError, match=told):
        visualizer.compare_eager(model, run, **inputs)


def test_the_table_shows_a_wrong_map():
    model, inputs, run = recorded(llama)
    other = visualizer.compare_eager(model, run, **{**inputs, "input_ids": IDS.flip(0)})
    assert other.largest > 0.01
    assert repr(other).splitlines()[1].startswith("layers.0.self_attn  0     (2, 4, 6, 6)")
    assert repr(other).endswith("2 calls compared; 0 that the model does not return")


def test_the_model_is_left_as_it_was():
    model, inputs, run = recorded(clip)
    parts = [model, model.text_model, model.vision_model]
    before, state = [part.config._attn_implementation for part in parts], torch.get_rng_state()
    visualizer.compare_eager(model, run, **inputs)
    assert [part.config._attn_implementation for part in parts] == before
    assert torch.equal(torch.get_rng_state(), state)


def test_a_model_of_nothing_but_torch_is_refused():
    model = nn.TransformerEncoderLayer(8, 2, batch_first=True).eval()
    with torch.no_grad(), visualizer.capture(model) as run:
        model(torch.randn(1, 3, 8))
    with pytest.raises(TargetError, match="TransformerEncoderLayer .* no model of transformers"):
        visualizer.compare_eager(model, run, torch.randn(1, 3, 8))


def test_an_empty_run_is_refused():
    model, inputs, _ = recorded(bert)
    with visualizer.capture(model) as run:
        pass
    with pytest.raises(CallsError, match="was not called"):
        visualizer.compare_eager(model, run, **inputs)


def test_a_run_of_two_calls_is_refused():
    model, inputs, _ = recorded(bert)
    with visualizer.capture(model) as run:
        model(**inputs), model(**inputs)
    with pytest.raises(CallsError, match="one call of it alone"):
        visualizer.compare_eager(model, run, **inputs)
