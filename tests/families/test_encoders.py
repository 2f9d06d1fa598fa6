"""Encoders of images and of sound, and the decoders that look at them."""

import pytest
import torch
from tests.families.perturbing import moved_keys, record, unmixed
from transformers import (
    ConditionalDetrConfig,
    ConditionalDetrModel,
    DetrConfig,
    DetrModel,
    ResNetConfig,
    WhisperConfig,
    WhisperForConditionalGeneration,
)

import visualizer
from visualizer.axes import Axis, Ids, Special

RESNET = ResNetConfig(
    embedding_size=8, hidden_sizes=[8, 8], depths=[1, 1], layer_type="basic", out_features=["stage2"]
)
DETR = {
    **{"backbone_config": RESNET, "use_timm_backbone": False, "d_model": 16, "num_queries": 5},
    **{"encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16},
    **{"encoder_attention_heads": 2, "decoder_attention_heads": 2},
}
WHISPER = WhisperConfig(
    **{"vocab_size": 60, "d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "num_mel_bins": 4},
    **{
        "encoder_ffn_dim": 16,
        "decoder_ffn_dim": 16,
        "encoder_attention_heads": 2,
        "decoder_attention_heads": 2,
    },
    **{"max_source_positions": 50, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 59},
    **{"decoder_start_token_id": 2, "suppress_tokens": [], "begin_suppress_tokens": []},
)


@pytest.fixture(scope="module")
def runs():
    """An image, the same with its lower left corner changed, and the cells of the feature map that change."""
    torch.manual_seed(0)
    model = unmixed(DetrModel(DetrConfig(**DETR)))
    image = torch.randn(1, 3, 64, 96, dtype=torch.float64)
    changed = image.clone()
    changed[..., 56:, :8] += 1
    features = [model.backbone(each, torch.ones(1, 64, 96))[-1][0] for each in (image, changed)]
    moved = (features[0] != features[1]).any(1).nonzero()[:, 1:].tolist()
    return record(model, image), record(model, changed), moved


def test_the_cells_of_an_encoder_are_those_of_its_feature_map(runs):
    run, changed, moved = runs
    encoder, decoder, cross = run.paths
    assert run.axis(encoder).arithmetic == "8 × 12 grid = 96 tokens"
    objects = Axis([Special("object query")] * 5)
    assert run.axis(decoder) == run.axis(decoder, "queries") == run.axis(cross, "queries") == objects
    for path in (encoder, cross):
        (grid,) = run.axis(path).segments
        assert [list(grid.cell(key)) for _, key in moved_keys(run, changed, path)] == moved


def test_the_decoder_of_conditional_detr_looks_at_the_cells():
    torch.manual_seed(0)
    run = record(ConditionalDetrModel(ConditionalDetrConfig(**DETR)).eval(), torch.randn(1, 3, 32, 48))
    assert run.axis("encoder.*").arithmetic == "4 × 6 grid = 24 tokens"
    assert run.axis("decoder.*.encoder_attn", "queries").arithmetic == "5 × 1 object query = 5 tokens"
    assert run.axis("decoder.*.encoder_attn").arithmetic == "4 × 6 grid = 24 tokens"


def test_whisper_hears_in_seconds():
    torch.manual_seed(0)
    model, sound = (
        unmixed(WhisperForConditionalGeneration(WHISPER)),
        torch.randn(1, 4, 100, dtype=torch.float64),
    )
    changed = sound.clone()
    changed[..., 41:43] += 1  # hundredths of a second; the convolutions see one frame, then one part beyond
    said = {"decoder_input_ids": torch.tensor([[2, 7, 9]])}
    before, after = record(model, sound, **said), record(model, changed, **said)
    encoder, decoder, cross = before.paths
    assert before.axis(decoder) == before.axis(cross, "queries") == Axis([Ids([2, 7, 9])])
    for path in (encoder, cross):
        axis = before.axis(path)
        assert axis.arithmetic == "50 in time = 50 tokens"
        places = [axis.place(key) for _, key in moved_keys(before, after, path)]
        assert places[0][0] <= 0.41 <= 0.43 <= places[-1][1]
        assert 0.38 <= places[0][0] <= places[-1][1] <= 0.46


def test_what_whisper_generates_looks_at_the_sound():
    torch.manual_seed(0)
    model = WhisperForConditionalGeneration(WHISPER).eval()
    with torch.no_grad(), visualizer.capture(model, modules="*.encoder_attn") as run:
        model.generate(torch.randn(1, 4, 100), max_new_tokens=4, do_sample=False)
    assert len(run) > 1
    assert run.axis().arithmetic == "50 in time = 50 tokens"
    assert run.axis(run[1], "queries").length == 1
