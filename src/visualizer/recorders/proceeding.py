"""How a followed call goes on: with the kernel that would have run, on what it would have been given.

What was a number in a tensor's place has become a Python number where operators are followed, and kernels
promote types by numbers otherwise than by tensors: it is made again what it was.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import Any

import torch
from torch._C import DispatchKey

_NUMBERS = (int, float, complex)  # bool is an int


def proceed(operator: Any, keys: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call the kernel that would have been called."""
    below = keys.remove(DispatchKey.BackendSelect)
    for position in _tensor_positions(operator):
        if position < len(args) and isinstance(args[position], _NUMBERS):
            return _proceed_with_number(operator, below, args, kwargs, position)
    return operator.redispatch(below, *args, **kwargs)


def _proceed_with_number(operator: Any, below: Any, args: Any, kwargs: Any, position: int) -> Any:
    """Go on where a number in a tensor's place has become a Python number on its way here."""
    packet = operator.overloadpacket
    if packet is torch.ops.aten.copy_:
        with suppress(RuntimeError):  # a number that is too large for the dtype is told by copies alone
            return torch.ops.aten.fill_.Scalar(args[0], args[1])
    if packet in _TAKE_NUMBERS:  # at the entry of one key it takes part in type promotion as a number again
        kernels = below.remove(DispatchKey.PythonDispatcher)  # which a compiler switches on while it traces
        return operator._op_dk(kernels.highestPriorityTypeId(), *args, **kwargs)  # noqa: SLF001
    number = torch.scalar_tensor(args[position], dtype=_WIDEST[type(args[position])])
    if packet not in _COPYING:
        beside = next(value for value in reversed(args) if isinstance(value, torch.Tensor))
        number = _promoting(number, torch.result_type(beside, args[position]), beside)
    return operator.redispatch(below, *args[:position], number, *args[position + 1 :], **kwargs)


def _promoting(number: torch.Tensor, dtype: Any, beside: torch.Tensor) -> torch.Tensor:
    """Return a number that makes ``dtype`` of what is beside it: cast, it overflows as torch's do."""
    return number if torch.result_type(beside, number) == dtype else number.to(dtype)


_COPYING = {torch.ops.aten.copy, torch.ops.aten.copy_}
_WIDEST = {bool: torch.bool, int: torch.int64, float: torch.float64, complex: torch.complex128}

_TAKE_NUMBERS = {
    getattr(torch.ops.aten, name)
    for name in ("add", "add_", "sub", "sub_", "mul", "mul_", "div", "div_", "floor_divide", "floor_divide_")
}


@cache
def _tensor_positions(operator: Any) -> tuple[int, ...]:
    arguments = operator._schema.arguments  # noqa: SLF001
    return tuple(
        i for i, argument in enumerate(arguments) if str(argument.type) in {"Tensor", "Optional[Tensor]"}
    )
