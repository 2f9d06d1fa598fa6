"""Text and images in one sequence: the parts of the images lie where they did."""

from types import SimpleNamespace

import pytest
import torch
from tests.families.perturbing import are_those_of, moved_keys, record, unmixed
from tests.families.test_text import byte_level
from transformers import (
    CLIPVisionConfig,
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaNextConfig,
    LlavaNextForConditionalGeneration,
    PaliGemmaConfig,
    PaliGemmaForConditionalGeneration,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
)

import visualizer
from visualizer.axes import Axis, Grid, Ids, Lines, Text, Unknown

IMAGE = 50
VIDEO = 51
HF = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2, "num_hidden_layers": 2}
TEXT = {
    **HF,
    "vocab_size": 60,
    "num_key_value_heads": 1,
    "pad_token_id": 0,
    "bos_token_id": None,
    "eos_token_id": None,
}
VISION = {**HF, "image_size": 16, "patch_size": 4}
LLAVA = LlavaConfig(
    vision_config=CLIPVisionConfig(**VISION), text_config=LlamaConfig(**TEXT), image_token_index=IMAGE
)
ROPE = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}
QWEN_IDS = {
    "image_token_id": IMAGE,
    "video_token_id": VIDEO,
    "vision_start_token_id": 48,
    "vision_end_token_id": 49,
}
QWEN = Qwen2VLConfig(
    text_config={**TEXT, "rope_parameters": ROPE},
    vision_config={
        "embed_dim": 16,
        "hidden_size": 16,
        "depth": 1,
        "num_heads": 2,
        "mlp_ratio": 1,
        "patch_size": 4,
    },
    **QWEN_IDS,
)
QWEN25 = Qwen2_5_VLConfig(
    text_config={**TEXT, "rope_parameters": ROPE},
    vision_config={
        **{"hidden_size": 16, "out_hidden_size": 16, "intermediate_size": 16, "depth": 2, "num_heads": 2},
        **{"patch_size": 4, "window_size": 16, "fullatt_block_indexes": [1]},
    },
    **QWEN_IDS,
)
QWEN3 = Qwen3VLConfig(
    text_config={**TEXT, "rope_parameters": ROPE, "head_dim": 8},
    vision_config={
        **{"hidden_size": 16, "out_hidden_size": 16, "intermediate_size": 16, "depth": 2, "num_heads": 2},
        **{"patch_size": 4, "num_position_embeddings": 36, "deepstack_visual_indexes": [0]},
    },
    **QWEN_IDS,
)
QWENS = [
    (Qwen2VLForConditionalGeneration, QWEN),
    (Qwen2_5_VLForConditionalGeneration, QWEN25),
    (Qwen3VLForConditionalGeneration, QWEN3),
]
PALIGEMMA = PaliGemmaConfig(
    vision_config={
        **VISION,
        "model_type": "siglip_vision_model",
        "projection_dim": 16,
        "vision_use_head": False,
    },
    text_config={**TEXT, "model_type": "gemma", "head_dim": 8},
    image_token_index=IMAGE,
    projection_dim=16,
    hidden_size=16,
)
GEMMA3 = Gemma3Config(
    vision_config={**VISION, "model_type": "siglip_vision_model", "vision_use_head": False},
    text_config={**TEXT, "head_dim": 8, "model_type": "gemma3_text", "sliding_window": 64},
    image_token_index=IMAGE,
    mm_tokens_per_image=4,
)


def words(*images):
    """Ids with so many placeholders between words."""
    row = [5]
    for count in images:
        row += [IMAGE] * count + [7, 9]
    return torch.tensor([row])


def language(run):
    return [path for path in run.paths if "language_model" in path]


@pytest.mark.parametrize(
    ("kind", "config", "count", "grid"),
    [
        (LlavaForConditionalGeneration, LLAVA, 16, (4, 4)),
        (PaliGemmaForConditionalGeneration, PALIGEMMA, 16, (4, 4)),
        (Gemma3ForConditionalGeneration, GEMMA3, 4, (2, 2)),
    ],
)
def test_the_placeholder_that_changes_with_a_part_of_an_image_lies_there(kind, config, count, grid):
    torch.manual_seed(0)
    model = unmixed(kind(config))
    for name, weight in model.named_parameters():
        if name.endswith("mm_input_projection_weight"):  # begins as zero
            torch.nn.init.normal_(weight)
    images = torch.randn(2, 3, 16, 16, dtype=torch.float64)
    changed, part = images.clone(), (8, 0, 8 if count == 4 else 4, 8 if count == 4 else 4)
    changed[1, :, part[1] : part[1] + part[3], part[0] : part[0] + part[2]] += 1
    given = {"input_ids": words(count, count), "attention_mask": torch.ones_like(words(count, count))}
    given |= (
        {"token_type_ids": (given["input_ids"] == IMAGE).long()}
        if kind is not LlavaForConditionalGeneration
        else {}
    )
    before, after = (record(model, pixel_values=pixels, **given) for pixels in (images, changed))
    for path in language(before):
        axis = before.axis(path)
        assert axis.segments == (Ids([5]), Grid(*grid), Ids([7, 9]), Grid(*grid, image=1), Ids([7, 9]))
        moved = [key for _, key in moved_keys(before, after, path)]
        assert all(key >= 3 + count for key in moved)  # of the second image
        assert are_those_of([axis.place(key, (16, 16)) for key in moved], part)
    (vision,) = {before.axis(path) for path in before.paths if "vision" in path}
    assert vision.segments[-1] == Grid(4, 4)


def patches(image, merge=2, size=4):
    """An image (3, height, width) as Qwen's processor cuts it: patches that are merged follow one another."""
    rows, columns = image.shape[1] // size, image.shape[2] // size
    cut = image.reshape(3, rows // merge, merge, size, columns // merge, merge, size)
    cut = cut.permute(1, 4, 2, 5, 0, 3, 6).reshape(rows * columns, 3, 1, size * size)
    return cut.repeat(1, 1, 2, 1).reshape(rows * columns, -1), torch.tensor([[1, rows, columns]])


PART = (16, 8, 4, 4)


@pytest.fixture(params=QWENS, ids=lambda one: one[0].__name__)
def looked(request):
    """Runs of two images, and of the same with a part of the second changed."""
    torch.manual_seed(0)
    kind, config = request.param
    model, ids = unmixed(kind(config)), words(4, 6)
    first, image = (torch.randn(3, 16, width, dtype=torch.float64) for width in (16, 24))
    changed = image.clone()
    changed[:, 8:12, 16:20] += 1
    runs = []
    for images in ((first, image), (first, changed)):
        values, sizes = (torch.cat(parts) for parts in zip(*map(patches, images)))
        given = {"pixel_values": values, "image_grid_thw": sizes, "mm_token_type_ids": (ids == IMAGE).int()}
        runs.append(record(model, input_ids=ids, attention_mask=torch.ones_like(ids), **given))
    return runs


def test_merged_patches_of_images_of_any_size(looked):
    for path in language(looked[0]):
        axis = looked[0].axis(path)
        grids = Grid(2, 2), Grid(2, 3, image=1)
        assert axis.segments == (Ids([5]), grids[0], Ids([7, 9]), grids[1], Ids([7, 9]))
        moved = [key for _, key in moved_keys(*looked, path)]
        assert min(moved) >= 7
        assert are_those_of([axis.place(key, (16, 24)) for key in moved], PART)


def test_the_patches_of_a_tower_lie_where_their_windows_do(looked):
    run = looked[0]
    for path in [path for path in run.paths if "visual" in path]:
        places = []
        for number, call in enumerate(run.calls(path)):
            (patches_,) = run.axis(call).segments
            assert run.axis(call, "queries").segments == (patches_,)
            moved = [key for _, key in moved_keys(*looked, path, number)]
            places += [patches_.place(key, (16, 24)) for key in moved]
            assert patches_.image == 1 or not moved
        assert are_those_of(places, PART)
        lengths = [run.axis(call).length for call in run.calls(path)]
        is_windowed = "Qwen2_5" in run.provenance["model"] and "blocks.0" in path
        assert lengths == ([16, 16, 8] if is_windowed else [16, 24])


def test_calls_that_were_left_out_count_in_a_tower():
    torch.manual_seed(0)
    model = Qwen2_5_VLForConditionalGeneration(QWEN25).eval()
    values, sizes = patches(torch.randn(3, 16, 24))
    tower = model.model.visual
    with torch.no_grad(), visualizer.capture(tower, modules="blocks.0.attn", every=2) as run:
        for _ in range(3):
            tower(values, sizes)
    assert [run.axis(call).segments[0].cell(0) for call in run] == [(0, 0), (0, 0), (0, 0)]
    with torch.no_grad(), visualizer.capture(tower, modules="blocks.0.attn") as run:
        tower(values, sizes)
    assert [run.axis(call).segments[0].cell(0) for call in run] == [(0, 0), (0, 4)]


@pytest.mark.parametrize(
    ("size", "parts", "lines", "changed", "cell"),
    [
        ((16, 32), 2, (4, 8), 1, (1, 6)),
        ((32, 24), 4, (8, 6), 0, (1, 1)),
    ],  # patch (1, 2) of a part, one column off
)
def test_parts_of_an_image_at_its_own_resolution(size, parts, lines, changed, cell):
    torch.manual_seed(0)
    config = LlavaNextConfig(
        **{"vision_config": CLIPVisionConfig(**VISION), "text_config": LlamaConfig(**TEXT)},
        **{"image_token_index": IMAGE, "image_grid_pinpoints": [[32, 16], [16, 32], [32, 32]]},
    )
    model = unmixed(LlavaNextForConditionalGeneration(config))
    ids = words(16 + lines[0] * (lines[1] + 1))
    pixels = torch.randn(1, 1 + parts, 3, 16, 16, dtype=torch.float64)
    other = pixels.clone()
    other[0, 1 + changed, :, 4:8, 8:12] += 1
    given = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "image_sizes": torch.tensor([size])}
    runs = [record(model, pixel_values=one, **given) for one in (pixels, other)]
    for path in language(runs[0]):
        axis = runs[0].axis(path)
        assert axis.segments == (Ids([5]), Grid(4, 4), Lines(*lines), Ids([7, 9]))
        ((_, key),) = moved_keys(*runs, path)
        assert axis.name(key) == f"cell {cell}"


def test_an_answer_looks_back_at_the_image():
    torch.manual_seed(0)
    model = LlavaForConditionalGeneration(LLAVA).eval()
    with torch.no_grad(), visualizer.capture(model, modules="*language_model*") as run:
        said = model.generate(
            input_ids=words(16), pixel_values=torch.randn(1, 3, 16, 16), max_new_tokens=4, do_sample=False
        )
    new = said[0, 19:].tolist()
    assert run.axis() == run.axis(of="queries") == Axis([Ids([5]), Grid(4, 4), Ids([7, 9, *new[:-1]])])
    assert run.where(cell=(3, 3)) == slice(16, 17)
    assert run.axis(run[-1], "queries") == Axis([Ids([new[-2]])])
    run.label(processor=SimpleNamespace(tokenizer=byte_level("what is in it")))  # as a processor has one
    before, image, after = run.axis().segments
    assert (before.length, image, after.length) == (1, Grid(4, 4), 1 + len(new))
    assert isinstance(after, Text)
    assert run.where(after.text) == slice(17, 18 + len(new))


def test_placeholders_that_are_no_whole_images_are_not_guessed():
    from visualizer.families.joint_models import placed

    assert [type(one) for one in placed(15, [[Grid(4, 4)]])] == [Unknown]
    assert placed(32, [[Grid(4, 4)], [Grid(2, 8)]]) == [Grid(4, 4), Grid(2, 8)]
