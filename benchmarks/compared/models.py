"""The models that are recorded, of random weights: three run fused attention, one has its own softmax."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn


class Size(NamedTuple):
    """How large the models are."""

    layers: int = 12
    tokens: int = 512
    hidden: int = 768
    images: int = 8


QUICK = Size(layers=2, tokens=32, hidden=96, images=1)


class Subject(NamedTuple):
    """A model and its input.

    ``sources`` yields for an nnsight copy where each layer's attention is called; ``droppings`` lists the
    modules that a map passes through once the model is ``eager``.
    """

    name: str
    model: nn.Module
    inputs: tuple[Any, ...]
    options: dict[str, Any]
    sources: Callable[[Any], Iterator[Any]]
    droppings: Callable[[Any], list[nn.Module]] | None = None
    bridge: str = ""

    def plain(self):
        """Run the model as it stands."""
        return self.model(*self.inputs, **self.options)


def vit(size):
    sys.path += [str(Path(sys.prefix, "timm")), str(Path(__file__).parents[2] / "tests" / "demo")]
    import torchvision_shim  # noqa: F401  torchvision may be one of another torch
    from timm.models.vision_transformer import VisionTransformer

    hidden = size.hidden // 2
    model = VisionTransformer(embed_dim=hidden, depth=size.layers, num_heads=max(hidden // 64, 1))
    return Subject(
        f"timm ViT-S/16, batch {size.images}",
        model.eval(),
        (torch.randn(size.images, 3, 224, 224),),
        {},
        lambda model: (block.attn.source.F_scaled_dot_product_attention_0 for block in model.blocks),
        lambda model: [block.attn.attn_drop for block in model.blocks],
    )


def gpt2(size):
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=1000,  # the head is not what is measured
        n_positions=size.tokens,
        n_embd=size.hidden,
        n_layer=size.layers,
        bos_token_id=0,
        eos_token_id=0,
    )
    return Subject(
        f"GPT-2, {size.tokens} tokens",
        GPT2LMHeadModel(config).eval(),
        (torch.randint(0, 1000, (1, size.tokens)),),
        {"use_cache": False},
        lambda model: (block.attn.source.attention_interface_1 for block in model.transformer.h),
        bridge="GPT2LMHeadModel",
    )


def bert(size):
    from transformers import BertConfig, BertForMaskedLM

    tokens = size.tokens // 2
    config = BertConfig(
        vocab_size=1000,
        hidden_size=size.hidden,
        num_hidden_layers=size.layers,
        intermediate_size=4 * size.hidden,
    )
    mask = torch.ones(2, tokens, dtype=torch.long)
    mask[1, tokens * 2 // 3 :] = 0
    return Subject(
        f"BERT, {tokens} tokens, padded batch of 2",
        BertForMaskedLM(config).eval(),
        (torch.randint(0, 1000, (2, tokens)),),
        {"attention_mask": mask},
        lambda model: (
            layer.attention.self.source.attention_interface_1 for layer in model.bert.encoder.layer
        ),
        bridge="BertForMaskedLM",
    )


class CausalAttention(nn.Module):
    """Self-attention as minimal models write it: products, a mask and a softmax of their own."""

    def __init__(self, hidden, heads):
        super().__init__()
        self.heads = heads
        self.qkv, self.proj, self.drop = (
            nn.Linear(hidden, 3 * hidden),
            nn.Linear(hidden, hidden),
            nn.Dropout(),
        )

    def forward(self, x):
        """Map (batch, token, hidden) to the same."""
        batch, tokens, hidden = x.shape
        shape = batch, tokens, self.heads, hidden // self.heads
        q, k, v = (part.view(shape).transpose(1, 2) for part in self.qkv(x).split(hidden, 2))
        att = q @ k.transpose(-2, -1) * shape[-1] ** -0.5
        att = att.masked_fill(torch.ones(tokens, tokens, dtype=torch.bool).triu(1), -torch.inf)
        att = self.drop(att.softmax(-1))
        return self.proj((att @ v).transpose(1, 2).reshape(x.shape))


class Block(nn.Module):
    """A transformer block."""

    def __init__(self, hidden):
        super().__init__()
        self.attn = CausalAttention(hidden, heads=6)
        self.mlp = nn.Sequential(nn.Linear(hidden, 4 * hidden), nn.GELU(), nn.Linear(4 * hidden, hidden))
        self.norms = nn.ModuleList([nn.LayerNorm(hidden), nn.LayerNorm(hidden)])

    def forward(self, x):
        """Map (batch, token, hidden) to the same."""
        x = x + self.attn(self.norms[0](x))
        return x + self.mlp(self.norms[1](x))


def own_softmax(size):
    tokens, hidden = size.tokens // 2, size.hidden // 2
    return Subject(
        f"a GPT with its own softmax, {tokens} tokens, batch {size.images}",
        nn.Sequential(*(Block(hidden) for _ in range(size.layers))).eval(),
        (torch.randn(size.images, tokens, hidden),),
        {},
        lambda model: (block.attn.source.att_softmax_0 for block in model),
        lambda model: [block.attn.drop for block in model],
    )


MODELS = {"vit": vit, "gpt2": gpt2, "bert": bert, "own-softmax": own_softmax}
