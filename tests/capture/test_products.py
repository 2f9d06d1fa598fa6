"""Attention through every product that torch has, next to its formula."""

import pytest
import torch
from torch.nn import functional

from .formulas import BIAS, HEADS, LENGTH, SCALE, WIDTH, Cases, check, logits, softmax

case = Cases()


def flat(*tensors):
    return [tensor.flatten(0, 1) for tensor in tensors]


def of_each_head(q, k):
    return [softmax(q[:, h], k[:, h]) for h in range(HEADS)]


def of_each_item(q, k):
    return [softmax(*pair) for pair in zip(q.split(1), k.split(1), strict=True)]


def of_each_matrix(q, k):
    return [softmax(*pair) for pair in zip(*flat(q, k), strict=True)]


@case()
def bmm(q, k, v):
    q, k, v = flat(q, k, v)
    return torch.bmm(torch.bmm(q * SCALE, k.transpose(1, 2)).softmax(-1), v)


@case(lambda q, k: [softmax(q, k, bias=BIAS)])
def baddbmm(q, k, v):
    q, k, v = flat(q, k, v)
    return torch.baddbmm(BIAS.repeat(2, 1, 1), q, k.mT, alpha=SCALE).softmax(-1).bmm(v)


@case()
def baddbmm_of_values(q, k, v):
    q, k, v = flat(q, k, v)
    return torch.baddbmm(v, logits(q, k).softmax(-1), v)


@case()
def addbmm(q, k, v):
    a = logits(q, k).softmax(-1)
    return torch.addbmm(torch.zeros(LENGTH, WIDTH), a.flatten(0, 1), v.flatten(0, 1))


@case()
def einsum(q, k, v):
    a = torch.einsum("bhid,bhjd->bhij", q, k) * SCALE
    return torch.einsum("bhij,bhjd->bihd", a.softmax(-1), v)


@case()
def einsum_of_three(q, k, v):
    a = torch.einsum("bhid,bhjd->bhij", q, k) * SCALE
    return torch.einsum("bhij,bhjd,h->bihd", a.softmax(-1), v, torch.ones(HEADS))


@case()
def keys_before_queries(q, k, v):
    a = torch.einsum("bhjd,bhid->bjih", k, q) * SCALE
    return torch.einsum("bjih,bhjd->bihd", a.softmax(1), v)


@case()
def heads_behind(q, k, v):
    q, k, v = (tensor.permute(2, 0, 1, 3) for tensor in (q, k, v))
    a = torch.einsum("ibhd,jbhd->ijbh", q, k) * SCALE
    return torch.einsum("ijbh,jbhd->ibhd", functional.softmax(a, dim=1), v)


@case()
def heads_behind_with_dropout(q, k, v):
    q, k, v = (tensor.permute(2, 0, 1, 3) for tensor in (q, k, v))
    a = torch.einsum("ibhd,jbhd->ijbh", q, k) * SCALE
    return torch.einsum("ijbh,jbhd->ibhd", functional.dropout(a.softmax(dim=1), 0.1), v)


@case()
def values_first(q, k, v):
    return (v.mT @ logits(q, k).softmax(-1).mT).mT


@case()
def keys_first(q, k, v):
    return (k @ q.mT * SCALE).softmax(-2).mT @ v


@case()
def keys_first_and_values_first(q, k, v):
    return v.mT @ (k @ q.mT * SCALE).softmax(-2)


@case(of_each_matrix)
def tensordot(q, k, v):
    pairs = zip(*flat(q, k, v), strict=True)
    return torch.stack(
        [torch.tensordot((torch.tensordot(a, b.T, 1) * SCALE).softmax(-1), c, 1) for a, b, c in pairs]
    )


@case(of_each_matrix)
def multi_dot(q, k, v):
    ones = torch.eye(WIDTH)
    pairs = zip(*flat(q, k, v), strict=True)
    return torch.stack([torch.linalg.multi_dot([logits(a, b).softmax(-1), c, ones]) for a, b, c in pairs])


@case(of_each_matrix)
def inner(q, k, v):
    pairs = zip(*flat(q, k, v), strict=True)
    return torch.stack([torch.inner(logits(a, b).softmax(-1), c.mT) for a, b, c in pairs])


@case(of_each_matrix)
def linear_of_values(q, k, v):
    pairs = zip(*flat(q, k, v), strict=True)
    return torch.stack([functional.linear(logits(a, b).softmax(-1), c.mT) for a, b, c in pairs])


@case(lambda q, k: [softmax(row[None], b) for a, b in zip(*flat(q, k), strict=True) for row in a])
def vectors(q, k, v):
    triples = zip(*flat(q, k, v), strict=True)
    return torch.stack(
        [torch.mv(c.mT, (torch.mv(b, row) * SCALE).softmax(0)) for a, b, c in triples for row in a]
    )


@case()
def multiply_and_sum(q, k, v):
    a = (q[:, :, :, None] * k[:, :, None]).sum(-1) * SCALE
    return (a.softmax(-1)[..., None] * v[:, :, None]).sum(-2)


@case()
def product_then_multiply_and_sum(q, k, v):
    return (logits(q, k).softmax(-1).unsqueeze(-1) * v.unsqueeze(2)).sum(3)


@case()
def special_method(q, k, v):
    return q.__matmul__(k.mT).multiply(SCALE).softmax(-1).__matmul__(v)


@case(of_each_head)
def loop_over_heads(q, k, v):
    return torch.stack([logits(q[:, h], k[:, h]).softmax(-1) @ v[:, h] for h in range(HEADS)], 1)


@case(lambda q, k: [softmax(some, k) for some in q.split(3, 2)])
def loop_over_queries(q, k, v):
    return torch.cat([logits(some, k).softmax(-1) @ v for some in q.split(3, 2)], 2)


@case(of_each_item)
def loop_over_items(q, k, v):
    out = torch.empty_like(q)
    for item in range(2):
        out[item] = logits(q[item], k[item]).softmax(-1) @ v[item]
    return out


@case(of_each_item)
def buffer_of_maps(q, k, v):
    a = torch.empty(2, HEADS, LENGTH, LENGTH)
    for item in range(2):
        a[item] = logits(q[item], k[item]).softmax(-1)
    return a @ v


@torch.no_grad()
def matmul_out(q, k, v):
    a = torch.empty(2, HEADS, LENGTH, LENGTH)
    torch.matmul(q, k.mT, out=a)
    torch.softmax(a.mul_(SCALE), -1, out=a)
    return torch.matmul(a, v, out=torch.empty_like(v))


@torch.no_grad()
def bmm_out(q, k, v):
    q, k, v = flat(q, k, v)
    a = torch.bmm(q, k.mT, out=torch.empty(2 * HEADS, LENGTH, LENGTH))
    return torch.bmm((a * SCALE).softmax(-1), v, out=torch.empty_like(q))


case()(matmul_out)
case()(bmm_out)


@pytest.mark.parametrize("gradients", [False, True])
@pytest.mark.parametrize("name", case)
def test_the_maps_are_the_formulas(name, gradients):
    check(*case[name], gradients=gradients)
