"""`get_local` in torch models: attention as people write it, unmodified but for the decorator."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from visualizer.classic import get_local
from visualizer.notices import RecordingWarning

ATTENTION = "Attention.forward"


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.scale = (dim // heads) ** -0.5
        self.qkv = nn.Linear(dim, 3 * dim)
        self.attn_drop = nn.Dropout(0.1)
        self.proj = nn.Linear(dim, dim)

    @get_local("attn")
    def forward(self, x):
        B, N, C = x.shape
        qkv = self.qkv(x).reshape(B, N, 3, self.heads, C // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]
        attn = (q @ k.transpose(-2, -1)) * self.scale
        attn = attn.softmax(dim=-1)
        attn = self.attn_drop(attn)
        x = (attn @ v).transpose(1, 2).reshape(B, N, C)
        return self.proj(x)


class Block(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.attn = Attention(dim, heads)

    def forward(self, x):
        return x + self.attn(self.norm(x))


class VisionTransformer(nn.Module):
    def __init__(self, dim=8, heads=2, depth=3):
        super().__init__()
        self.patch = nn.Conv2d(3, dim, 4, stride=4)
        self.blocks = nn.Sequential(*(Block(dim, heads) for _ in range(depth)))

    def forward(self, image):
        return self.blocks(self.patch(image).flatten(2).transpose(1, 2)).mean(1)


def maps_by_hand(model, image):
    """The attention maps of every layer, by formula."""
    x = model.patch(image).flatten(2).transpose(1, 2)
    maps = []
    for block in model.blocks:
        q, k, _ = block.attn.qkv(block.norm(x)).chunk(3, dim=-1)
        q, k = (part.unflatten(-1, (block.attn.heads, -1)).transpose(1, 2) for part in (q, k))
        maps.append(torch.softmax(q @ k.mT * block.attn.scale, dim=-1))
        x = block(x)
    return maps


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)
    torch._dynamo.reset()


@pytest.fixture
def model():
    return VisionTransformer().eval()


@pytest.fixture
def image():
    return torch.randn(2, 3, 8, 12)


def test_every_layer_of_a_vision_transformer_is_recorded_in_order(model, image):
    expected = maps_by_hand(model, image)
    get_local.activate()
    model(image)
    maps = get_local.cache[ATTENTION]
    assert [found.shape for found in maps] == 3 * [(2, 2, 6, 6)]
    for found, wanted in zip(maps, expected, strict=True):
        np.testing.assert_allclose(found, wanted.detach(), rtol=1e-5)
        np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-5)


@pytest.mark.parametrize("keep", ["numpy", "tensor", "reference"])
def test_the_output_is_the_same_to_the_last_bit(model, image, keep):
    wanted = model(image)
    get_local.activate(keep=keep)
    found = model(image)
    get_local.deactivate()
    assert torch.equal(found, wanted)
    assert torch.equal(model(image), wanted)


def test_random_numbers_are_drawn_as_without_recording(model, image):
    outputs = []
    for switch in (get_local.deactivate, get_local.activate):
        switch()
        torch.manual_seed(1)
        outputs.append(model.train()(image))
    assert torch.equal(*outputs)


def test_live_tensors_have_the_gradient_of_the_formula(model, image):
    get_local.activate(keep="tensor")
    output = model(image)
    get_local.deactivate()
    maps = get_local.cache[ATTENTION]
    gradients = torch.autograd.grad(output.sum(), maps)
    last = model.blocks[-1].attn
    x = model.blocks[:-1](model.patch(image).flatten(2).transpose(1, 2))
    v = last.qkv(model.blocks[-1].norm(x)).chunk(3, dim=-1)[2].unflatten(-1, (2, -1)).transpose(1, 2)
    upstream = (torch.ones_like(output)[:, None] / x.shape[1] @ last.proj.weight).expand_as(x)
    upstream = upstream.unflatten(-1, (2, -1)).transpose(1, 2)
    torch.testing.assert_close(gradients[-1], upstream @ v.mT)
    assert all(gradient.shape == found.shape for gradient, found in zip(gradients, maps, strict=True))


def test_recording_as_numpy_leaves_training_as_it_is(model, image):
    model.train()
    gradients = []
    for switch in (get_local.deactivate, get_local.activate):
        switch()
        torch.manual_seed(1)
        model.zero_grad()
        model(image).sum().backward()
        gradients.append([parameter.grad.clone() for parameter in model.parameters()])
    assert all(map(torch.equal, *gradients))


@pytest.mark.parametrize(("dtype", "kept"), [(torch.bfloat16, np.float32), (torch.float16, np.float16)])
def test_a_model_of_half_precision_is_recorded(model, image, dtype, kept):
    get_local.activate()
    model.to(dtype)(image.to(dtype))
    maps = get_local.cache[ATTENTION]
    assert {found.dtype for found in maps} == {np.dtype(kept)}
    np.testing.assert_allclose(maps[0].sum(-1), 1, atol=0.02)


def test_a_change_in_place_after_the_call_does_not_show():
    @get_local("attn")
    def attend(x):
        attn = x.softmax(-1)
        return attn

    get_local.activate()
    attend(torch.zeros(2, 2)).zero_()
    assert get_local.cache[attend.__qualname__][0].tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_each_way_out_of_a_forward_is_recorded():
    class Switching(nn.Module):
        @get_local("attn", "bias")
        def forward(self, x, bias=None):
            if x.numel() == 0:
                return x
            attn = x.softmax(-1)
            if bias is None:
                return attn
            attn = attn + bias
            return attn

    module = Switching()
    get_local.activate()
    module(torch.zeros(0)), module(torch.zeros(2)), module(torch.zeros(2), torch.ones(2))
    key = Switching.forward.__qualname__
    attn, bias = get_local.cache[key], get_local.cache[f"{key}.bias"]
    assert [value.tolist() for value in attn] == [[0.5, 0.5], [1.5, 1.5]]
    assert bias[:2] == [None, None]
    assert bias[2].tolist() == [1, 1]


def test_one_layer_alone_is_recorded_by_pointing_at_it():
    class Layer(nn.Linear):
        def forward(self, x):
            y = super().forward(x)
            return y.relu()

    model = nn.Sequential(Layer(2, 3), Layer(3, 4)).eval()
    get_local("y")(model[1])
    get_local.activate()
    model(torch.ones(1, 2))
    assert [value.shape for value in get_local.cache[Layer.forward.__qualname__]] == [(1, 4)]


def test_a_library_function_is_recorded_by_its_name():
    from transformers import BertConfig, BertModel

    get_local.activate()
    get_local("attn_weights")("transformers.models.bert.modeling_bert:eager_attention_forward")
    config = BertConfig(
        hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=8, vocab_size=10
    )
    config._attn_implementation = "eager"
    output = BertModel(config).eval()(torch.tensor([[1, 2, 3]]), output_attentions=True)
    recorded = get_local.cache["eager_attention_forward"]
    assert len(recorded) == 2
    for found, wanted in zip(recorded, output.attentions, strict=True):
        assert np.array_equal(found, wanted.detach())


@torch.no_grad()  # torch.compile warns about gradients of its own
def test_a_model_compiled_after_activation_is_recorded(model, image):
    get_local.activate()
    compiled = torch.compile(model, backend="eager")
    compiled(image), compiled(image)
    assert len(get_local.cache[ATTENTION]) == 6


@torch.no_grad()
def test_a_model_compiled_before_activation_is_recorded_when_run_eagerly(model, image):
    compiled = torch.compile(model, backend="eager")
    compiled(image)
    get_local.activate()
    with torch.compiler.set_stance("force_eager"):
        compiled(image)
    assert len(get_local.cache[ATTENTION]) == 3


def test_a_forward_that_checkpointing_runs_again_is_recorded_again(model, image):
    get_local.activate()
    image.requires_grad_()
    checkpoint(model, image, use_reentrant=False).sum().backward()
    assert len(get_local.cache[ATTENTION]) == 6


def test_what_has_no_numbers_yet_leaves_the_model_alone_with_one_warning(model, image):
    get_local.activate()
    with pytest.warns(RecordingWarning, match="torch.Tensor, which could not be copied") as said:
        output = torch.func.vmap(model)(image[None])
    assert len(said) == 1
    torch.testing.assert_close(output[0], model(image))
