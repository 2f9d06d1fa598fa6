import json

import numpy as np
import pytest
import torch
from PIL import Image

import visualizer

GPT = "transformer.h.{}.attn"


def test_what_was_recorded_is_a_table(run, bert):
    code, output, progress = run("capture", bert, "--text", "The bank.", "--modules", "*.layer.[01].*")
    assert code == 0
    assert output.count("scaled_dot_product_attention") == 2
    assert "checked 2/2 calls" in output
    assert f"loading {bert}" in progress


def test_a_wrong_option_is_one_sentence(run, bert):
    code, _, said = run("capture", bert, "--modules", "nowhere")
    assert code == 2
    assert said.splitlines()[-1].startswith("visualizer: modules='nowhere' was asked for, but no module")


def test_a_program_may_read_what_was_recorded(run, bert):
    code, output, _ = run("capture", bert, "--text", "The bank.", "--json", "-o", "bank ü.zarr")
    found = json.loads(output)
    assert (code, found["run"], found["generated"], found["reason"]) == (0, "bank ü.zarr", None, "")
    assert [call["shape"] for call in found["calls"]] == [[1, 12, 5, 5]] * 6
    stored = json.loads(run("info", "bank ü.zarr", "--json")[1])
    assert stored["calls"] == found["calls"]
    assert found["made by"]["packages"] == stored["made by"]["packages"]


@pytest.mark.parametrize("precision", ["float64", "bfloat16"])
def test_a_model_is_run_in_another_precision_on_a_device(run, bert, precision):
    arguments = ["capture", bert, "--text", "The bank.", "--dtype", precision, "--device", "cpu"]
    found = json.loads(run(*arguments, "--json")[1])
    assert (found["made by"]["dtype"], found["made by"]["device"]) == (precision, "cpu")
    errors = [call["error"] for call in found["calls"]]  # of the maps, beside the model's own outputs
    assert max(errors) < 1e-12 if precision == "float64" else max(errors) > 1e-5


def test_floats_that_are_given_are_in_the_model_s_precision_ids_stay_ids(run, bert):
    for shape, model in (("2x5x8", "torch.nn:Identity"), ("1x5:100", bert)):
        assert run("find", model, "--random", shape, "--dtype", "bfloat16")[0] == 0


def test_each_step_of_a_generation_is_recorded_and_its_text_told(run, generators):
    arguments = ["capture", f"hf:{generators / 'gpt'}", "--text", "the old bridge", "--generate", "4"]
    code, output, _ = run(*arguments, "-o", "steps.zarr", "--inputs")
    recorded = visualizer.load("steps.zarr")
    assert code == 0
    assert [call.shape for call in recorded.calls(GPT.format(0))] == [(1, 4, 3, 3)] + [
        (1, 4, 1, n) for n in (4, 5, 6)
    ]
    assert output.splitlines()[-1].startswith("generated: ")
    assert "inputs: 4, first {'item': None, 'step': 0, 'hash': " in run("info", "steps.zarr")[1]
    found = json.loads(run(*arguments, "--json")[1])
    assert len(found["generated"]["ids"]) == 4
    assert found["generated"]["text"] in output
    assert found["axes"][GPT.format(1)]["keys"] == "6 of text = 6 tokens"  # the last one was read by no step


def test_what_is_generated_is_what_the_model_finds_likeliest(run, generators):
    import transformers

    model = transformers.GPT2LMHeadModel.from_pretrained(generators / "gpt").eval()
    ids = transformers.AutoTokenizer.from_pretrained(generators / "gpt")("the old").input_ids
    expected = list(ids)
    for _ in range(3):
        expected.append(int(model(torch.tensor([expected])).logits[0, -1].argmax()))
    arguments = ["--text", "the old", "--generate", "3", "--json"]
    found = json.loads(run("capture", f"hf:{generators / 'gpt'}", *arguments)[1])
    assert found["generated"]["ids"] == expected[2:]


def test_a_decoder_beside_an_encoder_generates_from_its_own_beginning(run, generators):
    arguments = ["--text", "the old bridge", "--generate", "3", "--json", "-o", "t5.zarr", "--inputs"]
    found = json.loads(run("capture", f"hf:{generators / 't5'}", *arguments)[1])
    assert len(found["generated"]["ids"]) == 3
    shapes = [tuple(call["shape"][-2:]) for call in found["calls"] if "EncDec" in call["path"]]
    assert shapes == [(1, 3)] * 3
    lines = run("info", "t5.zarr")[1].splitlines()
    assert "keys of encoder.block.0.layer.0.SelfAttention and 1 more: 3 of text = 3 tokens" in lines
    assert "keys of decoder.block.0.layer.0.SelfAttention: 1 start + 2 × 1 ? = 3 tokens" in lines
    rows = json.loads(run("table", "t5.zarr", "--on", "bridge", "--by", "path", "--json")[1])
    weights = {row["path"]: row["bridge"] for row in rows}
    assert weights["decoder.block.0.layer.0.SelfAttention"] == 0  # that never reads the word
    assert 0 < weights["decoder.block.0.layer.1.EncDecAttention"] < 1


def test_a_model_of_one_s_own_generates_from_ids(run, generators, monkeypatch, tmp_path):
    made = f"transformers.GPT2LMHeadModel.from_pretrained({str(generators / 'gpt')!r})"
    tmp_path.joinpath("own_gpt.py").write_text(f"import transformers\ngpt = {made}\n")
    monkeypatch.syspath_prepend(tmp_path)
    code, output, _ = run("capture", "own_gpt:gpt", "--random", "1x2:6", "--generate", "2")
    assert code == 0
    assert output.splitlines()[-1].startswith("generated: [")


def test_a_step_gives_a_text_that_is_still_to_come_no_weight(run, generators):
    arguments = ["--text", "the old bridge", "--generate", "3", "-o", "steps.zarr", "--inputs"]
    found = json.loads(run("capture", f"hf:{generators / 'gpt'}", *arguments, "--json")[1])
    word = found["generated"]["text"].split()[0]
    options = ["--layer", "0", "--by", "call", "--json", "--on", word]
    rows = json.loads(run("table", "steps.zarr", *options)[1])
    maps = [call.map.numpy() for call in visualizer.load("steps.zarr").calls(GPT.format(0))]
    text = ["the", "old", "bridge", *found["generated"]["text"].split()]
    for row, weights in zip(rows, maps, strict=True):
        places = [n for n, one in enumerate(text[: weights.shape[-1]]) if one == word]
        assert row[word] == pytest.approx(float(weights[..., places].sum(-1).mean()), abs=1e-5)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["{bert}", "--generate", "2"], "--generate was asked for, but {bert} was saved as BertModel, which"),
        (
            ["torch.nn:Identity", "--random", "1x2", "--generate", "2"],
            "--generate was asked for, but torch.nn",
        ),
        (["{bert}", "--device", "nowhere"], "--device nowhere was asked for, but torch has nothing there ("),
        (["{bert}", "--device", "cuda:99"], "--device cuda:99 was asked for, but torch has nothing there ("),
    ],
)
def test_a_model_that_cannot_be_had_so_is_one_sentence(run, bert, arguments, sentence):
    code, output, said = run("capture", *(argument.format(bert=bert) for argument in arguments))
    assert (code, output) == (2, "")
    assert said.splitlines()[-1].startswith(f"visualizer: {sentence.format(bert=bert)}")


def test_of_an_image_beside_a_text_the_part_that_was_seen_is_saved(run):
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = Tokenizer(models.WordLevel({"?": 0, "<image>": 1, "what": 2, "is": 3}, unk_token="?"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, unk_token="?", pad_token="?", additional_special_tokens=["<image>"]
    )
    sizes = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = {"vocab_size": 4, "pad_token_id": 0, "eos_token_id": None, "bos_token_id": None}
    config = transformers.LlavaConfig(
        vision_config=transformers.CLIPVisionConfig(**sizes, image_size=28, patch_size=7),
        text_config=transformers.LlamaConfig(**sizes, **text),
        image_token_index=1,
    )
    transformers.LlavaForConditionalGeneration(config).save_pretrained("llava")
    cut = {"size": {"shortest_edge": 28}, "crop_size": {"height": 28, "width": 28}}
    images = transformers.CLIPImageProcessorPil(**cut)
    how = {"patch_size": 7, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1}
    transformers.LlavaProcessor(images, tokenizer, **how).save_pretrained("llava")
    Image.new("RGB", (56, 28), (255, 0, 0)).save("photo.png")
    asked = ["--text", "<image> what is", "--image", "photo.png", "-o", "run.zarr", "--inputs"]
    assert run("capture", "hf:llava", *asked)[0] == 0
    seen = visualizer.load("run.zarr")
    assert seen.image.shape == (28, 28, 3)
    np.testing.assert_allclose(seen.image[0, 0], (1, 0, 0), atol=1e-6)
    assert run("plot", "run.zarr", "--layer", "-1", "--query", "17", "-o", "row.png")[0] == 0
