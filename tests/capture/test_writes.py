"""What a model writes into after a call: copied before, or an error when the map is read, and never wrong."""

import pytest
import torch
from torch import nn
from torch.nn import functional

import visualizer
from visualizer.errors import VisualizerError

UNFOLLOWED = {
    "neg_": lambda a: a.neg_(),
    "cumsum_": lambda a: a.cumsum_(-1),
    "lerp_ through a view": lambda a: a.view(-1)[3:].lerp_(torch.ones(()), 0.5),
    "put_": lambda a: a.put_(torch.tensor([0]), torch.tensor([9.0])),
}
FOLLOWED = {
    "zero_": lambda a: a.zero_(),
    "copy_": lambda a: a.copy_(torch.zeros_like(a)),
    "mul_": lambda a: a.mul_(2),
    "assignment": lambda a: a[..., 0].fill_(0),
}


class Formed(nn.Module):
    """Attention that forms its map, and does something with it after the product."""

    def __init__(self, write):
        super().__init__()
        self.write = write

    def forward(self, x):
        a = torch.softmax(x @ x.mT, -1)
        out = a @ x
        with torch.no_grad():
            self.write(a)
        return out


class Fused(nn.Module):
    """Attention that is fused, and writes over its queries."""

    def forward(self, x):
        out = functional.scaled_dot_product_attention(x, x, x)
        with torch.no_grad():
            x.copy_(torch.zeros_like(x))
        return out


def recorded(model, x, *, gradients):
    with torch.set_grad_enabled(gradients), visualizer.capture(model) as run:
        model(x)
    return run[""]


@pytest.mark.parametrize("gradients", [False, True])
@pytest.mark.parametrize("name", UNFOLLOWED)
def test_a_map_that_an_operator_writes_into_unseen_is_an_error(name, gradients):
    attn = recorded(Formed(UNFOLLOWED[name]), torch.randn(1, 2, 5, 8), gradients=gradients)
    with pytest.raises(VisualizerError, match="changed in place"):
        attn.numpy()


@pytest.mark.parametrize("gradients", [False, True])
@pytest.mark.parametrize("name", FOLLOWED)
def test_a_map_is_copied_before_an_operator_that_is_followed_writes_into_it(name, gradients):
    x = torch.randn(1, 2, 5, 8)
    attn = recorded(Formed(FOLLOWED[name]), x, gradients=gradients)
    torch.testing.assert_close(attn.tensor(), torch.softmax(x @ x.mT, -1))


def test_factors_are_copied_before_they_are_written_over():
    x = torch.randn(1, 2, 5, 8)
    wanted = torch.softmax(x @ x.mT / 8**0.5, -1)
    torch.testing.assert_close(recorded(Fused(), x, gradients=False).tensor(), wanted)
