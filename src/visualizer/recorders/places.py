"""Where a call was made: the modules and the function around it, found by looking at the callers."""

from __future__ import annotations

import sys
import threading
from collections.abc import Collection
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple

import torch

from visualizer.recorders.threads import frames_of_threads

_HERE = str(Path(__file__).parent)
_TORCH = str(Path(torch.__file__).parent)

_INTERCEPTING = {"__torch_dispatch__", "__torch_function__"}


_SOFTMAXES = (torch.nn.Softmax, torch.nn.Softmax2d, torch.nn.Softmin, torch.nn.LogSoftmax)


class Place(NamedTuple):
    """Where a call was made.

    Attributes
    ----------
    module
        Identity of the innermost known module around the call, or None.
    function
        Qualified name of the innermost function outside torch, or "".
    line
        Its line, counted in its file.
    thread
        Identifier of the thread, as `threading.get_ident` gives it.
    """

    module: int | None
    function: str
    line: int
    thread: int


def find_place(known: Collection[int], owner: int | None = None) -> Place:
    """Return the place of the call that is being recorded.

    Parameters
    ----------
    known
        Identities of the modules that are meant.
    owner
        The thread that runs the model: where a helper thread's own callers hold no module at all, the module
        that the owner is in is the one that had the helper called.
    """
    frame = sys._getframe(1)  # noqa: SLF001
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
    function, line = _user_function(frame)
    module, foreign = _module_around(frame, known)
    thread = threading.get_ident()
    if module is None and not foreign and owner not in {None, thread}:
        owners = frames_of_threads().get(owner)
        module = _module_around(owners, known)[0] if owners is not None else None
    return Place(module, function, line, thread)


def _user_function(frame: FrameType | None) -> tuple[str, int]:
    first = frame
    while frame is not None and _is_passed(frame.f_code):
        frame = frame.f_back
    frame = frame or first
    if frame is None:
        return "", 0
    code = frame.f_code
    return getattr(code, "co_qualname", code.co_name), frame.f_lineno


def _is_passed(code: CodeType) -> bool:
    """Tell whether code only hands calls on: torch's and ours, modes and tensor subclasses."""
    return code.co_filename.startswith((_TORCH, _HERE)) or code.co_name in _INTERCEPTING


def _module_around(frame: FrameType | None, known: Collection[int]) -> tuple[int | None, bool]:
    """Return the innermost known module, and whether there was another module on the way."""
    foreign = False
    while frame is not None:
        first = module_of(frame)
        # a softmax that is a module of its own is its owner's
        if first is not None and not isinstance(first, _SOFTMAXES):
            if id(first) in known:
                return id(first), foreign
            foreign = True
        frame = frame.f_back
    return None, foreign


def module_of(frame: FrameType) -> Any:
    """Return the module whose method a frame runs; None for a function that is merely given one."""
    first = _first_argument(frame)
    inside = isinstance(first, torch.nn.Module) and hasattr(type(first), frame.f_code.co_name)
    return first if inside else None


def _first_argument(frame: FrameType) -> Any:
    code = frame.f_code
    if code.co_argcount:
        return frame.f_locals.get(code.co_varnames[0])
    return frame.f_locals.get("self") if "self" in code.co_freevars else None
