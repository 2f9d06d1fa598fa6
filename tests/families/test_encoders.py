"""Encoders of images and of sound, and the decoders that look at them."""

import numpy as np
import pytest
import torch
from tests.families.perturbing import (
    lie_there,
    moved_keys,
    places_of_moved_keys,
    record,
    unmixed,
    unspread,
)
from transformers import (
    ConditionalDetrConfig,
    ConditionalDetrModel,
    DeformableDetrConfig,
    DeformableDetrModel,
    DetrConfig,
    DetrModel,
    Mask2FormerConfig,
    ResNetConfig,
    TableTransformerConfig,
    TableTransformerModel,
    WhisperConfig,
    WhisperForConditionalGeneration,
)
from transformers.models.mask2former.modeling_mask2former import Mask2FormerPixelDecoderEncoderOnly

import visualizer
from visualizer.axes import Axis, Grid, Ids
from visualizer.errors import CallsError

RESNET = ResNetConfig(
    embedding_size=8, hidden_sizes=[8, 8], depths=[1, 1], layer_type="basic", out_features=["stage2"]
)
DETR = {
    **{"backbone_config": RESNET, "use_timm_backbone": False, "d_model": 16, "num_queries": 5},
    **{"encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16},
    **{"encoder_attention_heads": 2, "decoder_attention_heads": 2},
}
DETRS = {
    DetrModel: DetrConfig,
    ConditionalDetrModel: ConditionalDetrConfig,
    TableTransformerModel: TableTransformerConfig,
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


@pytest.mark.parametrize("kind", DETRS, ids=lambda kind: kind.__name__)
def test_objects_look_at_the_cells_of_the_feature_map_that_the_encoder_saw(kind):
    torch.manual_seed(0)
    model = unspread(unmixed(kind(DETRS[kind](**DETR))))
    image, part = torch.randn(1, 3, 64, 96, dtype=torch.float64), (80, 40, 8, 16)
    found = places_of_moved_keys(model, image, part, item=0)
    grid, objects = "8 × 12 grid = 96 tokens", "5 × 1 object query = 5 tokens"
    assert [words for words, _ in found.values()] == [grid, grid, objects, objects, grid, objects]
    for side, moved in found.items():
        assert lie_there(moved, part), side


def read_at_their_references(model):
    """The model, whose deformable attention reads at the reference point of each query alone."""
    for name, weight in model.named_parameters():
        if "sampling_offsets" in name:
            torch.nn.init.zeros_(weight)
    return model.eval()


def assert_lie_in_their_cells(run, path, levels):
    """Queries are the cells of levels: they read in the middle of these."""
    axis = run.axis(path, "queries")
    assert axis == Axis([Grid(*level) for level in levels])
    boxes = np.array([axis.place(query) for query in range(axis.length)])
    middles = 2 * (boxes[:, :2] + boxes[:, 2:] / 2) - 1
    for level in run.calls(path)[0].levels:
        places = level.places.numpy()
        np.testing.assert_allclose(places, np.broadcast_to(middles[:, None], places.shape), atol=1e-5)


def test_cells_of_all_levels_read_a_feature_map_and_object_queries_as_many_are_none_of_them():
    torch.manual_seed(0)
    stages = ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8, 8], depths=[1, 1, 1], layer_type="basic",
        out_features=["stage2", "stage3"],
    )  # fmt: skip
    levels = [(8, 12), (4, 6), (2, 3)]
    sizes = {"d_model": 32, "num_queries": 126, "num_feature_levels": 3}
    config = DeformableDetrConfig(**DETR | sizes | {"backbone_config": stages, "backbone": None})
    model = read_at_their_references(DeformableDetrModel(config))
    run = record(model, torch.randn(2, 3, 64, 96))
    encoder, decoder = "encoder.layers.0.self_attn", "decoder.layers.0.encoder_attn"
    assert_lie_in_their_cells(run, encoder, levels)
    assert run.calls(decoder)[0].shape[1] == run.axis(encoder, "queries").length == 126
    with pytest.raises(CallsError, match="have no axis"):
        run.axis(decoder, "queries")


def test_cells_of_all_levels_of_a_pixel_decoder_read_a_feature_map():
    torch.manual_seed(0)
    config = Mask2FormerConfig(
        feature_size=16, encoder_layers=1, encoder_feedforward_dim=16, num_attention_heads=2
    )
    model = read_at_their_references(Mask2FormerPixelDecoderEncoderOnly(config))
    levels = [(2, 3), (4, 6), (8, 12)]
    features = torch.randn(1, 126, 16)
    run = record(
        model,
        features,
        position_embeddings=features,
        spatial_shapes_list=levels,
        level_start_index=torch.tensor([0, 6, 30]),
        valid_ratios=torch.ones(1, 3, 2),
    )
    assert_lie_in_their_cells(run, "layers.0.self_attn", levels)


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
