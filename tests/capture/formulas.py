"""One self-attention layer whose middle is given, and the map of its formula in float64."""

import math

import numpy as np
import torch
from torch import nn

import visualizer

HEADS, LENGTH, WIDTH = 4, 9, 8
SCALE = 1 / math.sqrt(WIDTH)
CAUSAL = torch.ones(LENGTH, LENGTH, dtype=torch.bool).tril()
MASK = (torch.rand(LENGTH, LENGTH, generator=torch.Generator().manual_seed(3)) > 0.4) | CAUSAL.T
BLIND = MASK.clone().index_fill(0, torch.tensor([3]), False)  # one query sees nothing
BIAS = torch.randn(HEADS, LENGTH, LENGTH, generator=torch.Generator().manual_seed(4))


class Attention(nn.Module):
    """Self-attention (batch, 9, 32) whose `core` makes the output of q, k and v, each (batch, 4, 9, 8)."""

    num_heads = HEADS

    def __init__(self, core):
        super().__init__()
        self.core = core
        self.qkv = nn.Linear(HEADS * WIDTH, 3 * HEADS * WIDTH)

    def split(self, x):
        parts = self.qkv(x).unflatten(-1, (3, HEADS, WIDTH)).transpose(1, 3).unbind(2)
        return [part.contiguous() for part in parts]

    def forward(self, x):
        return self.core(*self.split(x))


class Cases(dict):
    """Ways to write attention by name: the middle of the layer, and the maps of its formula."""

    def __call__(self, maps=lambda q, k: [softmax(q, k)]):
        def add(core):
            self[core.__name__] = core, maps
            return core

        return add


def softmax(q, k, *, scale=SCALE, mask=None, bias=0.0):
    """The map of the formula, float64: zeros in rows that see no key."""
    a = q.double() @ k.double().transpose(-1, -2) * scale + bias
    if mask is not None:
        a = a.masked_fill(~mask, -math.inf)
    return a.softmax(-1).nan_to_num(0.0)


def logits(q, k):
    return q @ k.transpose(-1, -2) * SCALE


def inputs():
    return torch.randn(2, LENGTH, HEADS * WIDTH, generator=torch.Generator().manual_seed(1)) * 3


def layer(core):
    torch.manual_seed(0)
    return Attention(core).eval()


def ran(model, x):
    torch.manual_seed(2)
    return model(x)


def compare(run, expected, tolerance=3e-6):
    """Assert that a run holds these maps, in order."""
    assert len(run) == len(expected), run
    for call, wanted in zip(run, expected, strict=True):
        found, wanted = call.map.numpy(), wanted.detach().numpy()
        assert found.shape[-2:] == wanted.shape[-2:]
        assert np.abs(found.reshape(wanted.shape) - wanted).max() < tolerance


def check(core, maps, *, gradients):
    """Assert that the layer gives its own output, and that the run holds the formula's maps."""
    model, x = layer(core), inputs()
    with torch.set_grad_enabled(gradients):
        alone = ran(model, x)
        with visualizer.capture(model) as run:
            recorded = ran(model, x)
        assert torch.equal(alone, recorded)
        assert torch.equal(alone, ran(model, x))
        q, k, _ = model.split(x)
    compare(run, maps(q, k))
