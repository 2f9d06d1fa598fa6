"""Copies to the host beside what a device computes: CUDA streams of the thread that writes."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import Any


def _cuda() -> Any:
    torch = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_initialized() else None


def events() -> list[Any]:
    """Mark on every device what has been asked of it so far."""
    if (cuda := _cuda()) is None:
        return []
    marked = []
    for device in range(cuda.device_count()):
        with cuda.device(device):
            marked.append(cuda.Event())
            marked[-1].record()
    return marked


def wait_for(marked: list[Any], streams: ExitStack) -> None:
    """Have copies begin when what was asked of each device is done, beside what is asked of it later."""
    for device, event in enumerate(marked):
        stream = _side_stream(device)
        streams.enter_context(_cuda().stream(stream))
        stream.wait_event(event)


_sides: dict[int, Any] = {}


def _side_stream(device: int) -> Any:
    if device not in _sides:
        _sides[device] = _cuda().Stream(device)
    return _sides[device]
