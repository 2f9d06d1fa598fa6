"""A run that was saved, or streamed, is to its reader the run that was recorded, whatever was recorded."""

import itertools
import re
from collections import Counter

import pytest
import torch
import transformers
import zarr

import visualizer as viz
from visualizer.attention import AttentionMap
from visualizer.axes import Axis, Grid, Special, Unknown
from visualizer.errors import VisualizerError

HF = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2, "num_hidden_layers": 2}
NO_IDS = {"pad_token_id": 0, "bos_token_id": None, "eos_token_id": None}
IMAGE = 50
PROMPT = torch.tensor([[5, 17, 42, 8, 3]])


def text_model(kind, **options):
    config = getattr(transformers, f"{kind}Config")(
        **HF, **NO_IDS, vocab_size=60, **{"num_key_value_heads": 1, **options}
    )
    return getattr(transformers, f"{kind}ForCausalLM")(config).eval()


def llama():
    return text_model("Llama")


def llama_of_many_heads():
    return text_model("Llama", num_key_value_heads=2)


def mistral():
    return text_model("Mistral", sliding_window=4)


def bart():
    sizes = {
        f"{side}_{name}": value
        for side in ("encoder", "decoder")
        for name, value in {"layers": 2, "attention_heads": 2, "ffn_dim": 16}.items()
    }
    config = transformers.BartConfig(vocab_size=60, d_model=16, max_position_embeddings=64, **sizes, **NO_IDS)
    config.forced_eos_token_id, config.decoder_start_token_id = None, 2
    return transformers.BartForConditionalGeneration(config).eval()


def llava():
    vision = transformers.CLIPVisionConfig(**HF, image_size=16, patch_size=4)
    text = transformers.LlamaConfig(**HF, **NO_IDS, num_key_value_heads=1, vocab_size=60)
    config = transformers.LlavaConfig(vision_config=vision, text_config=text, image_token_index=IMAGE)
    return transformers.LlavaForConditionalGeneration(config).eval()


def swin():
    config = transformers.SwinConfig(
        image_size=32, patch_size=4, embed_dim=8, depths=[2, 2], num_heads=[2, 2], window_size=4
    )
    return transformers.SwinModel(config).eval()


def layers():
    layer = torch.nn.TransformerEncoderLayer(16, 2, 16, batch_first=True)
    return torch.nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval()


def generating(prompt=PROMPT, **options):
    options = {"max_new_tokens": 8, "min_new_tokens": 8, "do_sample": False, **options}
    return lambda model: model.generate(prompt, attention_mask=torch.ones_like(prompt), **options)


def answer(model):
    ids = torch.tensor([[5, *[IMAGE] * 16, 7, 9]])
    image = torch.linspace(-1, 1, 3 * 16 * 16).reshape(1, 3, 16, 16)
    return model.generate(input_ids=ids, pixel_values=image, max_new_tokens=4, do_sample=False)


def look(model):
    return model(torch.linspace(-1, 1, 3 * 32 * 32).reshape(1, 3, 32, 32))


def twice(model):
    return [model(torch.linspace(-n, n, 2 * 6 * 16).reshape(2, 6, 16)) for n in (1, 2)]


RECORDED = {
    "a dynamic cache": (llama, generating(), {}),
    "a long prompt": (llama_of_many_heads, generating(torch.arange(1, 200)[None] % 60), {}),
    "a static cache": (llama, generating(cache_implementation="static"), {}),
    "a sliding cache": (mistral, generating(), {}),
    "a static sliding cache": (mistral, generating(cache_implementation="static"), {}),
    "an encoder and a decoder": (bart, generating(), {}),
    "an image within a text": (llava, answer, {}),
    "windows": (swin, look, {}),
    "values": (layers, twice, {"values": True}),
    "formed maps": (layers, twice, {"keep": "dense"}),
    "read-outs": (layers, twice, {"keep": "readouts", "readouts": ["entropy", "received"]}),
    "last queries": (llama, generating(), {"queries": "last"}),
    "a local": (layers, twice, {"locals": "x"}),
}


def recorded(name, mode, **more):
    make, use, options = RECORDED[name]
    torch.manual_seed(0)
    model = make()
    with mode(), viz.capture(model, **options, **more) as run:
        with run.item("one"):
            use(model)
        with run.item("two", rows=[("left", 1), ("right", 2)] if use is twice else ()):
            use(model)
    return run


def asked(read):
    """Return what is asked for, or what the error says, but not how many objects alike there are."""
    try:
        return read()
    except VisualizerError as error:
        return re.sub(r"\d+ different", "different", str(error))


def assert_same(one, other):
    """Compare contents to the last bit."""
    if isinstance(one, AttentionMap):
        one, other = one.array(), other.array()
    assert type(one) is type(other)
    if isinstance(one, torch.Tensor):
        assert one.dtype == other.dtype
        assert torch.equal(one, other)
    elif isinstance(one, dict | list | tuple):
        pairs = zip(
            *((part.items() if isinstance(part, dict) else part) for part in (one, other)), strict=True
        )
        for mine, its in pairs:
            assert_same(mine, its)
    else:
        assert one == other


def assert_alike(live, found):
    """Compare all that a run answers."""
    assert found.paths == live.paths
    assert len(found) == len(live)
    for call, its in zip(live, found, strict=True):
        for name in ("path", "paths", "number", "step", "item", "rows", "sequence", "first_key", "order"):
            assert getattr(call, name) == getattr(its, name), (call.path, name)
        assert (call.how, call.formed, call.split, call.note) == (its.how, its.formed, its.split, its.note)
        assert (call.error is None) == (its.error is None)
        assert_same(call.content, its.content)
        assert_same((call.v, call.output), (its.v, its.output))
        for side in ("queries", "keys"):
            assert asked(lambda c=call, s=side: live.axis(c, s)) == asked(
                lambda c=its, s=side: found.axis(c, s)
            )
    halves = slice(None), slice(len(live) // 2), slice(len(live) // 2, None)  # what each item is
    for part, path, side, row in itertools.product(halves, live.paths, ("queries", "keys"), (None, 0)):
        mine, its = (asked(lambda r=run[part]: r.axis(path, side, row)) for run in (live, found))
        assert mine == its, (path, side)
    for path in live.paths:
        for sequence in (None, 0, 1):
            mine, its = (asked(lambda r=run: r.stitched(path, sequence).array()) for run in (live, found))
            assert_same(mine, its)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("name", RECORDED)
def test_what_is_loaded_answers_as_what_was_recorded(name, mode, tmp_path):
    live = recorded(name, mode)
    live.save(tmp_path / "saved.zarr", inputs=True)
    assert list(viz.load(tmp_path / "saved.zarr").check()) == list(live.check())
    streamed = recorded(name, mode, path=tmp_path / "streamed.zarr", inputs=True)
    for found in (viz.load(tmp_path / "saved.zarr"), streamed, viz.load(tmp_path / "streamed.zarr")):
        assert_alike(live, found)


def test_gradients_and_labels_are_those_of_the_recorded_run(tmp_path):
    torch.manual_seed(0)
    with viz.capture(model := layers(), gradients=True) as run, run.item("one", rows=["left", "right"]):
        out = model(torch.linspace(-1, 1, 2 * 5 * 16).reshape(2, 5, 16))
    run.label("layers.0.*", axis=[Special("CLS"), Grid(2, 2)]).label("layers.1.*", queries=list("abcde"))
    live = run.gradients(out[..., 0].sum())
    live.save(tmp_path / "run.zarr", inputs=True)
    found = viz.load(tmp_path / "run.zarr")
    assert_alike(live, found)
    assert found.where("c", path=found.paths[1], of="queries") == slice(2, 3)
    assert found.axis(found.paths[0]) == Axis((Special("CLS"), Grid(2, 2)))


@pytest.mark.parametrize("name", ["a dynamic cache", "a sliding cache", "an image within a text"])
def test_a_generation_is_one_text_whether_it_was_saved_or_not(name, tmp_path):
    live = recorded(name, torch.no_grad)
    live = live[: len(live) // 2]
    live.save(tmp_path / "with.zarr", inputs=True)
    live.save(tmp_path / "without.zarr")
    path, with_them = live.paths[-1], viz.load(tmp_path / "with.zarr")
    for side in ("keys", "queries"):
        whole = live.axis(path, side)
        assert whole.length == live.stitched(path).shape[-1]
        assert with_them.axis(path, side) == whole
        *images, text = viz.load(tmp_path / "without.zarr").axis(path, side).segments
        assert [type(one) for one in images] == ([Unknown, Grid] if name == "an image within a text" else [])
        assert isinstance(text, Unknown)
        assert sum(one.length for one in (*images, text)) == whole.length


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("cache", ["dynamic", "static"])
def test_each_step_of_a_decoder_adds_what_is_new_and_nothing_of_the_encoder(mode, cache, tmp_path):
    torch.manual_seed(0)
    with mode(), viz.capture(model := bart(), path=tmp_path / "run.zarr") as run:
        generating(cache_implementation=cache)(model)
    arrays = zarr.open_group(tmp_path / "run.zarr", mode="r")["arrays"].arrays()
    lengths = Counter()
    for _, array in arrays:
        about = array.attrs["visualizer"]
        if about["role"] == "k" and about["module"].startswith("model.decoder"):
            lengths[about["module"].rpartition(".")[2]] += array.shape[0] * array.shape[-2]
    layers, steps = 2, 8
    assert lengths["encoder_attn"] == layers * PROMPT.shape[1]
    whole = steps if cache == "static" else 0  # the empty cache, before it is filled
    assert lengths["self_attn"] <= layers * (whole + steps)
    assert len(run) == layers * (1 + 2 * steps)
