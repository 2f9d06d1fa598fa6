"""How axes are inferred: what is read, that nothing is left behind, and that nothing is guessed."""

import copy

import pytest
import torch
from tests.families.perturbing import record
from transformers import LlamaConfig, LlamaForCausalLM, ViTConfig, ViTModel

import visualizer
from visualizer.axes import Axis, Grid, Ids, Special, Unknown
from visualizer.errors import CallsError

HF = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2, "num_hidden_layers": 2}
VIT = ViTConfig(**HF, image_size=(32, 48), patch_size=8)
LLAMA = LlamaConfig(
    **HF, num_key_value_heads=1, vocab_size=60, pad_token_id=None, bos_token_id=None, eos_token_id=None
)
IMAGE = torch.randn(1, 3, 32, 48)


@pytest.fixture
def vit():
    torch.manual_seed(0)
    return ViTModel(copy.deepcopy(VIT)).eval()


def codes():
    functions = [ViTModel.forward]
    while hasattr(functions[-1], "__wrapped__"):
        functions.append(functions[-1].__wrapped__)
    return [function.__code__ for function in functions]


def test_outputs_are_the_same_bits_and_code_is_put_back(vit):
    before = codes()
    with torch.no_grad():
        alone = vit(IMAGE).last_hidden_state
        with visualizer.capture(vit) as run:
            assert codes() != before
            recorded = vit(IMAGE).last_hidden_state
    assert torch.equal(alone, recorded)
    assert run.axis() == Axis([Special("CLS"), Grid(4, 6)])
    assert all(now is then for now, then in zip(codes(), before))


def test_an_exception_within_a_forward_leaves_nothing_running(vit):
    with torch.no_grad(), visualizer.capture(vit) as run:
        with pytest.raises(ValueError, match="doesn't match"):
            vit(torch.randn(1, 3, 16, 16))
        vit.layers[0](torch.randn(1, 25, 16))  # as long as the image that failed would not be
    with pytest.raises(CallsError, match="have no axis"):
        run.axis()


def test_a_module_whose_family_was_built_otherwise_is_not_guessed(vit):
    vit.config.patch_size = 16  # foretells 1 + 2 × 3 tokens
    run = record(vit, IMAGE)
    assert len(run) == 2
    foretold = r"ViTModel foretells 1 CLS \+ 2 × 3 grid = 7 tokens, but the map of layers.0.attention has "
    with pytest.raises(CallsError, match=f"have no axis: .* {foretold}.*queries: 25, keys: 25, batch: 1"):
        run.axis()
    assert run.label(axis=[Special("CLS"), Grid(4, 6)]).where(cell=(0, 1)) == slice(2, 3)


def test_a_reader_that_fails_does_not_disturb_the_model(vit):
    vit.config.patch_size = 0
    run = record(vit, IMAGE)
    assert len(run) == 2
    (why,) = run.remarks()  # once, of both layers
    assert "what the tokens of ViTModel are could not be read (ZeroDivisionError: " in why
    assert "run.label('layers.0.attention', axis=[...]) says what they are" in why
    assert why in repr(run)


def test_why_axes_are_missing_is_told_of_stored_runs_too(vit, tmp_path):
    vit.config.patch_size = 16
    run = record(vit, IMAGE)
    run.save(tmp_path / "run.zarr")
    stored = visualizer.load(tmp_path / "run.zarr")
    assert stored.remarks() == run.remarks()
    with pytest.raises(CallsError, match="ViTModel foretells 1 CLS"):
        stored.axis()


class Two(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = (torch.nn.MultiheadAttention(16, 2, batch_first=True) for _ in range(2))

    def forward(self, x):
        x, _ = self.first(x, x, x, need_weights=False)
        return self.second(x, x, x, need_weights=False)[0]


def test_tokens_of_which_nothing_is_known_are_told_once_until_they_are_labelled():
    run = record(Two().eval(), torch.randn(1, 5, 16))
    says = "nothing is known of the tokens of MultiheadAttention: run.label('{}', axis=[...]) says"
    (why,) = run.remarks()
    assert why.startswith(says.format("first"))
    assert why in repr(run)
    (why,) = run.label("first", axis=Unknown(5)).remarks()
    assert why.startswith(says.format("second"))
    assert run.label(axis=Unknown(5)).remarks() == []


class Pooled(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = torch.nn.Conv2d(3, 16, kernel_size=8, stride=8)
        self.seed = torch.nn.Parameter(torch.randn(1, 1, 16))
        self.attention = torch.nn.MultiheadAttention(16, 2, batch_first=True)

    def forward(self, image):
        x = self.patches(image).flatten(2).transpose(1, 2)
        return self.attention(self.seed.expand(len(x), -1, -1), x, x, need_weights=False)[0]


def test_one_side_of_which_nothing_is_known_is_told_until_it_is_labelled():
    run = record(Pooled().eval(), IMAGE)
    assert run.axis() == Axis([Grid(4, 6)])
    (why,) = run.remarks()
    assert why.startswith("nothing is known of the queries of MultiheadAttention: run.label('attention', ")
    assert run.label("attention", queries=[Special("pooled")]).remarks() == []


def test_beams_that_change_places_say_why_they_have_no_axis():
    model, ids = LlamaForCausalLM(LLAMA).eval(), torch.tensor([[5, 17, 42, 8]])
    with torch.no_grad(), visualizer.capture(model) as run:
        model.generate(ids, max_new_tokens=5, num_beams=3, do_sample=False)
    (why,) = run.remarks()
    assert "LlamaModel foretells 1 id for queries" in why
    assert "lost here as the keys before them changed (the beams of a beam search change places)" in why


def test_a_part_of_a_larger_model_is_known(vit):
    class Outer(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.backbone = vit

        def forward(self, image):
            return self.backbone(image).last_hidden_state.mean(1)

    assert record(Outer(), IMAGE).axis() == Axis([Special("CLS"), Grid(4, 6)])


def test_images_of_several_sizes_have_axes_of_their_own():
    vit = ViTModel(ViTConfig(**HF, image_size=32, patch_size=8)).eval()
    with torch.no_grad(), visualizer.capture(vit, modules="layers.0.*") as run:
        for size in ((32, 48), (16, 24)):
            vit(torch.randn(1, 3, *size), interpolate_pos_encoding=True)
    assert [run.axis(call).segments[-1] for call in run] == [Grid(4, 6), Grid(2, 3)]
    with pytest.raises(CallsError, match="2 different axes: give the path of one, or one call"):
        run.axis()


def test_the_queries_that_are_kept_are_named():
    torch.manual_seed(0)
    model = LlamaForCausalLM(LLAMA).eval()
    ids = torch.tensor([[5, 17, 42, 8]])
    with torch.no_grad(), visualizer.capture(model, queries="last") as run:
        (said,) = model.generate(ids, max_new_tokens=3, do_sample=False).tolist()
    assert run.axis() == Axis([Ids(said[:-1])])
    assert run.axis(run[0], "queries") == Axis([Ids([8])])
    with torch.no_grad(), visualizer.capture(model, queries=slice(1, 3)) as run:
        model(ids)
    assert run.axis(of="queries") == Axis([Ids([17, 42])])


def test_read_outs_have_axes_too(vit):
    with torch.no_grad(), visualizer.capture(vit, keep="readouts", readouts="entropy") as run:
        vit(IMAGE)
    assert run.where(special="CLS") == slice(0, 1)
