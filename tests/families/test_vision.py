"""Vision models of transformers: the keys that change with a part of the input lie there."""

import pytest
import torch
from tests.families.perturbing import (
    are_those_of,
    lie_there,
    moved_keys,
    places_of_moved_keys,
    record,
    unmixed,
    unspread,
)
from transformers import (
    BeitConfig,
    BeitModel,
    CLIPConfig,
    CLIPModel,
    DeiTConfig,
    DeiTModel,
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersModel,
    DINOv3ViTConfig,
    DINOv3ViTModel,
    MobileViTConfig,
    MobileViTModel,
    SamVisionConfig,
    SamVisionModel,
    SiglipVisionConfig,
    SiglipVisionModel,
    SwinConfig,
    SwinModel,
    Swinv2Config,
    Swinv2Model,
    TimesformerConfig,
    TimesformerModel,
    VideoMAEConfig,
    VideoMAEModel,
    ViTConfig,
    ViTModel,
)

from visualizer.axes import Axis, Grid, Ids, Special

HF = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2, "num_hidden_layers": 2}
VIT = {**HF, "image_size": (32, 48), "patch_size": 8}
WINDOWS = {"image_size": (64, 96), "embed_dim": 8, "depths": [2, 2], "num_heads": [2, 2], "window_size": 4}
PREFIXED = "1 CLS + 4 × 6 grid = 25 tokens"
MODELS = {
    ViTModel: (ViTConfig(**VIT), PREFIXED),
    DeiTModel: (DeiTConfig(**VIT), "1 CLS + 1 DIST + 4 × 6 grid = 26 tokens"),
    BeitModel: (BeitConfig(**VIT), PREFIXED),
    Dinov2WithRegistersModel: (
        Dinov2WithRegistersConfig(**HF, image_size=64, patch_size=8, mlp_ratio=1),
        "1 CLS + 4 × 1 register + 4 × 6 grid = 29 tokens",
    ),
    DINOv3ViTModel: (
        DINOv3ViTConfig(**HF, patch_size=8, num_register_tokens=2),
        "1 CLS + 2 × 1 register + 4 × 6 grid = 27 tokens",
    ),
    SiglipVisionModel: (SiglipVisionConfig(**HF, image_size=64, patch_size=8), "8 × 8 grid = 64 tokens"),
    SwinModel: (SwinConfig(**WINDOWS), "4 × 4 window = 16 tokens"),
    Swinv2Model: (Swinv2Config(**WINDOWS), "4 × 4 window = 16 tokens"),
    SamVisionModel: (
        SamVisionConfig(
            **HF,
            **{
                "image_size": 64,
                "patch_size": 8,
                "window_size": 3,
                "global_attn_indexes": [1],
                "mlp_dim": 16,
            },
            initializer_range=0.2,
        ),
        "3 × 3 window = 9 tokens",
    ),
}
SQUARE = {SiglipVisionModel, SamVisionModel}


@pytest.mark.parametrize("kind", MODELS, ids=lambda kind: kind.__name__)
def test_the_tokens_that_change_with_a_part_of_the_image_lie_there(kind):
    config, first = MODELS[kind]
    torch.manual_seed(0)
    model = unmixed(kind(config))
    side = getattr(config, "image_size", None)
    height, width = side if isinstance(side, tuple) else (64, 64) if kind in SQUARE else (32, 48)
    part = (width - 8, height - 16, 8, 8)
    image = torch.randn(2, 3, height, width, dtype=torch.float64)
    found = places_of_moved_keys(model, image, part)
    assert next(iter(found.values()))[0] == first
    for side, moved in found.items():
        assert lie_there(moved, part), side
    assert any("head" in side for side in found) == (kind is SiglipVisionModel)  # which pools by attention


@pytest.mark.parametrize("kind", [SwinModel, Swinv2Model], ids=lambda kind: kind.__name__)
def test_windows_of_maps_that_are_filled_up_and_rolled_afterwards(kind):
    torch.manual_seed(0)
    model = unmixed(kind(kind.config_class(**{**WINDOWS, "image_size": (56, 72)})))
    part = (64, 40, 8, 8)
    found = places_of_moved_keys(model, torch.randn(1, 3, 56, 72, dtype=torch.float64), part, item=0)
    assert all(lie_there(moved, part) for moved in found.values())


def test_each_pixel_of_a_patch_looks_at_that_pixel_of_all():
    torch.manual_seed(0)
    config = MobileViTConfig(hidden_sizes=[16, 16, 16], neck_hidden_sizes=[8] * 7, num_attention_heads=2)
    model = unspread(unmixed(MobileViTModel(config)))
    for layer in model.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):  # all that a change is seen through
            layer.weight.data *= 10
        elif isinstance(layer, torch.nn.BatchNorm2d):
            torch.nn.init.ones_(layer.weight)
    image, part = torch.randn(2, 3, 128, 192, dtype=torch.float64), (128, 64, 32, 32)
    found = places_of_moved_keys(model, image, part, modules="encoder.layer.2.*")
    assert len(found) == 4
    assert next(iter(found.values()))[0] == "8 × 12 window = 96 tokens"
    for side, moved in found.items():
        assert lie_there(moved, part), side


def test_rows_and_columns_that_no_patch_has_are_left_out():
    torch.manual_seed(0)
    model = unmixed(ViTModel(ViTConfig(**{**VIT, "image_size": (37, 50)})))
    image, part = torch.randn(2, 3, 37, 50, dtype=torch.float64), (40, 24, 8, 8)
    found = places_of_moved_keys(model, image, part)
    assert next(iter(found.values()))[0] == PREFIXED
    assert all(lie_there(moved, part) for moved in found.values())


def test_both_towers_of_clip():
    torch.manual_seed(0)
    config = CLIPConfig(
        text_config={**HF, "vocab_size": 60, "eos_token_id": 59},
        vision_config={**HF, "image_size": 16, "patch_size": 8},
        projection_dim=8,
    )
    model = unmixed(CLIPModel(config))
    ids, image = torch.tensor([[5, 17, 42, 8, 59]]), torch.randn(1, 3, 16, 16, dtype=torch.float64)
    others, changed = ids.clone(), image.clone()
    others[0, 2] += 1
    changed[..., 8:, :8] += 1
    before = record(model, input_ids=ids, pixel_values=image)  # both have five tokens
    after = record(model, input_ids=others, pixel_values=changed)
    for path in before.paths:
        axis, moved = before.axis(path), moved_keys(before, after, path)
        if "vision" in path:
            assert axis == Axis([Special("CLS"), Grid(2, 2)])
            assert are_those_of([axis.place(key, (16, 16)) for _, key in moved], (0, 8, 8, 8))
        else:
            assert axis == Axis([Ids([5, 17, 42, 8, 59])])
            assert moved == [(0, 2)]


def boxes(model, video, part):
    """By path: the places of the keys that move with a part (x, y, frame, and its extents) of a video."""
    x, y, t, w, h, d = part
    changed = video.clone()
    changed[0, t : t + d, :, y : y + h, x : x + w] += 1
    before, after = record(model, video), record(model, changed)
    size = video.shape[1], *video.shape[-2:]
    return {
        path: [before.axis(path).place(key, size) for _, key in moved_keys(before, after, path)]
        for path in before.paths
    }


def test_patches_of_a_video_that_span_several_frames():
    torch.manual_seed(0)
    config = VideoMAEConfig(**HF, image_size=16, patch_size=8, num_frames=6, tubelet_size=2)
    part = (8, 0, 2, 8, 8, 2)
    found = boxes(unmixed(VideoMAEModel(config)), torch.randn(1, 6, 3, 16, 16, dtype=torch.float64), part)
    assert all(are_those_of(places, part) for places in found.values())
    axis = record(unmixed(VideoMAEModel(config)), torch.randn(1, 6, 3, 16, 16, dtype=torch.float64)).axis()
    assert axis.segments[0].layer(1) == "frames 2–3"


def test_time_and_space_apart():
    torch.manual_seed(0)
    config = TimesformerConfig(**HF, image_size=16, patch_size=8, num_frames=3)
    model, video = unmixed(TimesformerModel(config)), torch.randn(1, 3, 3, 16, 16, dtype=torch.float64)
    changed = video.clone()
    changed[0, 1, :, 8:, :8] += 1  # of the second frame the third patch
    before, after = record(model, video), record(model, changed)
    for path in before.paths:
        axis = before.axis(path)
        ((row, key),) = moved_keys(before, after, path)
        if "temporal" in path:  # each row of the batch is a patch
            assert axis.arithmetic == "3 × 1 × 1 frames = 3 tokens"
            assert (row, axis.place(key, (3, 16, 16))) == (2, (0, 0, 1, 16, 16, 1))
        else:  # each is a frame
            assert axis.arithmetic == "1 CLS + 2 × 2 grid = 5 tokens"
            assert (row, axis.place(key, (16, 16))) == (1, (0, 8, 8, 8))
