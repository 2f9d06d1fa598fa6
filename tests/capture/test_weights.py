"""What is a parameter and what the model computed: told by where it comes from."""

import pytest
import torch
from torch import nn

import visualizer

from .formulas import HEADS, LENGTH, WIDTH, Attention, compare, inputs, logits, softmax


class Layers(nn.Module):
    """Two layers of attention with square projections, one on the other."""

    def __init__(self, core):
        super().__init__()
        size = HEADS * WIDTH
        self.core = core
        self.projections = nn.ModuleList([nn.Linear(size, size) for _ in range(6)])

    def forward(self, x):
        maps = []
        for layer in (self.projections[:3], self.projections[3:]):
            q, k, v = (project(x).unflatten(-1, (HEADS, WIDTH)).transpose(1, 2) for project in layer)
            maps.append(softmax(q, k))
            x = self.core(q, k, v).transpose(1, 2).flatten(2)
        return maps


def product_and_sum(q, k, v):
    return (logits(q, k).softmax(-1)[..., None] * v[:, :, None]).sum(-2)


def sums_alone(q, k, v):
    a = (q[:, :, :, None] * k[:, :, None]).sum(-1) / WIDTH**0.5
    return (a.softmax(-1)[..., None] * v[:, :, None]).sum(-2)


@pytest.mark.parametrize("core", [product_and_sum, sums_alone])
@torch.no_grad()
def test_a_layer_on_one_that_multiplies_and_sums_is_recorded(core):
    torch.manual_seed(0)
    model, x = Layers(core).eval(), inputs()
    with visualizer.capture(model) as run:
        maps = model(x)
    compare(run, maps)


@torch.no_grad()
def test_one_query_multiplied_and_summed_is_recorded():
    torch.manual_seed(0)
    model, x = Attention(lambda q, k, v: sums_alone(q[:, :, :1], k, v)).eval(), inputs()
    with visualizer.capture(model) as run:
        model(x)
    q, k, _ = model.split(x)
    compare(run, [softmax(q[:, :, :1], k)])


class Cached(Attention):
    """Generates with its keys and values in buffers."""

    def __init__(self):
        super().__init__(None)
        self.register_buffer("keys", torch.zeros(2, HEADS, LENGTH, WIDTH))
        self.register_buffer("values", torch.zeros(2, HEADS, LENGTH, WIDTH))

    def forward(self, x):
        for place in range(LENGTH):
            q, k, v = self.split(x[:, place : place + 1])
            self.keys[:, :, place : place + 1], self.values[:, :, place : place + 1] = k, v
            y = logits(q, self.keys[:, :, : place + 1]).softmax(-1) @ self.values[:, :, : place + 1]
        return y


@torch.no_grad()
def test_keys_in_a_buffer_that_the_model_writes_into_are_no_parameters():
    torch.manual_seed(0)
    model, x = Cached().eval(), inputs()
    with visualizer.capture(model) as run:
        model(x)
    q, k, _ = model.split(x)
    compare(run, [softmax(q[:, :, i : i + 1], k[:, :, : i + 1]) for i in range(LENGTH)])


class Routed(nn.Module):
    """Attention, and a mixture of experts whose shares are no map."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.router = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 4)
        self.experts = nn.ModuleList(nn.Linear(8, 8) for _ in range(4))

    def forward(self, x):
        x = (self.q(x) @ self.k(x).mT).softmax(-1) @ x
        shares = self.router(x).softmax(-1).unsqueeze(-2)
        return (shares @ torch.stack([expert(x) for expert in self.experts], -2)).squeeze(-2)


@torch.no_grad()
def test_parameters_that_are_replaced_while_recording_are_known_and_nothing_is_taken_for_the_old_ones():
    model = Routed()
    session = visualizer.capture(model)
    run = session.start()
    for dtype in (torch.float32, torch.float64, torch.float32):
        model.to(dtype)
        model.router.weight = nn.Parameter(torch.randn(4, 8, dtype=dtype))
        for _ in range(10):
            model(torch.randn(2, 5, 8, dtype=dtype))
    session.stop()
    assert [call.shape for call in run] == [(1, 2, 5, 5)] * 30


class Mixed(nn.Module):
    """Attention whose heads a parameter mixes."""

    def __init__(self, queries, keys):
        super().__init__()
        self.queries, self.keys, self.mix = queries, keys, nn.Parameter(torch.randn(HEADS, HEADS))
        self.attention = Attention(self.core)

    def core(self, q, k, v):
        a = torch.einsum("bhqk,hg->bgqk", self.map(q, k), self.mix)
        return a @ v[:, :, : self.keys]

    def map(self, q, k):
        return logits(q[:, :, : self.queries], k[:, :, : self.keys]).softmax(-1)

    def forward(self, x):
        return self.attention(x)


@pytest.mark.parametrize(
    ("batch", "queries", "keys"), [(2, LENGTH, LENGTH), (1, 1, LENGTH), (2, LENGTH, HEADS)]
)
@torch.no_grad()
def test_heads_are_mixed_whatever_the_order_and_number_of_their_axes(batch, queries, keys):
    torch.manual_seed(0)
    model, x = Mixed(queries, keys).eval(), inputs()[:batch]
    with visualizer.capture(model) as run:
        model(x)
    compare(run, [model.map(*model.attention.split(x)[:2])])


class Streams(nn.Module):
    """Queries on two axes, which the product takes as one, before the keys' axis and others behind it."""

    def __init__(self):
        super().__init__()
        self.queries, self.keys = nn.Linear(6, 16), nn.Linear(6, 16)

    def map(self, x, y):
        q = self.queries(x).unflatten(-1, (4, 4))
        return torch.einsum("bshd,lbnd->shlbn", q, self.keys(y)[..., :4]).softmax(2)

    def forward(self, x, y):
        return torch.einsum("shlbn,lbnd->shbnd", self.map(x, y), y)


@torch.no_grad()
def test_queries_on_two_axes_come_before_the_keys():
    torch.manual_seed(0)
    model, x, y = Streams().eval(), torch.randn(1, 3, 6), torch.randn(5, 1, 7, 6)
    with visualizer.capture(model) as run:
        model(x, y)
    seen = model.map(x, y).permute(3, 4, 0, 1, 2)
    assert torch.equal(torch.from_numpy(run[0].map.numpy()).reshape(seen.shape), seen)
