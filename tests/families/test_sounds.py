"""Models of sound: the keys that change with a part of it lie there, in seconds or on the spectrogram."""

import pytest
import torch
from tests.families.perturbing import OUTPUTS, are_those_of, moved_keys, record, unmixed
from transformers import (
    ASTConfig,
    ASTModel,
    Data2VecAudioConfig,
    Data2VecAudioModel,
    HubertConfig,
    HubertForCTC,
    SEWConfig,
    SEWModel,
    UniSpeechConfig,
    UniSpeechModel,
    UniSpeechSatConfig,
    UniSpeechSatModel,
    Wav2Vec2Config,
    Wav2Vec2ConformerConfig,
    Wav2Vec2ConformerModel,
    Wav2Vec2ForCTC,
    WavLMConfig,
    WavLMModel,
)

SIZES = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2, "num_hidden_layers": 2}
WAVES = {
    **{**SIZES, "conv_dim": (8, 8, 8), "conv_kernel": (10, 3, 2), "conv_stride": (5, 2, 2)},
    **{"feat_extract_norm": "layer", "num_conv_pos_embeddings": 4, "num_conv_pos_embedding_groups": 2},
}
WAVEFORMS = {
    Wav2Vec2ForCTC: Wav2Vec2Config(**WAVES, vocab_size=9),
    HubertForCTC: HubertConfig(**WAVES, vocab_size=9),
    WavLMModel: WavLMConfig(**WAVES),
    UniSpeechModel: UniSpeechConfig(**WAVES),
    UniSpeechSatModel: UniSpeechSatConfig(**WAVES),
    Data2VecAudioModel: Data2VecAudioConfig(
        **{**WAVES, "conv_pos_kernel_size": 3, "num_conv_pos_embeddings": 1}
    ),
    Wav2Vec2ConformerModel: Wav2Vec2ConformerConfig(**WAVES),
    SEWModel: SEWConfig(**WAVES, squeeze_factor=2),
}
STEP, SEEN = 20, 10 + 2 * 5 + 10  # samples from one part to the next, and those that one part is made of


def unspread_in_time(model):
    """The model, its convolutions over positions left out, so that parts do not mix."""
    for path, layer in model.named_modules():
        if isinstance(layer, torch.nn.Conv1d) and ("pos_conv" in path or "conv_module" in path):
            kernels = layer.parametrizations.weight if hasattr(layer, "parametrizations") else layer
            torch.nn.init.zeros_(next(kernels.parameters()))
    return model


@pytest.mark.parametrize("kind", WAVEFORMS, ids=lambda kind: kind.__name__)
def test_parts_of_a_waveform_lie_in_seconds(kind):
    torch.manual_seed(0)
    model = unspread_in_time(unmixed(kind(WAVEFORMS[kind]), (*OUTPUTS, "linear_out")))
    wave, at = torch.randn(2, 1610, dtype=torch.float64), 805
    changed = wave.clone()
    changed[1, at] += 5
    before, after = record(model, wave), record(model, changed)
    squeezed = getattr(model.config, "squeeze_factor", 1)
    assert len(before.paths) == 2
    for path in before.paths:
        axis = before.axis(path)
        assert axis.segments[0].seconds == axis.length * squeezed * STEP / 16_000
        moved = moved_keys(before, after, path)
        assert moved
        for row, key in moved:
            begin = round(axis.place(key)[0] * 16_000)
            assert row == 1
            assert begin <= at < begin + (squeezed - 1) * STEP + SEEN


def ast(stride):
    config = ASTConfig(
        **SIZES, patch_size=8, frequency_stride=stride, time_stride=stride, max_length=56, num_mel_bins=32
    )
    torch.manual_seed(0)
    return unmixed(ASTModel(config)), torch.randn(1, 56, 32, dtype=torch.float64)  # frames, frequencies


def test_patches_of_a_spectrogram():
    model, sound = ast(stride=8)
    changed = sound.clone()
    changed[0, 40:48, 16:24] += 1
    before, after = record(model, sound), record(model, changed)
    for path in before.paths:
        axis = before.axis(path)
        assert axis.arithmetic == "1 CLS + 1 DIST + 4 × 7 grid = 30 tokens"
        places = [axis.place(key, (32, 56)) for _, key in moved_keys(before, after, path)]
        assert are_those_of(places, (40, 16, 8, 8))


def test_patches_that_overlap_lie_where_each_begins():
    model, sound = ast(stride=6)
    changed = sound.clone()
    changed[0, 47, 25] += 1
    before, after = record(model, sound), record(model, changed)
    axis = before.axis()
    assert axis.arithmetic == "1 CLS + 1 DIST + 5 × 9 grid = 47 tokens"
    places = [axis.place(key, (32, 56)) for _, key in moved_keys(before, after, before.paths[0])]
    begun = sorted((round(x, 6), round(y, 6)) for x, y, *_ in places)
    assert begun == [(42, 18), (42, 24)]  # of patches of 8 × 8, which begin at 40 ≤ x ≤ 47, 18 ≤ y ≤ 25
