"""Models in the style of their authors' repositories, most of which nobody named."""

import pytest
import torch
from tests.axes.swin import SwinTransformer
from tests.families.originals.clip import CLIP, Transformer
from tests.families.originals.image_encoder import ImageEncoderViT as Sam
from tests.families.originals.pvt import PyramidVisionTransformer
from tests.families.originals.transformer import DETR
from tests.families.originals.vision_transformer import VisionTransformer
from tests.families.originals.whisper import Whisper
from tests.families.perturbing import (
    lie_there,
    moved_keys,
    places_of_moved_keys,
    record,
    unmixed,
    unspread,
)

import visualizer
from visualizer.axes import Axis, Grid, Ids, Special
from visualizer.errors import CallsError


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def image(height=32, width=48, batch=2):
    return torch.randn(batch, 3, height, width, dtype=torch.float64)


def stemmed():
    """Patches that several convolutions make, one after another."""
    model = VisionTransformer()
    convolutions = (torch.nn.Conv2d(i, o, 3, stride=2, padding=1) for i, o in ((3, 8), (8, 8), (8, 16)))
    model.patch_embed.proj = torch.nn.Sequential(*convolutions)
    return model


@pytest.mark.parametrize(
    ("make", "size", "part", "first"),
    [
        (VisionTransformer, (32, 48), (40, 16, 8, 8), "1 CLS + 4 × 6 grid = 25 tokens"),
        (
            lambda: VisionTransformer([("dist_token", 1), ("register_tokens", 3)]),
            (32, 48),
            (40, 16, 8, 8),
            "1 CLS + 1 DIST + 3 × 1 register + 4 × 6 grid = 29 tokens",
        ),
        (PyramidVisionTransformer, (32, 64), (48, 16, 16, 16), "2 × 4 grid = 8 tokens"),
        (lambda: CLIP().visual, (16, 16), (8, 0, 8, 8), "1 CLS + 2 × 2 grid = 5 tokens"),
        (stemmed, (32, 48), (40, 16, 8, 8), "1 CLS + 4 × 6 grid = 25 tokens"),
        (DETR, (32, 48), (40, 16, 8, 8), "4 × 6 grid = 24 tokens"),
        (
            lambda: SwinTransformer((8, 16), depths=[2, 2]),
            (32, 64),
            (56, 24, 8, 8),
            "4 × 4 window = 16 tokens",
        ),
        (Sam, (32, 48), (40, 16, 8, 8), "3 × 3 window = 9 tokens"),
    ],
    ids=["dino", "registers", "pvt", "clip", "stem", "detr", "swin", "sam"],
)
def test_the_tokens_that_change_with_a_part_of_the_image_lie_there(make, size, part, first):
    found = places_of_moved_keys(unspread(unmixed(make())), image(*size), part)
    assert next(iter(found.values()))[0] == first
    assert len(found) >= 4
    for side, moved in found.items():
        assert lie_there(moved, part), side


def no_axes(run, side="keys"):
    return [call for call in run if side not in call.axes]


def test_detr_has_objects_that_look_at_cells():
    run = record(DETR().double().eval(), image())
    objects = Axis([Special("object query")] * 5)
    assert run.axis("*.decoder.*.self_attn") == run.axis("*.multihead_attn", "queries") == objects
    assert run.axis("*.multihead_attn") == run.axis("*.encoder.*") == Axis([Grid(4, 6)])


def test_the_text_that_clip_reads_is_no_image():
    model, ids = unmixed(CLIP()), torch.tensor([[5, 17, 42, 8, 59]])
    others = ids.clone()
    others[0, 2] += 1
    before, after = (record(model, image(16, 16, batch=1), one) for one in (ids, others))
    for path in before["transformer.*"].paths:
        assert before.axis(path) == Axis([Ids([5, 17, 42, 8, 59])])
        assert moved_keys(before, after, path) == [(0, 2)]


class Pair(torch.nn.Module):
    """Two towers of as many tokens, the second of which nobody knows."""

    def __init__(self):
        super().__init__()
        self.visual, self.transformer = CLIP().visual, Transformer(16, 1, 2)

    def forward(self, image, words):
        return self.visual(image), self.transformer(words)


def test_a_tower_beside_the_one_that_cuts_the_image_has_no_cells():
    run = record(Pair().double().eval(), image(16, 16, batch=1), torch.randn(5, 1, 16).double())
    assert run.axis() == Axis([Special("CLS"), Grid(2, 2)])
    assert [call.path for call in no_axes(run)] == ["transformer.resblocks.0.attn"]


def test_more_tokens_than_cells_that_nobody_named_may_stand_anywhere():
    run = record(VisionTransformer([("prompts", 3)]).double().eval(), image())
    (why,) = run.remarks()
    assert why.startswith(
        "a convolution of VisionTransformer cuts images into a 4 × 6 grid = 24 tokens, but the "
    )
    assert "map of blocks.0.attn has 28, of which 4 may stand anywhere: run.label('blocks.0.attn'" in why
    with pytest.raises(CallsError, match="of which 4 may stand anywhere"):
        run.axis()


class MaskedAutoencoderViT(VisionTransformer):
    """Those shuffle their patches."""


@pytest.mark.parametrize(
    ("make", "size"),
    [
        (MaskedAutoencoderViT, (32, 48)),
        (VisionTransformer, (36, 48)),  # the last rows are left out
    ],
    ids=["shuffled", "cropped"],
)
def test_what_may_be_otherwise_is_not_inferred(make, size):
    run = record(make().double().eval(), image(*size))
    assert len(run) == 2
    assert no_axes(run) == list(run)


class Captions(torch.nn.Module):
    """What may be as many tokens as an image of 4 × 4 cells has cells: words, or queries."""

    def __init__(self, words):
        super().__init__()
        self.backbone = torch.nn.Conv2d(3, 16, 8, stride=8)
        self.words = torch.nn.Embedding(60, 16) if words else None
        self.queries = torch.nn.Parameter(torch.randn(16, 16)) if not words else None
        self.decoder = torch.nn.TransformerDecoderLayer(16, 2, 16, batch_first=True)

    def forward(self, image, ids):
        cells = self.backbone(image).flatten(2).transpose(1, 2)
        tokens = self.words(ids) if self.words else self.queries.expand(len(image), -1, -1)
        return self.decoder(tokens, cells)


@pytest.mark.parametrize(("words", "which"), [(True, "words"), (False, "queries")])
def test_other_tokens_than_cells_are_not_taken_for_them(words, which):
    model = Captions(words=words).double().eval()
    run = record(model, image(32, 32), torch.zeros(2, 16, dtype=torch.long))
    assert len(run) == 2
    assert no_axes(run) == no_axes(run, "queries") == list(run)
    assert run.remarks()[0].startswith(
        "the queries of decoder.self_attn may be the 4 × 4 grid that a convolution of Captions cuts images "
        f"into, or those of {which}, which are as many: run.label("
    )
    run = record(model, image(32, 48), torch.zeros(2, 16, dtype=torch.long))
    assert no_axes(run) == [run[0]]
    assert run.axis("decoder.multihead_attn") == Axis([Grid(4, 6)])


class Video(torch.nn.Module):
    """Attention among the cells of a frame, then among the frames of a cell."""

    def __init__(self, second="times"):
        super().__init__()
        self.patches, self.second = torch.nn.Conv2d(3, 16, 8, stride=8), second
        for name in ("space", second):
            self.add_module(name, torch.nn.MultiheadAttention(16, 2, batch_first=True))

    def forward(self, x):  # (batch, frame, channel, height, width)
        batch = len(x)
        x = self.patches(x.flatten(0, 1)).flatten(2).transpose(1, 2)
        self.space(x, x, x, need_weights=False)
        x = x.unflatten(0, (batch, -1)).transpose(1, 2).flatten(0, 1)  # (batch · cell, frame, …)
        return self.get_submodule(self.second)(x, x, x, need_weights=False)


def test_the_frames_of_a_video_are_not_taken_for_as_many_cells():
    model = Video().double().eval()
    video = torch.randn(1, 4, 3, 16, 16, dtype=torch.float64)
    changed = video.clone()
    changed[0, 2, :, :8, 8:] += 1
    before, after = record(model, video), record(model, changed)
    found = [moved_keys(before, after, path) for path in before.paths]
    assert found == [[(2, 1)], [(1, 2)]]  # (frame, cell), then (cell, frame): both are four
    assert no_axes(before) == no_axes(before, "queries") == list(before)
    assert before.remarks()[0].startswith(
        "the queries of space may be the 2 × 2 grid that a convolution of Video cuts images into, or those "
        "of a video's frames, which are as many: run.label("
    )


def test_cells_of_frames_that_are_fewer_are_told():
    run = record(Video().double().eval(), torch.randn(1, 3, 3, 16, 16, dtype=torch.float64))
    assert run.axis("space") == Axis([Grid(2, 2)])
    assert no_axes(run) == [run[1]]


class Flat(torch.nn.Module):
    """A video given as its frames one after another."""

    def __init__(self):
        super().__init__()
        self.video = Video("temporal_attn")

    def forward(self, frames):
        return self.video(frames[None])


def test_temporal_attention_over_as_many_frames_as_cells_is_not_guessed():
    run = record(Flat().double().eval(), torch.randn(4, 3, 16, 16, dtype=torch.float64))
    assert run.axis("video.space") == Axis([Grid(2, 2)])
    assert no_axes(run) == [run[1]]
    assert "those of a video's frames, which are as many" in run.remarks()[0]


class Stereo(torch.nn.Module):
    """Two images, both cut before either is attended to."""

    def __init__(self):
        super().__init__()
        self.patches = torch.nn.Conv2d(3, 16, 8, stride=8)
        self.attention = torch.nn.MultiheadAttention(16, 2, batch_first=True)

    def forward(self, *images):
        for x in [self.patches(one).flatten(2).transpose(1, 2) for one in images]:
            self.attention(x, x, x, need_weights=False)


def test_each_of_several_images_has_its_cells_or_none():
    run = record(Stereo().double().eval(), image(32, 48), image(32, 32))
    assert [run.axis(call) for call in run] == [Axis([Grid(4, 6)]), Axis([Grid(4, 4)])]
    run = record(Stereo().double().eval(), image(32, 48), image(48, 32))
    assert no_axes(run) == no_axes(run, "queries") == list(run)
    assert "queries of attention may be the 4 × 6 grid or the 6 × 4 grid that a convo" in run.remarks()[0]


def test_a_layer_that_flattens_is_not_taken_for_attention():
    model = VisionTransformer()
    model.patch_embed.proj = torch.nn.Sequential(model.patch_embed.proj, torch.nn.Flatten(2))
    assert record(model.double().eval(), image()).axis() == Axis([Special("CLS"), Grid(4, 6)])


def test_an_image_that_was_cut_in_an_earlier_forward_is_over():
    class Either(VisionTransformer):
        def forward(self, x):
            return super().forward(x) if x.dim() == 4 else self.blocks[0](x)

    with torch.no_grad(), visualizer.capture(model := Either().eval()) as run:
        model(torch.randn(1, 3, 32, 48))
        model(torch.randn(1, 25, 16))
    assert no_axes(run) == [run[-1]]


def test_models_that_nobody_gave_are_known_by_their_convolutions_too():
    with torch.no_grad(), visualizer.capture() as run:
        VisionTransformer().eval()(torch.randn(1, 3, 32, 48))
    assert run.axis() == Axis([Special("CLS"), Grid(4, 6)])


def test_whisper_hears_in_seconds_and_reads_on():
    model, sound, ids = (
        unmixed(Whisper(), ["out"]),
        torch.randn(1, 4, 100).double(),
        torch.tensor([[2, 7, 9]]),
    )
    changed, others = sound.clone(), ids.clone()
    changed[..., 41:43] += 1
    others[0, 1] += 1
    before, after = record(model, sound, ids), record(model, changed, others)
    for path in before.paths:
        axis, moved = before.axis(path), moved_keys(before, after, path)
        if path.startswith("encoder") or path.endswith("cross_attn"):
            places = [axis.place(key) for _, key in moved]
            assert axis.arithmetic == "50 in time = 50 tokens"
            assert places[0][0] <= 0.41 <= 0.43 <= places[-1][1]
            assert 0.38 <= places[0][0] <= places[-1][1] <= 0.46
        else:
            assert (axis, moved) == (Axis([Ids([2, 7, 9])]), [(0, 1)])


def test_what_whisper_keeps_in_its_cache_is_one_text():
    model = Whisper().eval()
    with torch.no_grad(), visualizer.capture(model.decoder) as run:
        heard = model.encoder(torch.randn(1, 4, 100))
        cache, hooks = model.install_kv_cache_hooks()
        for ids in ([[2, 7, 9]], [[11]], [[12]]):
            model.decoder(torch.tensor(ids), heard, kv_cache=cache)
        for hook in hooks:
            hook.remove()
    for path in ("blocks.0.attn", "blocks.1.attn"):
        assert run.axis(path) == Axis([Ids([2, 7, 9, 11, 12])])
