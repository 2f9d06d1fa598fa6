"""A real generation, drawn as one sequence: the rows are those of the whole text read at once."""

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

import visualizer
from visualizer import plots

LAYER = "model.layers.1.self_attn"


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    return LlamaForCausalLM(LlamaConfig(vocab_size=50, **sizes)).eval()


@pytest.fixture(scope="module")
def text(model):
    prompt = torch.randint(3, 50, (1, 6), generator=torch.Generator().manual_seed(1))
    return model.generate(prompt, max_new_tokens=4, min_new_tokens=4, do_sample=False, pad_token_id=0)


@pytest.mark.parametrize("options", [{}, {"queries": "last"}], ids=["all queries", "the last queries"])
def test_a_row_of_a_generation_is_that_of_the_whole_text(model, text, options):
    with visualizer.capture(model, **options) as run:
        model.generate(text[:, :6], max_new_tokens=4, min_new_tokens=4, do_sample=False, pad_token_id=0)
    with visualizer.capture(model) as whole, torch.no_grad():
        model(text)
    assert len(run.calls(LAYER)) == 4
    for query in (5, 7, 8):
        drawn, wanted = (plots.row(one, layer=LAYER, head=2, query=query) for one in (run, whole))
        caption = drawn.texts[-1].get_text().replace("\n", " ")
        assert f"Query (row): token {query}, id {text[0, query]}." in caption
        shades = [
            np.array([patch.get_facecolor() for patch in figure.axes[0].patches])[:9]
            for figure in (drawn, wanted)
        ]
        np.testing.assert_allclose(*shades, atol=0.02)
        words = [one.get_text() for one in drawn.axes[0].texts]
        assert words == [f"id {one}" for one in text[0, :9].tolist()]
