"""Whether the running call attends from one sequence to another, told by what its module was given."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

import torch

_OTHER = {
    "context",
    "cross_attention_states",
    "cross_modal_hidden_states",
    "encoder_hidden_states",
    "key_value_states",
    "kv",
    "memory",
}
"""Names that models give to the sequence that is attended to, where it is not their own."""


def is_cross_attention(module: Any) -> bool:
    """Tell whether the module, whose forward is running, was given another sequence to attend to."""
    frame = next(frames_of(module), None)
    return frame is not None and _is_given_two(frame, module)


def frames_of(module: Any) -> Iterator[FrameType]:
    """Yield the frames of a module's methods that are running, the innermost first."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
    while frame is not None:
        if _is_of(frame, module):
            yield frame
        frame = frame.f_back


def _is_of(frame: FrameType, module: Any) -> bool:
    """Tell whether a method of the module runs; a function that is merely given it is none."""
    code = frame.f_code
    is_given = code.co_argcount > 0 and frame.f_locals.get(code.co_varnames[0]) is module
    return is_given and hasattr(type(module), code.co_name)


def _is_given_two(frame: FrameType, module: Any) -> bool:
    given = frame.f_locals
    if isinstance(module, torch.nn.MultiheadAttention):
        return given.get("query") is not given.get("key")
    arguments = frame.f_code.co_varnames[1 : frame.f_code.co_argcount + frame.f_code.co_kwonlyargcount]
    own = given.get(arguments[0]) if arguments else None
    others = [given.get(name) for name in arguments if name in _OTHER]
    return any(isinstance(other, torch.Tensor) and other is not own for other in others)
