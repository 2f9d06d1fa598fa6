"""Every way into torch's fused attention, next to the formula."""

import pytest
import torch
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

from .formulas import BIAS, BLIND, CAUSAL, Cases, check, softmax

case = Cases()
aten = torch.ops.aten


def attend(q, k, v, **options):
    return functional.scaled_dot_product_attention(q, k, v, **options)  # looked up at each call


def folded(*tensors):
    return [tensor.unflatten(2, (3, 3)) for tensor in tensors]


def with_mask(q, k):
    return [softmax(q, k, mask=BLIND)]


def causal(q, k):
    return [softmax(q, k, mask=CAUSAL)]


def grouped(q, k):
    return [softmax(q, k[:, :2].repeat_interleave(2, 1))]


@case()
def imported_by_name(q, k, v):
    return scaled_dot_product_attention(q, k, v)


@case()
def operator(q, k, v):
    return aten.scaled_dot_product_attention(q, k, v)


@case(with_mask)
def mask(q, k, v):
    return attend(q, k, v, attn_mask=BLIND)


@case(lambda q, k: [softmax(q, k, bias=BIAS)])
def bias(q, k, v):
    return attend(q, k, v, attn_mask=BIAS)


@case(causal)
def is_causal(q, k, v):
    return attend(q, k, v, is_causal=True)


@case()
def dropout(q, k, v):
    return attend(q, k, v, dropout_p=0.5)


@case(lambda q, k: [softmax(q, k, scale=0.7)])
def scale(q, k, v):
    return attend(q, k, v, scale=0.7)


@case(grouped)
def grouped_heads(q, k, v):
    return attend(q, k[:, :2], v[:, :2], enable_gqa=True)


@case()
def three_axes(q, k, v):
    return attend(*(tensor.flatten(0, 1) for tensor in (q, k, v)))


@case(lambda q, k: [softmax(*folded(q, k))])
def five_axes(q, k, v):
    return attend(*folded(q, k, v))


@case(lambda q, k: [softmax(q[:, :, -1:], k)])
def one_query(q, k, v):
    return attend(q[:, :, -1:], k, v)


@case(lambda q, k: [softmax(q[:, :, :4], k, mask=CAUSAL[:4])])
def fewer_queries_causal(q, k, v):
    return attend(q[:, :, :4], k, v, is_causal=True)


@case()
def wider_values(q, k, v):
    return attend(q, k, torch.cat([v, v], -1))


@case()
def strided(q, k, v):
    return attend(*(tensor.transpose(1, 2).contiguous().transpose(1, 2) for tensor in (q, k, v)))


@case()
def float64(q, k, v):
    return attend(q.double(), k.double(), v.double())


@case()
def math_backend(q, k, v):
    with sdpa_kernel(SDPBackend.MATH):
        return attend(q, k, v)


@case()
def math_operator(q, k, v):
    return aten._scaled_dot_product_attention_math(q, k, v)[0]


@case(causal)
def math_operator_causal(q, k, v):
    return aten._scaled_dot_product_attention_math(q, k, v, is_causal=True)[0]


@case(causal)
def kernel(q, k, v):
    return aten._scaled_dot_product_flash_attention_for_cpu(q, k, v, 0.0, True)[0]


@case()
def vmapped(q, k, v):
    return torch.func.vmap(attend)(q, k, v)


@case()
def without_torch_function(q, k, v):
    with torch._C.DisableTorchFunction():
        return attend(q, k, v)


@case(lambda q, k: [softmax(q[:, :, :4], k[:, :, :4]), softmax(q[:, :, 4:], k[:, :, 4:])])
def packed_sequences(q, k, v):
    parts = zip(*(tensor.split([4, 5], 2) for tensor in (q, k, v)), strict=True)
    return torch.cat([attend(*part) for part in parts], 2)


@pytest.mark.parametrize("gradients", [False, True])
@pytest.mark.parametrize("name", case)
def test_the_maps_are_the_formulas(name, gradients):
    check(*case[name], gradients=gradients)
