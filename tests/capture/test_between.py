"""What models do with logits before the softmax and with maps after it, next to the formula."""

import math

import pytest
import torch
from torch.nn import functional

from .formulas import BIAS, CAUSAL, HEADS, LENGTH, WIDTH, Cases, check, logits, softmax

case = Cases()
OTHER = (5 * torch.rand(2, HEADS, LENGTH, LENGTH, generator=torch.Generator().manual_seed(6))).softmax(-1)
MIXER = torch.randn(HEADS, HEADS, 1, 1, generator=torch.Generator().manual_seed(7))
WEIGHTS = torch.tensor([1.0, 0.0, 1.0, 0.5]).view(1, 4, 1, 1)


def with_memory(k):
    return torch.cat([torch.ones(2, HEADS, 2, WIDTH), k], 2)


def windows(*tensors):
    return [tensor.roll(1, 2).unflatten(2, (3, 3)) for tensor in tensors]


# -- before it --------------------------------------------------------------------------------------------


@case(lambda q, k: [softmax(q, k, bias=BIAS)])
def bias(q, k, v):
    return (logits(q, k) + BIAS).softmax(-1) @ v


@case(lambda q, k: [softmax(q, k, mask=CAUSAL)])
def mask_in_place(q, k, v):
    return logits(q, k).masked_fill_(~CAUSAL, -math.inf).softmax(-1) @ v


@case(lambda q, k: [(5 * torch.tanh(logits(q.double(), k.double()) / 5)).softmax(-1)])
def soft_cap(q, k, v):
    return (5 * torch.tanh(logits(q, k) / 5)).softmax(-1) @ v


@case(lambda q, k: [softmax(functional.normalize(q, dim=-1), functional.normalize(k, dim=-1), scale=10)])
def cosine(q, k, v):
    return (functional.normalize(q, dim=-1) @ functional.normalize(k, dim=-1).mT * 10).softmax(-1) @ v


@case(lambda q, k: [(-(torch.cdist(q.double(), k.double()) ** 2) / 10).softmax(-1)])
def distance(q, k, v):
    return (-(torch.cdist(q, k) ** 2) / 10).softmax(-1) @ v


@case(lambda q, k: [torch.tanh(q[:, :, :, None].double() + k[:, :, None].double()).sum(-1).softmax(-1)])
def additive(q, k, v):
    return torch.tanh(q[:, :, :, None] + k[:, :, None]).sum(-1).softmax(-1) @ v


@case(lambda q, k: [softmax(q.mean(2, keepdim=True), k)])
def one_query(q, k, v):
    return logits(q.mean(2, keepdim=True), k).softmax(-1) @ v


@case(lambda q, k: [softmax(q, k[:, :, :1])])
def one_key(q, k, v):
    return logits(q, k[:, :, :1]).softmax(-1) @ v[:, :, :1]


@case(lambda q, k: [softmax(q, k[:, :2].repeat_interleave(2, 1))])
def grouped_heads(q, k, v):
    k, v = k[:, :2].unsqueeze(2), v[:, :2].unsqueeze(2)
    return (logits(q.unflatten(1, (2, 2)), k).softmax(-1) @ v).flatten(1, 2)


@case(lambda q, k: [softmax(*windows(q, k))])
def rolled_windows(q, k, v):
    q, k, v = windows(q, k, v)
    return (logits(q, k).softmax(-1) @ v).flatten(2, 3).roll(-1, 2)


@case(lambda q, k: [softmax(k.mT, q.mT)])
def channels_attend_to_channels(q, k, v):
    return (logits(k.mT, q.mT).softmax(-1) @ v.mT).mT


# -- after it ---------------------------------------------------------------------------------------------


@case()
def dropout_in_eval(q, k, v):
    return functional.dropout(logits(q, k).softmax(-1), 0.5, training=False) @ v


@case()
def dropout(q, k, v):
    return functional.dropout(logits(q, k).softmax(-1), 0.5) @ v


@case()
def dropout_in_place(q, k, v):
    return functional.dropout(logits(q, k).softmax(-1), 0.5, inplace=True) @ v


@case()
def dropout_of_heads(q, k, v):
    return functional.dropout2d(logits(q, k).softmax(-1), 0.5) @ v


@case(lambda q, k: [softmax(q, k) * WEIGHTS])
def weights_of_heads_before_dropout(q, k, v):
    return functional.dropout(logits(q, k).softmax(-1) * WEIGHTS, 0.5) @ v


@case(lambda q, k: [softmax(q, k) * WEIGHTS])
def weights_of_heads_before_dropout_in_another_layout(q, k, v):
    a = functional.dropout((logits(q, k).softmax(-1) * WEIGHTS).transpose(1, 2), 0.5)
    return a.transpose(1, 2) @ v


def chosen(q, k):
    largest = logits(q, k).topk(3, -1)
    places = torch.zeros_like(logits(q, k))
    return places.scatter(-1, largest.indices, largest.values.softmax(-1))


@case(lambda q, k: [chosen(q, k)])
def chosen_keys_in_their_places(q, k, v):
    return chosen(q, k) @ v


@case(lambda q, k: [chosen(q, k)])
def chosen_keys_in_their_places_before_dropout(q, k, v):
    return functional.dropout(chosen(q, k), 0.5) @ v


@case(lambda q, k: [softmax(q, k) * WEIGHTS])
def weights_of_heads(q, k, v):
    return (logits(q, k).softmax(-1) * WEIGHTS) @ v


@case(lambda q, k: [softmax(q, k) * WEIGHTS])
def weights_of_heads_in_place(q, k, v):
    a = logits(q, k).softmax(-1)
    a *= WEIGHTS
    return a @ v


@case()
def cast(q, k, v):
    return (logits(q, k).softmax(-1).double() @ v.double()).float()


@case(lambda q, k: [softmax(q, with_memory(k))[..., 2:]])
def memory_cut_off(q, k, v):
    return logits(q, with_memory(k)).softmax(-1)[..., 2:] @ v


@case(lambda q, k: [softmax(q, with_memory(k))])
def memory_slots(q, k, v):
    return logits(q, with_memory(k)).softmax(-1) @ with_memory(v)


@case()
def padded(q, k, v):
    return functional.pad(logits(q, k).softmax(-1), (0, 3)) @ functional.pad(v, (0, 0, 0, 3))


@case(lambda q, k: [softmax(q, k), softmax(k, q)])
def concatenated(q, k, v):
    return torch.cat([logits(q, k).softmax(-1), logits(k, q).softmax(-1)]) @ torch.cat([v, v])


@case(lambda q, k: [softmax(q, k), softmax(q.flip(-1), k)])
def difference_of_two(q, k, v):
    return (logits(q, k).softmax(-1) - 0.5 * logits(q.flip(-1), k).softmax(-1)) @ v


@case(lambda q, k: [softmax(q, k) + functional.avg_pool2d(softmax(q, k), 3, 1, 1)])
def smoothed(q, k, v):
    a = logits(q, k).softmax(-1)
    return (a + functional.avg_pool2d(a, 3, 1, 1)) @ v


@case()
def used_twice(q, k, v):
    a = logits(q, k).softmax(-1)
    return a @ v + a @ v.square()


@case()
def applied_twice(q, k, v):
    a = logits(q, k).softmax(-1)
    return a @ (a @ v)


@case(lambda q, k: [softmax(q, k) * WEIGHTS.sign()])
def some_heads_assigned(q, k, v):
    a = logits(q, k).softmax(-1).clone()
    a[:, 1] = 0.0
    return a @ v


@case(lambda q, k: [OTHER])
def another_map_in_its_place(q, k, v):
    a = logits(q, k).softmax(-1)
    return OTHER @ v + 0 * a.sum()


@case(lambda q, k: [OTHER])
def another_map_copied_into_it(q, k, v):
    return logits(q, k).softmax(-1).detach().copy_(OTHER) @ v


@case(lambda q, k: [softmax(q, k) * WEIGHTS])
def edited_before_a_convolution(q, k, v):
    a = functional.conv2d(logits(q, k).softmax(-1) * WEIGHTS, MIXER)
    return (a + 1.0) @ v


# -- the memory of a map ----------------------------------------------------------------------------------


@case(lambda q, k: [2 * softmax(q, k)])
def changed_before_its_use(q, k, v):
    a = logits(q, k).softmax(-1)
    a.mul_(2.0)
    return a @ v


@case()
def memory_filled_after_its_use(q, k, v):
    a = logits(q, k).softmax(-1)
    with torch.no_grad():
        out = a.detach() @ v
        a.detach().fill_(7.0)
    return out


@case(lambda q, k: [softmax(q, k), softmax(k, q)])
@torch.no_grad()
def memory_used_again_by_the_next(q, k, v):
    a = torch.empty(2, HEADS, LENGTH, LENGTH)
    out = torch.softmax(logits(q, k), -1, out=a) @ v
    return out + torch.softmax(logits(k, q), -1, out=a) @ v


@pytest.mark.parametrize("gradients", [False, True])
@pytest.mark.parametrize("name", case)
def test_the_maps_are_the_formulas(name, gradients):
    check(*case[name], gradients=gradients)
