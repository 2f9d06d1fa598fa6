"""A run whose map is signed."""

import torch
from torch.nn.functional import scaled_dot_product_attention

import visualizer


class Model(torch.nn.Module):
    """One fused call."""

    def forward(self, q, k, v):
        return scaled_dot_product_attention(q, k, v)


def gradients_of(scalar):
    """Return the gradients, of 2 heads and 9 tokens, of what a function makes of the call's output."""
    torch.manual_seed(0)
    q, k, v = (torch.randn(1, 2, 9, 4, requires_grad=True) for _ in range(3))
    with visualizer.capture(model := Model(), gradients=True) as run:
        out = model(q, k, v)
    return run.gradients(scalar(out))
