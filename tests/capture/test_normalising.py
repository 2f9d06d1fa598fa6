"""Rows that sum to one by every other way than `torch.softmax`, next to their formula."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from .formulas import BLIND, HEADS, LENGTH, MASK, SCALE, WIDTH, Cases, check, logits, softmax

case = Cases()


def exact(q, k):
    return logits(q.double(), k.double())


@case()
def exp_over_sum(q, k, v):
    e = logits(q, k).exp()
    return (e / e.sum(-1, keepdim=True)) @ v


@case()
def exp_over_sum_in_place(q, k, v):
    a = logits(q, k)
    e = torch.exp(a - a.max(-1, keepdim=True).values)
    e /= e.sum(-1, keepdim=True)
    return e @ v


@case()
def sums_after_the_product(q, k, v):
    e = logits(q, k).exp()
    return (e @ v) / e.sum(-1, keepdim=True)


@case()
def sums_after_the_product_in_place(q, k, v):
    a = logits(q, k)
    e = torch.exp(a - a.amax(-1, keepdim=True))
    return torch.einsum("bhij,bhjd->bihd", e, v).div_(e.sum(-1).transpose(1, 2).unsqueeze(-1) + 1e-6)


@case()
def exp2(q, k, v):
    a = logits(q, k) * math.log2(math.e)
    e = torch.exp2(a - a.amax(-1, keepdim=True))
    return e.div(e.sum(-1, keepdim=True)) @ v


@case()
def exp_of_log_softmax(q, k, v):
    return functional.log_softmax(logits(q, k), -1).exp() @ v


@case()
def logsumexp(q, k, v):
    a = logits(q, k)
    return (a - a.logsumexp(-1, keepdim=True)).exp() @ v


@case()
def log_of_sum(q, k, v):
    a = logits(q, k)
    return torch.exp(a - a.exp().sum(-1, keepdim=True).log()) @ v


@case()
def normalize(q, k, v):
    return functional.normalize(logits(q, k).exp(), p=1, dim=-1) @ v


@case()
def exp_minus_one(q, k, v):
    e = torch.expm1(logits(q, k)) + 1
    return (e / e.sum(-1, keepdim=True)) @ v


@case(lambda q, k: [whole(q, k)])
def whole_numbers(q, k, v):
    return whole(q, k).float() @ v


def whole(q, k):
    """Powers of two by shifting, in 256ths, as kernels for integers have them."""
    steps = (logits(q, k) * 2).round().int()
    e = torch.tensor(1 << 20) >> (steps.amax(-1, keepdim=True) - steps).clamp(max=20)
    return e * 256 // e.sum(-1, keepdim=True) / 256


@case(lambda q, k: [functional.normalize(functional.elu(exact(q, k)) + 1, p=1, dim=-1)])
def elu_plus_one(q, k, v):
    e = functional.elu(logits(q, k)) + 1
    return (e / e.sum(-1, keepdim=True)) @ v


@case(lambda q, k: [functional.normalize(1 / (1 + torch.cdist(q, k) ** 2), p=1, dim=-1)])
def inverse_of_distance(q, k, v):
    e = 1 / (1 + torch.cdist(q, k) ** 2)
    return (e / e.sum(-1, keepdim=True)) @ v


@case()
def exp_over_sum_multiplied_and_summed(q, k, v):
    e = logits(q, k).exp()
    return ((e / e.sum(-1, keepdim=True))[..., None] * v[:, :, None]).sum(-2)


@case()
def softmin(q, k, v):
    return functional.softmin(-logits(q, k), -1) @ v


@case()
def special_softmax(q, k, v):
    return torch.special.softmax(logits(q, k), -1) @ v


@case()
def aten_softmax(q, k, v):
    return torch.ops.aten._softmax(logits(q, k), -1, False) @ v


@case()
def softmax_module(q, k, v):
    return nn.Softmax(-1)(logits(q, k)) @ v


@case()
def softmax_over_channels(q, k, v):
    return nn.Softmax2d()((k @ q.mT * SCALE).transpose(1, 2)).transpose(1, 2).mT @ v


@case()
def softmax_in_float64(q, k, v):
    return torch.softmax(logits(q, k), -1, dtype=torch.float64).float() @ v


@case(lambda q, k: [logits(q, k).bfloat16().double().softmax(-1)])
def softmax_of_bfloat16_in_float32(q, k, v):
    return functional.softmax(logits(q, k).bfloat16(), dim=-1, dtype=torch.float32) @ v


@case(lambda q, k: [exact(q, k).exp() / (1 + exact(q, k).exp().sum(-1, keepdim=True))])
def softmax_plus_one(q, k, v):
    e = logits(q, k).exp()
    return e / (1 + e.sum(-1, keepdim=True)) @ v


@case(lambda q, k: [torch.cat([exact(q, k), torch.ones(2, HEADS, LENGTH, 1)], -1).softmax(-1)[..., :-1]])
def column_of_sinks(q, k, v):
    a = torch.cat([logits(q, k), torch.ones(2, HEADS, LENGTH, 1)], -1).softmax(-1)
    return a[..., :-1] @ v


@case(lambda q, k: [softmax(q, k, mask=BLIND)])
def rows_without_keys_made_zeros(q, k, v):
    return torch.nan_to_num(logits(q, k).masked_fill(~BLIND, -math.inf).softmax(-1)) @ v


@case(lambda q, k: [softmax(q, k, mask=BLIND)])
def rows_without_keys_replaced(q, k, v):
    a = logits(q, k).masked_fill(~BLIND, -math.inf).softmax(-1)
    return torch.where(a.isnan(), 0.0, a) @ v


@case(lambda q, k: [softmax(q, k, mask=MASK)])
def masked_before_and_after(q, k, v):
    return logits(q, k).masked_fill(~MASK, -1e9).softmax(-1).masked_fill(~MASK, 0.0) @ v


@case(lambda q, k: [softmax(q, k) * MASK])
def masked_after(q, k, v):
    return (logits(q, k).softmax(-1) * MASK) @ v


@case(lambda q, k: [functional.normalize(softmax(q, k) * MASK, p=1, dim=-1)])
def normalised_again(q, k, v):
    a = logits(q, k).softmax(-1) * MASK
    return (a / a.sum(-1, keepdim=True)) @ v


@case(lambda q, k: [functional.normalize(exact(q, k).softmax(-2), p=1, dim=-1)])
def slots_that_compete_for_keys(q, k, v):
    a = logits(q, k).softmax(-2) + 1e-8
    return (a / a.sum(-1, keepdim=True)) @ v


def sparsemax(a):
    """Martins and Astudillo 2016, algorithm 1."""
    falling, _ = a.sort(-1, descending=True)
    total = falling.cumsum(-1)
    support = (1 + torch.arange(1, a.shape[-1] + 1) * falling > total).sum(-1, keepdim=True)
    return (a - (total.gather(-1, support - 1) - 1) / support).clamp(min=0)


@case(lambda q, k: [sparsemax(exact(q, k))])
def projected_on_the_simplex(q, k, v):
    return sparsemax(logits(q, k)) @ v


def of_best(a):
    best, at = a.topk(3, -1)
    return torch.full_like(a, -math.inf).scatter(-1, at, best).softmax(-1)


@case(lambda q, k: [of_best(exact(q, k))])
def best_keys_only(q, k, v):
    return of_best(logits(q, k)) @ v


@case(lambda q, k: [exact(q, k).topk(3, -1).values.softmax(-1)])
def best_keys_gathered(q, k, v):
    best, at = logits(q, k).topk(3, -1)
    places = at.unsqueeze(-1).expand(*at.shape, WIDTH)
    values = v.unsqueeze(2).expand(-1, -1, LENGTH, -1, -1).gather(3, places)
    return (best.softmax(-1).unsqueeze(-2) @ values).squeeze(-2)


@pytest.mark.parametrize("gradients", [False, True])
@pytest.mark.parametrize("name", case)
def test_the_maps_are_the_formulas(name, gradients):
    check(*case[name], gradients=gradients)
