"""Softmaxes that are no attention: nothing of them is recorded, however much else of the model is."""

import pytest
import torch
from torch import nn
from torch.nn import functional

import visualizer

cases = {}


def case(function):
    cases[function.__name__] = function
    return function


def draw(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(5))


class Model(nn.Module):
    """What is no attention, after one layer of attention if asked."""

    def __init__(self, function, *, attends):
        super().__init__()
        self.function, self.attends = function, attends
        self.qkv, self.square, self.head = nn.Linear(16, 48), nn.Linear(16, 16), nn.Linear(16, 10)
        self.gate, self.experts = nn.Linear(16, 4), nn.ModuleList([nn.Linear(16, 16) for _ in range(4)])
        self.codes, self.shares = nn.Embedding(12, 16), nn.Parameter(draw(4))
        self.conv, self.places = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 5, 1)
        self.normalised = nn.utils.parametrizations.weight_norm(nn.Linear(16, 4))
        self.narrowed = nn.utils.parametrizations.spectral_norm(nn.Linear(16, 4))
        self.register_buffer("centres", draw(7, 16))
        self.register_buffer("small", torch.randint(-9, 9, (4, 16), dtype=torch.int8))

    def forward(self, x):
        if self.attends:
            q, k, v = self.qkv(x).chunk(3, -1)
            x = functional.layer_norm(x + self.square((q @ k.mT / 4).softmax(-1) @ v), (16,))
        return self.function(self, x)

    def all_experts(self, x):
        return torch.stack([expert(x) for expert in self.experts], -2)

    def heatmaps(self, x):
        return self.places(self.conv(x.reshape(2, 3, 6, 8))).flatten(2).softmax(-1)


# -- gates and routers ------------------------------------------------------------------------------------


@case
def mixture_in_a_loop(m, x):
    shares = m.gate(x).softmax(-1)
    return sum(shares[..., i : i + 1] * expert(x) for i, expert in enumerate(m.experts))


@case
def mixture_multiplied_and_summed(m, x):
    return (m.gate(x).softmax(-1).unsqueeze(-1) * m.all_experts(x)).sum(-2)


@case
def mixture_by_einsum(m, x):
    return torch.einsum("bne,bned->bnd", m.gate(x).softmax(-1), m.all_experts(x))


@case
def router_of_the_best_two(m, x):
    shares, at = m.gate(x).softmax(-1).topk(2, -1)
    shares = shares / shares.sum(-1, keepdim=True)
    y = torch.zeros_like(x)
    for number, expert in enumerate(m.experts):
        b, n, place = torch.where(at == number)
        y.index_put_((b, n), expert(x[b, n]) * shares[b, n, place, None], accumulate=True)
    return y


@case
def router_that_dispatches_and_combines(m, x):
    x = x.flatten(0, 1)
    shares = m.gate(x).softmax(-1)
    combine = functional.one_hot(shares.argmax(-1), 4).float() * shares
    sent = torch.einsum("te,td->etd", (combine > 0).float(), x)
    y = torch.stack([expert(part) for expert, part in zip(m.experts, sent, strict=True)])
    return torch.einsum("te,etd->td", combine, y)


@case
def squeeze_and_excite(m, x):
    return x * m.square(x.mean(1, keepdim=True)).softmax(-1)


@case
def selective_kernels(m, x):
    y = m.all_experts(x).movedim(-2, 1)
    return (y * m.gate(y.sum(1).mean(1)).softmax(-1)[:, :, None, None]).sum(1)


@case
def dynamic_kernels(m, x):
    return x * (m.gate(x.mean(1)).softmax(-1) @ m.codes.weight[:4])[:, None]


@case
def shares_of_layers(m, x):
    return sum(share * expert(x) for share, expert in zip(m.shares.softmax(0), m.experts, strict=True))


@case
def shares_of_layers_by_einsum(m, x):
    return torch.einsum("l,bnld->bnd", m.shares.softmax(0), m.all_experts(x))


@case
def shares_of_layers_in_a_row(m, x):
    return (m.shares.view(1, 4).softmax(-1) @ m.all_experts(x).movedim(-2, 0).flatten(1)).view_as(x)


# -- gates whose weights a layer makes from its parameters ------------------------------------------------


def mixture(m, x, scores):
    return (scores.softmax(-1).unsqueeze(-1) * m.all_experts(x)).sum(-2)


@case
def gate_of_normalised_weights(m, x):
    return mixture(m, x, m.normalised(x)) + mixture(m, x, m.narrowed(x))


@case
def gate_of_cast_weights(m, x):
    return mixture(m, x, functional.linear(x.double(), m.gate.weight.double()).float())


@case
def gate_of_quantised_weights(m, x):
    return mixture(m, x, functional.linear(x, m.small.float() * 0.1))


@case
def gate_by_cosine(m, x):
    return mixture(m, x, functional.normalize(x, dim=-1) @ functional.normalize(m.gate.weight, dim=-1).T)


@case
@torch.autocast("cpu", torch.bfloat16)
def gate_under_autocast(m, x):
    return torch.einsum("bne,bned->bnd", m.gate(x).softmax(-1).to(torch.bfloat16), m.all_experts(x))


@case
def codebook_of_normalised_codes(m, x):
    codes = functional.normalize(m.codes.weight, dim=-1)
    return (functional.normalize(x, dim=-1) @ codes.T).softmax(-1) @ codes


# -- codebooks, classifiers, losses, samplers -------------------------------------------------------------


@case
def codebook_sampled(m, x):
    return functional.gumbel_softmax(x @ m.codes.weight.T, hard=True) @ m.codes.weight


@case
def codebook_mixed(m, x):
    return (-torch.cdist(x, m.codes.weight)).softmax(-1) @ m.codes.weight


@case
def expected_class(m, x):
    return m.head(x).softmax(-1).mean(1) @ torch.arange(10.0)


@case
def expected_embedding(m, x):
    return m.head(x).softmax(-1) @ m.head.weight


@case
def expected_bin(m, x):
    return (m.head(x).softmax(-1) * torch.linspace(0, 1, 10)).sum(-1)


@case
def expected_bin_of_predicted_ones(m, x):
    centres = functional.softplus(m.head(x.mean(1))).cumsum(-1)
    return torch.einsum("bnk,bk->bn", m.head(x).softmax(-1), centres)


@case
def expected_distance_by_convolution(m, x):
    shares = m.head(x).view(2, 9, 10, 1).softmax(2)
    return functional.conv2d(shares.transpose(1, 2), torch.arange(10.0).view(1, 10, 1, 1))


@case
def cumulative_probability(m, x):
    return m.head(x).softmax(-1).cumsum(-1) @ torch.ones(10, 3)


@case
def masks_of_classes(m, x):
    classes = m.head(x).softmax(-1)[..., :-1]
    pixels = m.conv(x.reshape(2, 3, 6, 8)).flatten(2).repeat(1, 2, 1)
    return torch.einsum("bqc,bqp->bcp", classes, torch.sigmoid(x @ pixels))


@case
def cross_entropy(m, x):
    return functional.cross_entropy(m.head(x).flatten(0, 1), torch.zeros(18, dtype=torch.long))


@case
def divergence(m, x):
    return functional.kl_div(m.head(x).log_softmax(-1), m.head(2 * x).softmax(-1), reduction="sum")


@case
def contrastive_loss(m, x):
    a = functional.normalize(x[:, 0], dim=-1)
    return functional.cross_entropy(a @ a.T / 0.1, torch.arange(2))


@case
def zero_shot_classes(m, x):
    a, b = functional.normalize(x[:, 0], dim=-1), functional.normalize(x[:, 1], dim=-1)
    return (100 * a @ b.T).softmax(-1)


@case
def sampler(m, x):
    return torch.multinomial(m.head(x[:, -1]).softmax(-1), 1)


@case
def optimal_transport(m, x):
    a = (functional.normalize(x, dim=-1) @ functional.normalize(m.centres, dim=-1).T * 10).exp()
    for _ in range(3):
        a = a / a.sum(1, keepdim=True)
        a = a / a.sum(-1, keepdim=True)
    return -(a * m.head(x)[..., :7].log_softmax(-1)).sum()


# -- places -----------------------------------------------------------------------------------------------


@case
def expected_place(m, x):
    return (m.heatmaps(x) * (torch.arange(48.0) % 8)).sum(-1)


@case
def expected_place_of_one_image(m, x):
    places = torch.stack([torch.arange(48.0) % 8, torch.arange(48.0) // 8], -1)
    return torch.cat([torch.einsum("bkn,nc->bkc", one, places) for one in m.heatmaps(x).split(1)])


@case
def expected_place_by_product(m, x):
    return m.heatmaps(x) @ torch.stack([torch.arange(48.0) % 8, torch.arange(48.0) // 8], -1)


# -- mixing without a softmax -----------------------------------------------------------------------------


@case
def linear_attention(m, x):
    q, k, v = m.qkv(x).chunk(3, -1)
    q, k = functional.elu(q) + 1, functional.elu(k) + 1
    return (q @ (k.mT @ v)) / (q @ k.sum(1).unsqueeze(-1))


@case
def linear_attention_of_relus(m, x):
    q, k, v = m.qkv(x).chunk(3, -1)
    y = q.relu() @ (k.relu().mT @ functional.pad(v, (0, 1), value=1.0))
    return y[..., :-1] / (y[..., -1:] + 1e-5)


@case
def random_features(m, x):
    q, k, v = m.qkv(x).chunk(3, -1)
    q, k = (part @ draw(16, 32) for part in (q, k))
    q, k = (torch.exp(part - part.amax(-1, keepdim=True)) for part in (q, k))
    return (q @ (k.mT @ v)) / (q @ k.sum(1).unsqueeze(-1))


@case
def retention(m, x):
    q, k, v = m.qkv(x).chunk(3, -1)
    decay = 0.9 ** (torch.arange(9)[:, None] - torch.arange(9)).clamp(min=0) * torch.ones(9, 9).tril()
    return (q @ k.mT * decay) @ v


@case
def cumulative_mean(m, x):
    a = torch.ones(9, 9).tril()
    return (a / a.sum(-1, keepdim=True)) @ x


@case
def mean_over_a_mask(m, x):
    a = torch.tensor([[1.0] * 9, [1.0] * 5 + [0.0] * 4])
    return (a / a.sum(-1, keepdim=True)).unsqueeze(1) @ x


@case
def covariance(m, x):
    x = x - x.mean(1, keepdim=True)
    return (x.mT @ x / 8) @ x.mT


@case
def fourier(m, x):
    return torch.fft.fft2(x).real


@pytest.mark.parametrize("attends", [False, True])
@pytest.mark.parametrize("name", cases)
@torch.no_grad()
def test_nothing_of_it_is_recorded(name, attends):
    torch.manual_seed(0)
    model, x = Model(cases[name], attends=attends), draw(2, 9, 16)
    with visualizer.capture(model) as run:
        model(x)
    assert [call.how.split(",")[0] for call in run] == ["softmax in Model.forward"] * attends
