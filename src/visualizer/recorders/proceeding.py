"""How a followed call goes on: with the kernel that would have run, on what it would have been given.

What was a number in a tensor's place has become a Python number where operators are followed, and kernels
promote types by numbers otherwise than by tensors: it is made again what it was.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import torch
from torch._C import DispatchKey

_NUMBERS = {bool, int, float, complex}


class Proceeding:
    """Calls the kernel of one operator that would have been called."""

    def __init__(self, operator: Any) -> None:
        self._operator = operator
        arguments = enumerate(operator._schema.arguments)  # noqa: SLF001
        self._of_tensors = [i for i, argument in arguments if str(argument.type) in _TENSORS]

    def __call__(self, keys: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Go on with a call, below the key at which it was followed."""
        below = keys.remove(DispatchKey.BackendSelect)
        for position in self._of_tensors:
            if position < len(args) and type(args[position]) in _NUMBERS:
                return _proceed_with_number(self._operator, below, args, kwargs, position)
        return self._operator.redispatch(below, *args, **kwargs)


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


_TENSORS = {"Tensor", "Optional[Tensor]"}
_COPYING = {torch.ops.aten.copy, torch.ops.aten.copy_}
_WIDEST = {bool: torch.bool, int: torch.int64, float: torch.float64, complex: torch.complex128}

_TAKE_NUMBERS = {
    getattr(torch.ops.aten, name)
    for name in ("add", "add_", "sub", "sub_", "mul", "mul_", "div", "div_", "floor_divide", "floor_divide_")
}
