"""Attention times gradient beside captum's layer gradient times activation: run with it on the path."""

import numpy as np
import torch
from captum.attr import LayerGradientXActivation
from torch import nn

import visualizer as viz
from visualizer import analysis


class Classifier(nn.Module):
    """One layer of attention whose softmax is a module, as captum needs it, and a head on the first token."""

    def __init__(self):
        super().__init__()
        self.qkv, self.softmax, self.head = nn.Linear(16, 48), nn.Softmax(-1), nn.Linear(16, 5)

    def forward(self, x):
        q, k, v = self.qkv(x).unflatten(-1, (3, 4, 4)).transpose(1, 3).unbind(2)
        weights = self.softmax(q @ k.transpose(-1, -2))
        return self.head((weights @ v).transpose(1, 2).flatten(2)[:, 0])


torch.manual_seed(0)
model, x = Classifier().eval(), torch.randn(2, 7, 16)
products = LayerGradientXActivation(model, model.softmax).attribute(x, target=3).detach().numpy()
with viz.capture(model, gradients=True) as run:
    logits = model(x)
found = analysis.attention_times_gradient(run[0], run.gradients(logits[:, 3].sum())[0])
assert products.shape == (2, 4, 7, 7)
assert found[:, 0].max() > 1e-3
np.testing.assert_allclose(found, products.clip(0).mean(1), rtol=1e-4, atol=1e-8)
print("alike")
