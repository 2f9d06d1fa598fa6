"""Torch's stack of function modes: one is put under those that others will take off the top."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch._C import _len_torch_function_stack
from torch.overrides import TorchFunctionMode, _pop_mode, _push_mode
from torch.utils._device import DeviceContext


def insert_mode(mode: TorchFunctionMode) -> None:
    """Put a mode beneath all others of this thread but the default device's, which wants to be the last."""
    _change(lambda modes: [*_devices(modes), mode, *(one for one in modes if one not in _devices(modes))])


def remove_mode(mode: TorchFunctionMode) -> bool:
    """Take a mode out of this thread's stack; tell whether it was there."""
    found: list[Any] = []
    _change(lambda modes: [one for one in modes if one is not mode or found.append(one)])  # type: ignore[func-returns-value]
    return bool(found)


def _devices(modes: list[Any]) -> list[Any]:
    return [mode for mode in modes if isinstance(mode, DeviceContext)]


def _change(change: Callable[[list[Any]], list[Any]]) -> None:
    modes = [_pop_mode() for _ in range(_len_torch_function_stack())]  # type: ignore[no-untyped-call]
    for mode in change(modes[::-1]):
        _push_mode(mode)  # type: ignore[no-untyped-call]
