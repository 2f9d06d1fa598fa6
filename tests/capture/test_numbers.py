"""Numbers in a tensor's place: while recording they are what they are otherwise, where they overflow too."""

import operator
from itertools import product

import pytest
import torch
from torch import nn

import visualizer

DTYPES = (torch.bool, torch.uint8, torch.int32, torch.int64, torch.float16, torch.bfloat16, torch.float32)
NUMBERS = (True, 3, -1, 300, 2**31, 2**40, 0.5, 1e10, 1e300, float("inf"), float("nan"), 1 + 2j)

OPERATORS = {
    "x * n": operator.mul,
    "n * x": lambda x, n: n * x,
    "x + n": operator.add,
    "x - n": operator.sub,
    "n - x": lambda x, n: n - x,
    "x / n": operator.truediv,
    "n / x": lambda x, n: n / x,
    "x // n": operator.floordiv,
    "n // x": lambda x, n: n // x,
    "x % n": operator.mod,
    "n % x": lambda x, n: n % x,
    "x ** n": operator.pow,
    "n ** x": lambda x, n: n**x,
    "x == n": operator.eq,
    "x < n": operator.lt,
    "x & n": operator.and_,
    "x *= n": operator.imul,
    "x /= n": operator.itruediv,
    "x[...] = n": lambda x, n: operator.setitem(x, ..., n) or x,
    "fmod": torch.fmod,
    "xlogy": torch.xlogy,
    "rounded": lambda x, n: torch.div(x, n, rounding_mode="floor"),
    "masked_fill": lambda x, n: x.masked_fill(x > 1, n),
    "where": lambda x, n: torch.where(x > 1, x, n),
    "clamp": torch.clamp,
    "fill_": lambda x, n: x.fill_(n),
    "copy": torch.ops.aten.copy.default,
    "copy_": torch.ops.aten.copy_.default,
    "mul.Tensor": torch.ops.aten.mul.Tensor,
    "remainder.Tensor": lambda x, n: torch.ops.aten.remainder.Scalar_Tensor(n, x),
}


class Applied(nn.Module):
    """A softmax of products, so that all there is to follow is followed, and then an operator."""

    def forward(self, function, x, n):
        q = torch.ones(2, 3)
        (q @ q.mT).softmax(-1)
        try:
            return function(x.clone(), n)
        except Exception as error:
            return f"{type(error).__name__}: {error}"


def bits(result):
    if isinstance(result, str):
        return result
    return result.dtype, result.shape, result.reshape(-1).view(torch.uint8).tolist()


@pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental")
@pytest.mark.parametrize("name", OPERATORS)
def test_a_number_is_what_it_is_without_a_recording(name):
    model = Applied()
    tensors = [torch.tensor(values).to(dtype) for values in ([5, 2, 0], 5) for dtype in DTYPES]
    cases = list(product(tensors, NUMBERS))
    plain = [model(OPERATORS[name], *case) for case in cases]
    with visualizer.capture(model):
        recorded = [model(OPERATORS[name], *case) for case in cases]
    for case, one, other in zip(cases, plain, recorded, strict=True):
        assert bits(one) == bits(other), case
