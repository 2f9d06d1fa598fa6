"""Small models of many families: each map next to the model's own answer, and the model left as it was."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._pytree import tree_leaves

import visualizer

from .transparency import state_of
from .zoo_of_transformers import MODELS, build, own_attentions

X = torch.randn(2, 9, 32, generator=torch.Generator().manual_seed(1))
MEMORY = torch.randn(2, 5, 32, generator=torch.Generator().manual_seed(2))
PADDING = torch.zeros(2, 9, dtype=torch.bool)
PADDING[0, 6:] = True
FUTURE = torch.ones(9, 9, dtype=torch.bool).triu(1)


def same(left, right):
    left, right = (
        [leaf for leaf in tree_leaves(one) if isinstance(leaf, torch.Tensor)] for one in (left, right)
    )
    return len(left) == len(right) and all(map(torch.equal, left, right))


def record(model, *args, **kwargs):
    """Return what was recorded of a call that must not show."""
    torch.manual_seed(3)
    alone, before = model(*args, **kwargs), state_of(model)
    torch.manual_seed(3)
    with visualizer.capture(model) as run:
        recorded = model(*args, **kwargs)
    assert state_of(model) == before
    torch.manual_seed(3)
    after = model(*args, **kwargs)
    assert same(alone, recorded)
    assert same(alone, after)
    return run


def compare(run, expected):
    assert len(run) == len(expected), run
    for call, wanted in zip(run, expected, strict=True):
        assert call.shape == tuple(wanted.shape)
        assert np.abs(call.map.numpy() - wanted.detach().numpy()).max() < 1e-5


# -- transformers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
@torch.no_grad()
def test_the_maps_are_those_that_the_eager_model_returns(name):
    model, inputs, _ = build(name)
    run = record(model, **inputs)
    compare(run, list(own_attentions(name)))
    assert all("Attention" in type(model.get_submodule(path)).__name__ for path in run.paths)
    assert run.checks.largest < 1e-5


# -- torch.nn ---------------------------------------------------------------------------------------------


def heads_of(layer, query, key, mask=None):
    """The map of an `nn.MultiheadAttention` (batch, head, query, key), from its weights."""
    wide, heads = layer.embed_dim, layer.num_heads
    bias = layer.in_proj_bias
    q = query @ layer.in_proj_weight[:wide].T + bias[:wide]
    k = key @ layer.in_proj_weight[wide : 2 * wide].T + bias[wide : 2 * wide]
    q, k = (part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in (q, k))
    a = q @ k.mT / (wide // heads) ** 0.5
    return (a if mask is None else a.masked_fill(mask, -torch.inf)).softmax(-1)


def attention(**options):
    torch.manual_seed(0)
    return nn.MultiheadAttention(32, 4, batch_first=True, **options).eval()


@pytest.mark.parametrize("gradients", [False, True])
@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("mask", [None, PADDING[:, None, None], FUTURE])
def test_multihead_attention(gradients, weights, mask):
    layer, given = attention(), {}
    if mask is FUTURE:
        given = {"attn_mask": FUTURE}
    elif mask is not None:
        given = {"key_padding_mask": PADDING}
    with torch.set_grad_enabled(gradients):
        run = record(layer, X, X, X, need_weights=weights, **given)
    compare(run, [heads_of(layer, X, X, mask)])
    assert run.paths == [""]


def test_cross_attention():
    layer = attention()
    compare(record(layer, X, MEMORY, MEMORY), [heads_of(layer, X, MEMORY)])


def test_multihead_attention_with_the_sequence_first():
    layer = attention()
    layer.batch_first = False
    turned = X.transpose(0, 1)
    compare(record(layer, turned, turned, turned), [heads_of(layer, X, X)])


def test_multihead_attention_in_training_is_recorded_before_dropout():
    layer = attention(dropout=0.5).train()
    compare(record(layer, X, X, X), [heads_of(layer, X, X)])


def encoder(layers=2, **options):
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, dropout=0.0)
    return nn.TransformerEncoder(layer, layers, **options)


def maps_of_encoder(model, x, mask=None):
    for layer in model.layers:
        a = heads_of(layer.self_attn, x, x, mask)
        yield a
        value = x @ layer.self_attn.in_proj_weight[64:].T + layer.self_attn.in_proj_bias[64:]
        mixed = (a @ value.unflatten(-1, (4, -1)).transpose(1, 2)).transpose(1, 2).flatten(2)
        x = layer.norm1(x + layer.self_attn.out_proj(mixed))
        x = layer.norm2(x + layer.linear2(layer.linear1(x).relu()))


@pytest.mark.parametrize("train", [False, True])
def test_an_encoder(train):
    model = encoder().train(train)
    with torch.set_grad_enabled(train):  # the native operator runs in eval without gradients
        run = record(model, X)
    compare(run, list(maps_of_encoder(model, X)))
    assert run.paths == ["layers.0.self_attn", "layers.1.self_attn"]


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("train", [False, True])
def test_a_padded_encoder(train):
    model = encoder().train(train)
    with torch.set_grad_enabled(train):
        run = record(model, X, src_key_padding_mask=PADDING)
    compare(run, list(maps_of_encoder(model, X, PADDING[:, None, None])))


@pytest.mark.parametrize("train", [False, True])
def test_a_transformer_of_encoder_and_decoder(train):
    torch.manual_seed(0)
    model = nn.Transformer(32, 4, 1, 2, 64, 0.0, batch_first=True).train(train)
    with torch.set_grad_enabled(train):
        run = record(model, MEMORY, X, tgt_mask=FUTURE)
    assert run.paths == ["encoder.layers.0.self_attn"] + [
        f"decoder.layers.{i}.{name}" for i in range(2) for name in ("self_attn", "multihead_attn")
    ]
    assert [call.shape[-2:] for call in run] == [(5, 5), *2 * [(9, 9), (9, 5)]]
    compare(
        run[:2],
        [
            next(maps_of_encoder(model.encoder, MEMORY)),
            heads_of(model.decoder.layers[0].self_attn, X, X, FUTURE),
        ],
    )
    assert run.checks.largest < 1e-5


# -- nothing to record ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (nn.LSTM(32, 16), "without any softmax"),
        (nn.Sequential(nn.Linear(32, 10), nn.Softmax(-1)), "none met an activation"),
        (
            nn.Sequential(nn.Unflatten(1, (3, 3)), nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).eval(),
            "without any softmax",
        ),
    ],
)
@torch.no_grad()
def test_models_without_attention_have_an_empty_run(model, reason):
    run = record(model, X)
    assert len(run) == 0
    assert reason in run.why_empty()
