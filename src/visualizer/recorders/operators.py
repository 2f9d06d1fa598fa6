"""Which of torch's operators hand what is known of their operands on to their results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import torch

from visualizer.recorders.dispatcher import Operation, names_of

# fmt: off
MOVING = (
    "clone", "_to_copy", "cat", "stack", "constant_pad_nd", "index", "index_select", "gather", "repeat",
    "roll", "flip", "slice_scatter", "select_scatter", "diagonal_scatter", "index_put", "index_put_",
    "copy", "copy_", "masked_scatter", "masked_scatter_", "scatter", "scatter_", "index_add",
    "index_add_", "index_copy", "index_copy_", "unfold_copy", "im2col", "col2im", "_unsafe_index", "tril",
    "triu", "_masked_scale", "reflection_pad2d", "replication_pad2d", "expand_copy", "permute_copy",
    "view_copy", "slice_copy",
)
"""The same numbers in other places."""

COPYING = ("clone", "_to_copy", "copy", "copy_", "expand_copy", "permute_copy", "view_copy")
"""Of these, the ones that leave each number where it was."""

SCATTERING = ("scatter", "scatter_")
"""Of these, the ones that give shares of the keys that were chosen their places among all keys."""

CHANGING = (
    "mul", "mul_", "div", "div_", "add", "add_", "sub", "sub_", "rsub", "where", "masked_fill",
    "masked_fill_", "tanh", "tanh_", "clamp", "clamp_", "clamp_min", "clamp_min_", "clamp_max",
    "clamp_max_", "nan_to_num", "nan_to_num_", "native_dropout", "pow", "pow_", "neg", "maximum",
    "minimum", "relu", "relu_", "gelu", "sigmoid", "softplus", "sqrt", "rsqrt", "log", "abs", "addcmul",
    "addcdiv", "floor", "floor_", "floor_divide", "trunc", "round", "hardtanh", "silu",
    "native_layer_norm", "native_batch_norm", "_native_batch_norm_legit_no_training", "convolution",
    "_convolution", "mkldnn_convolution", "topk", "sort", "cumsum", "lerp", "fmod", "remainder", "sgn",
    "_log_softmax", "reciprocal", "elu", "celu", "leaky_relu", "log1p", "log2", "erf", "sin", "cos", "sign",
    "ceil", "hardsigmoid", "hardswish", "mish", "threshold", "log_sigmoid_forward", "logaddexp",
)
"""Other numbers in the same places."""

MIXING = (
    "native_layer_norm", "native_batch_norm", "_native_batch_norm_legit_no_training", "convolution",
    "_convolution", "mkldnn_convolution",
)
"""Of these, the layers: what they make of a map is none."""
# fmt: on

LAYERS = {"native_layer_norm", "native_batch_norm", "_native_batch_norm_legit_no_training"}
LAYERS |= {"convolution", "_convolution", "mkldnn_convolution"}
"""What these make of a parameter is a query or a token, not a weight."""
OVERWRITING = ("fill_", "zero_", "index_fill_", "bernoulli_", "uniform_", "normal_", "random_")
EXPONENTIALS = ("exp", "exp_", "exp2", "exp2_", "expm1", "expm1_")
POWERS = (
    "pow.Scalar",
    "bitwise_right_shift.Tensor",
    "bitwise_left_shift.Tensor",
    "__rshift__.Tensor",
    "__lshift__.Tensor",
)
"""A number to the power of each of a tensor's, integers by shifting."""
CAST = "copy_"
REPARAMETRISING = ("_weight_norm_interface", "linalg_vector_norm")
"""What layers make of their weights, besides what is above."""
PRODUCTS = ("mm", "bmm", "baddbmm", "baddbmm_", "addmm", "addbmm", "mv", "addmv", "dot")
DISTANCE = "_cdist_forward"
"""Of each query from each key: what a product of the two is elsewhere."""
MULTIPLICATION, SUM = "mul.Tensor", "sum.dim_IntList"
"""A product of two activations, where it is written out."""
SAMPLERS = ("grid_sampler_2d", "grid_sampler_3d")
KEEPING = ("where", "masked_fill", "masked_fill_", "nan_to_num", "nan_to_num_")
"""A map is still the model's map after these: rows without any key are told apart."""


def base(name: str) -> str:
    """Return an operator's name without its overload's."""
    return name.partition(".")[0]


def writes(name: str) -> bool:
    """Tell whether an operator writes into its first operand, or into ``out``."""
    return base(name).endswith("_") or "out" in name.partition(".")[2]


def written(name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> list[Any]:
    """Return the tensors that a writing operator writes into."""
    if base(name).endswith("_"):
        return list(args[:1])
    return [value for value in kwargs.values() if isinstance(value, torch.Tensor)]


def assigns(name: str) -> bool:
    """Tell whether a writing operator puts other numbers in the place of some, as ``a[:, 0] = 0`` does."""
    return base(name) in _ASSIGNING


_ASSIGNING = {
    "copy_",
    "fill_",
    "zero_",
    "index_put_",
    "index_fill_",
    "index_copy_",
    "scatter_",
    "masked_scatter_",
}


def factors(operation: Operation) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the two operands of a product."""
    left, right = _factor_places(operation.operator)
    if right < len(operation.args):
        return operation.args[left], operation.args[right]
    names, given = names_of(operation.operator), operation.named()
    return given[names[left]], given[names[right]]


@cache
def _factor_places(operator: Any) -> tuple[int, int]:
    names = names_of(operator)
    for left, right in _FACTORS:
        if left in names and right in names:
            return names.index(left), names.index(right)
    raise KeyError(f"no factors among {', '.join(names)}")


_FACTORS = (
    ("batch1", "batch2"),
    ("mat1", "mat2"),
    ("mat", "vec"),
    ("self", "mat2"),
    ("self", "vec"),
    ("self", "tensor"),
)


@cache
def overloads(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the overloads of operators that can be followed."""
    return tuple(_overloads(names))


def _overloads(names: Sequence[str]) -> Iterator[str]:
    for name in names:
        packet = getattr(torch.ops.aten, name, None)
        for kind in packet.overloads() if packet is not None else ():
            full = name if kind == "default" else f"{name}.{kind}"
            if f"aten::{full}" in _dispatched() and not _is_resolved_above(full):
                yield full


@cache
def _dispatched() -> frozenset[str]:
    """Every operator of the dispatcher: torch.ops lists TorchScript's own besides."""
    return frozenset(torch._C._dispatch_get_all_op_names())  # noqa: SLF001


def _is_resolved_above(name: str) -> bool:
    """Tell whether torch makes others of an operator before it could be followed, or selects there."""
    keys = ("CompositeImplicitAutograd", "BackendSelect")
    has_kernel = torch._C._dispatch_has_kernel_for_dispatch_key  # noqa: SLF001
    return any(has_kernel(f"aten::{name}", key) for key in keys)
