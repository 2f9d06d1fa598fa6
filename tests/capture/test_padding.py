"""Padding in maps that models form themselves is left out as in fused ones."""

import numpy as np
import pytest
import torch
import transformers

import visualizer

IDS = torch.arange(1, 15).view(2, 7)
MASK = torch.tensor([[1] * 7, [1] * 4 + [0] * 3])


def bert(kind):
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 32}
    config = transformers.BertConfig(vocab_size=30, **sizes, attn_implementation=kind)
    return transformers.BertModel(config).eval(), {"input_ids": IDS, "attention_mask": MASK}


def llama(kind):
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 32}
    config = transformers.LlamaConfig(vocab_size=30, **sizes, attn_implementation=kind)
    return transformers.LlamaModel(config).eval(), {"input_ids": IDS, "attention_mask": MASK}


def t5(kind):
    config = transformers.T5Config(
        vocab_size=30, d_model=32, d_kv=8, num_heads=4, num_layers=2, d_ff=32, attn_implementation=kind
    )
    return transformers.T5EncoderModel(config).eval(), {"input_ids": IDS, "attention_mask": MASK}


@pytest.mark.parametrize("make", [bert, llama, t5])
@pytest.mark.parametrize("kind", ["eager", "sdpa"])
def test_padded_queries_are_left_out_and_counted(make, kind):
    torch.manual_seed(0)
    model, inputs = make(kind)
    with torch.no_grad(), visualizer.capture(model) as run:
        model(**inputs)
    for call in run:
        assert "3 padded queries left out" in repr(call.map)
        sums = call.map.received().sum(-1).numpy()
        np.testing.assert_allclose(sums, [[7.0] * 4, [4.0] * 4], atol=1e-5)


def test_a_key_that_all_queries_pass_over_is_no_padding():
    class Peaked(torch.nn.Module):
        def forward(self, q, k):
            return (q @ k.mT).softmax(-1) @ torch.ones_like(k)

    q, k = torch.ones(1, 1, 5, 4), torch.zeros(1, 1, 5, 4)
    k[..., 0, :], k[..., 4, :] = 100.0, -100.0  # in float32 nothing of the last is left
    model = Peaked()
    with visualizer.capture(model) as run:
        model(q, k)
    assert not run[0].map.tensor()[..., 4].any()
    assert "padded" not in repr(run[0].map)


@pytest.mark.parametrize("kind", ["eager", "sdpa"])
def test_padding_is_told_within_a_cache_that_has_free_slots(kind):
    class Cached(torch.nn.Module):
        def forward(self, q, k, seen):
            if kind == "sdpa":
                return torch.nn.functional.scaled_dot_product_attention(q, k, k, attn_mask=seen)
            return (q @ k.mT).masked_fill(~seen, torch.finfo(q.dtype).min).softmax(-1) @ k

    torch.manual_seed(0)
    q, k = torch.randn(2, 2, 3, 4), torch.randn(2, 2, 9, 4)
    causal = torch.arange(9) <= torch.arange(3)[:, None] + 3  # queries 3 to 5, slots 6 to 8 are free
    padding = torch.arange(9) < torch.tensor([0, 4])[:, None, None, None]
    other = (torch.arange(9) < torch.tensor([6, 4])[:, None, None, None]).expand(2, 1, 3, 9)
    model = Cached()
    with visualizer.capture(model) as run:
        model(q, k, causal & ~padding)
        model(q, k, other)  # of another sequence, whose padding is not the queries'
    assert "1 padded queries left out" in repr(run[0].map)
    assert "padded" not in repr(run[1].map)
    np.testing.assert_allclose(run[0].map.received().sum(-1), [[3.0] * 2, [2.0] * 2], atol=1e-6)


def test_minus_a_thousand_million_masks_as_well_as_the_lowest_number():
    class Masked(torch.nn.Module):
        def forward(self, q, k, mask):
            return torch.nn.functional.scaled_dot_product_attention(q, k, k, attn_mask=mask)

    torch.manual_seed(0)
    q, k = torch.randn(2, 1, 2, 5, 8)
    hidden = torch.ones(5, 5).triu(1).bool() | (torch.arange(5) < 2)
    model = Masked()
    with visualizer.capture(model) as run:
        output = model(q, k, torch.where(hidden, -1e9, 0.0)[None, None])
    map_ = run[0].map
    torch.testing.assert_close(map_.tensor() @ k, output)
    assert "2 padded queries left out" in repr(map_)
    assert map_.masked_rows[0, 0].tolist() == [True, True, False, False, False]
