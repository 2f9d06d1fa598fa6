"""Relevance is what the published rules give on whole matrices; value-weighted maps what their paper says."""

import numpy as np
import pytest
import torch
from tests.sharpening import sharpened
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    LlamaConfig,
    LlamaForCausalLM,
    ViTConfig,
    ViTForImageClassification,
)

import visualizer as viz
from visualizer import analysis
from visualizer.attention import AttentionMap, Factors, blocks
from visualizer.errors import CallsError, OptionError, ShapeError

close = np.testing.assert_allclose


def positive(maps, gradients):
    """Equation 5 on arrays (head, query, key)."""
    return [(a * g).clip(0).mean(0) for a, g in zip(maps, gradients, strict=True)]


def normalised(r):
    """What the published code calls handling the residual."""
    hat = r - np.eye(len(r))
    with np.errstate(invalid="ignore"):
        hat = hat / hat.sum(-1, keepdims=True)
    return np.nan_to_num(hat) + np.eye(len(r))  # rows of zeros are none


def published(encoder, decoder, cross):
    """The rules for an encoder and a decoder, written out with whole matrices."""
    r_qq, r_ss = np.eye(len(encoder[0])), np.eye(len(decoder[0]))
    r_sq = np.zeros((len(r_ss), len(r_qq)))
    for a in encoder:
        r_qq = r_qq + a @ r_qq
    for own, other in zip(decoder, cross, strict=True):
        r_ss, r_sq = r_ss + own @ r_ss, r_sq + own @ r_sq
        r_sq = r_sq + normalised(r_ss).T @ other @ normalised(r_qq)
    return r_qq, r_ss, r_sq


@pytest.fixture
def drawn():
    """Draw maps of layers and gradients (layer, batch, head, query, key)."""
    rng = np.random.default_rng(2)

    def drawn(queries, keys, layers=3):
        maps = rng.dirichlet(np.ones(keys), size=(layers, 2, 4, queries))
        return maps, rng.normal(size=maps.shape)

    return drawn


def few_rows_at_a_time(monkeypatch, keys=9):
    monkeypatch.setattr(blocks, "BLOCK", 2 * keys * 8 * blocks.PASSES)
    monkeypatch.setattr(blocks, "FEWEST", 1)


def test_relevance(drawn, monkeypatch):
    maps, gradients = drawn(9, 9)
    expected = np.array(
        [published(p := positive(maps[:, b], gradients[:, b]), p, [np.eye(9)] * 3)[0] for b in (0, 1)]
    )
    close(analysis.relevance(maps, gradients), expected, atol=1e-10)
    close(analysis.relevance(maps, gradients, 4), expected[:, 4], atol=1e-10)
    close(analysis.relevance(maps, gradients, [0, -1]), expected[:, [0, -1]], atol=1e-10)
    few_rows_at_a_time(monkeypatch)
    close(analysis.relevance(maps, gradients, 4), expected[:, 4], atol=1e-6)


def test_cross_relevance(drawn, monkeypatch):
    (own, own_g), (other, other_g), (enc, enc_g) = drawn(5, 5), drawn(5, 9), drawn(9, 9, layers=2)
    expected = np.array(
        [
            published(
                positive(enc[:, b], enc_g[:, b]),
                positive(own[:, b], own_g[:, b]),
                positive(other[:, b], other_g[:, b]),
            )[2]
            for b in (0, 1)
        ]
    )
    given = (other, other_g), (own, own_g), (enc, enc_g)
    close(analysis.cross_relevance(*given), expected, rtol=1e-5)
    close(analysis.cross_relevance(*given, queries=2), expected[:, 2], rtol=1e-5)
    few_rows_at_a_time(monkeypatch)
    close(analysis.cross_relevance(*given, queries=[2, 4]), expected[:, [2, 4]], rtol=1e-5)


def test_two_streams_that_look_at_one_another(drawn):
    text, image, to_image, to_text = drawn(4, 4, 1), drawn(6, 6, 1), drawn(4, 6, 1), drawn(6, 4, 1)
    found = analysis.co_relevance(
        [
            ("text", "text", text[0][0], text[1][0]),
            ("image", "image", image[0][0], image[1][0]),
            [
                ("text", "image", to_image[0][0], to_image[1][0]),
                ("image", "text", to_text[0][0], to_text[1][0]),
            ],
            ("text", "text", text[0][0], text[1][0]),
        ]
    )
    for b in (0, 1):
        (tt,), (ii,), (ti,), (it,) = (positive(a[:, b], g[:, b]) for a, g in (text, image, to_image, to_text))
        r_tt, r_ii, r_ti, r_it = np.eye(4), np.eye(6), np.zeros((4, 6)), np.zeros((6, 4))
        r_tt = r_tt + tt @ r_tt
        r_ii = r_ii + ii @ r_ii
        crossed = normalised(r_tt).T @ ti @ normalised(r_ii), normalised(r_ii).T @ it @ normalised(r_tt)
        r_tt, r_ii = r_tt + ti @ r_it, r_ii + it @ r_ti
        r_ti, r_it = r_ti + crossed[0], r_it + crossed[1]
        r_tt, r_ti = r_tt + tt @ r_tt, r_ti + tt @ r_ti
        for streams, expected in {"tt": r_tt, "ti": r_ti, "ii": r_ii, "it": r_it}.items():
            names = tuple({"t": "text", "i": "image"}[one] for one in streams)
            close(found[names][b], expected, rtol=1e-6)


def test_streams_agree_with_the_rules_for_an_encoder_and_a_decoder(drawn):
    (own, own_g), (other, other_g), (enc, enc_g) = drawn(5, 5, 2), drawn(5, 9, 2), drawn(9, 9, 3)
    steps = [("in", "in", a, g) for a, g in zip(enc, enc_g, strict=True)]
    for layer in (0, 1):
        steps += [("out", "out", own[layer], own_g[layer]), ("out", "in", other[layer], other_g[layer])]
    found = analysis.co_relevance(steps)["out", "in"]
    close(found, analysis.cross_relevance((other, other_g), (own, own_g), (enc, enc_g)), rtol=1e-5)
    with pytest.raises(ShapeError, match="the stream 'out' has 9 tokens in one map, but 5 before"):
        analysis.co_relevance([*steps, ("out", "out", enc[0], enc_g[0])])


def test_a_decoder_whose_self_attention_is_irrelevant(drawn):
    (own, _), (other, other_g), (enc, enc_g) = drawn(5, 5), drawn(5, 9), drawn(9, 9)
    found = analysis.cross_relevance((other, other_g), (own, -np.ones_like(own)), (enc, enc_g))
    enc, other = (positive(a[:, 0], g[:, 0]) for a, g in ((enc, enc_g), (other, other_g)))
    r_qq = published(enc, [np.eye(5)], [np.zeros((5, 9))])[0]
    close(found[0], sum(other) @ normalised(r_qq), rtol=1e-5)  # the decoder's stays the identity


def test_a_class_of_a_vision_transformer_by_its_fused_kernel():
    torch.manual_seed(0)
    config = ViTConfig(
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=64,
        image_size=32,
        patch_size=8,
        num_labels=5,
    )
    fused = ViTForImageClassification._from_config(config, attn_implementation="sdpa")
    fused = sharpened(fused, ("q_proj", "k_proj", "query", "key"), 8)
    eager = ViTForImageClassification._from_config(config, attn_implementation="eager").eval()
    eager.load_state_dict(fused.state_dict())
    pixels = torch.randn(2, 3, 32, 32)

    with viz.capture(fused, gradients=True) as run:
        logits = fused(pixels).logits
    found = analysis.relevance(run, run.gradients(logits[:, 3].sum()), 0)

    output = eager(pixels, output_attentions=True)
    gradients = torch.autograd.grad(output.logits[:, 3].sum(), output.attentions)
    maps, gradients = (
        np.array([one.detach().numpy() for one in many]) for many in (output.attentions, gradients)
    )
    expected = [
        published(p := positive(maps[:, b], gradients[:, b]), p, [np.eye(17)] * 3)[0][0] for b in (0, 1)
    ]
    close(found, expected, atol=1e-5)
    assert np.ptp(found[:, 1:]) > 1e-3
    rows = analysis.attention_times_gradient(run[0], run.gradients(logits[:, 3].sum())[0], 0)
    close(rows, [positive(maps[:1, b], gradients[:1, b])[0][0] for b in (0, 1)], atol=1e-6)


def test_a_generated_token_of_an_encoder_and_decoder():
    torch.manual_seed(0)
    config = BartConfig(
        vocab_size=50,
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_position_embeddings=32,
    )
    bart = BartForConditionalGeneration._from_config(config, attn_implementation="sdpa").eval()
    ids, answer = torch.randint(4, 50, (1, 11)), torch.randint(4, 50, (1, 6))
    with viz.capture(bart, gradients=True) as run:
        logits = bart(input_ids=ids, decoder_input_ids=answer).logits
    gradients = run.gradients(logits[0, 3].max())

    def layers(pattern):
        return run[pattern], gradients[pattern]

    found = analysis.cross_relevance(
        layers("*decoder.layers.*.encoder_attn"),
        layers("*decoder.layers.*.self_attn"),
        layers("*encoder.layers.*.self_attn"),
        3,
    )
    dense = [
        [positive([a.map.numpy()[0]], [g.map.numpy()[0]])[0] for a, g in zip(*layers(p), strict=True)]
        for p in (
            "*encoder.layers.*.self_attn",
            "*decoder.layers.*.self_attn",
            "*decoder.layers.*.encoder_attn",
        )
    ]
    expected = published(*([a.astype(np.float64) for a in one] for one in dense))[2]
    close(found, expected[None, 3], rtol=1e-4)


def test_a_generated_token_of_a_language_model_whose_heads_share_keys():
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=50,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    fused = LlamaForCausalLM._from_config(config, attn_implementation="sdpa")
    fused = sharpened(fused, ("q_proj", "k_proj"), 20)
    eager = LlamaForCausalLM._from_config(config, attn_implementation="eager").eval()
    eager.load_state_dict(fused.state_dict())
    prompt = torch.randint(3, 50, (1, 7))
    written = fused.generate(prompt, max_new_tokens=4, do_sample=False, pad_token_id=0)
    assert written.shape == (1, 11)
    before = 8  # the position that wrote the token at 9

    with viz.capture(fused, gradients=True) as run:
        logits = fused(written).logits
    found = analysis.relevance(run, run.gradients(logits[0, before, written[0, before + 1]]), before)

    output = eager(written, output_attentions=True)
    score = output.logits[0, before, written[0, before + 1]]
    gradients = torch.autograd.grad(score, output.attentions)
    maps, gradients = ([one[0].detach().numpy() for one in many] for many in (output.attentions, gradients))
    expected = published(p := positive(maps, gradients), p, [np.eye(11)] * 3)[0][before]
    close(found[0], expected, atol=1e-5)
    assert np.ptp(found[0, :before]) > 1e-3
    assert not found[0, before + 1 :].any()


@pytest.mark.parametrize("projected", [False, True])
def test_value_weighted(projected):
    rng = np.random.default_rng(0)
    q, k = rng.normal(size=(2, 2, 4, 7, 8))
    v, weight = rng.normal(size=(2, 2, 7, 5)), rng.normal(size=(12, 20))
    a = AttentionMap(Factors(*map(torch.from_numpy, (q, k)), scale=0.4))
    found = analysis.value_weighted(a, torch.from_numpy(v), weight if projected else None)
    expected = np.zeros(a.shape)
    for b, h, i, j in np.ndindex(a.shape):
        value = v[b, h // 2, j]
        value = weight[:, 5 * h : 5 * h + 5] @ value if projected else value
        expected[b, h, i, j] = float(a[b, h, i, j]) * np.linalg.norm(value)
    close(found.numpy(), expected, rtol=1e-5)
    close(found.received(), expected.sum(-2), rtol=1e-4)


def test_value_weighted_of_a_call_and_without_values():
    q = torch.randn(1, 2, 5, 4)
    module = torch.nn.MultiheadAttention(8, 2, batch_first=True).eval()
    x = torch.randn(1, 5, 8)
    with viz.capture(
        module, values=True
    ) as run:  # with gradients, or torch takes its native path without values
        module(x, x, x, need_weights=False)
    found = analysis.value_weighted(run[0], projection=module.out_proj.weight)
    norms = [
        [
            float((module.out_proj.weight.detach()[:, 4 * h : 4 * h + 4] @ run[0].v[0, h, j].detach()).norm())
            for j in range(5)
        ]
        for h in (0, 1)
    ]
    close(found.numpy(), run[0].map.numpy() * np.array(norms)[None, :, None], rtol=1e-5)
    with pytest.raises(CallsError, match="values=True"):
        analysis.value_weighted(AttentionMap(Factors(q, q, scale=1.0)))


def test_what_does_not_fit(drawn):
    maps, gradients = drawn(4, 4)
    with pytest.raises(ShapeError, match="3 maps were given with 2 gradients"):
        analysis.relevance(maps, gradients[:2])
    with pytest.raises(ShapeError, match=r"\(2, 4, 4, 4\) was given with a gradient of \(2, 4, 4, 3\)"):
        analysis.relevance(maps, gradients[..., :3])
    with pytest.raises(ShapeError, match="here are 4 and 5"):
        analysis.relevance(*drawn(4, 5))
    with pytest.raises(OptionError, match="of 4 tokens"):
        analysis.relevance(maps, gradients, 4)
    with pytest.raises(ShapeError, match="key head"):
        analysis.value_weighted(maps[0], np.ones((2, 3, 4, 8)))
    with pytest.raises(ShapeError, match="4 heads of 8"):
        analysis.value_weighted(maps[0], np.ones((2, 4, 4, 8)), np.ones((3, 3)))
