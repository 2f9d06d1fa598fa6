"""Bytecode that calls a hook, for each version of Python.

The hook is found by name among the function's builtins: a function object among the constants would be
unpicklable and would stop torch.compile.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from types import CodeType

from bytecode import CellVar, FreeVar, Instr
from bytecode.instr import InstrLocation

NOWHERE = InstrLocation(None, None, None, None)
"""The location of instructions that belong to no line, which tracers and debuggers skip."""


def call(hook: str, loads: Sequence[Instr], at: InstrLocation | None) -> list[Instr]:
    """Return instructions that call ``hook`` with ``loads`` and leave the stack as it was."""
    return _placed([_load(hook), *loads, *_invoke(len(loads)), Instr("POP_TOP")], at)


def call_with_top(hook: str, at: InstrLocation | None) -> list[Instr]:
    """Return instructions that call ``hook`` with the value on top of the stack, which stays there."""
    if sys.version_info < (3, 11):
        below = [Instr("ROT_TWO"), Instr("DUP_TOP"), Instr("ROT_THREE")]
    else:  # the value, and above it the callable and its NULL
        below = [Instr("COPY", 3)]
    return _placed([_load(hook), *below, *_invoke(1), Instr("POP_TOP")], at)


def load(variable: str | CellVar | FreeVar) -> Instr:
    """Return the instruction that loads a local's value; for cells their content, never the cell."""
    if isinstance(variable, CellVar | FreeVar):
        return Instr("LOAD_DEREF", variable)
    return Instr("LOAD_FAST" if sys.version_info < (3, 12) else "LOAD_FAST_CHECK", variable)


def variable(name: str, code: CodeType) -> str | CellVar | FreeVar:
    """Return how instructions of ``code`` refer to a local."""
    if name in code.co_cellvars:
        return CellVar(name)
    return FreeVar(name) if name in code.co_freevars else name


def _load(hook: str) -> Instr:
    return Instr("LOAD_GLOBAL", hook if sys.version_info < (3, 11) else (True, hook))


_CALLS = {(3, 10): ("CALL_FUNCTION",), (3, 11): ("PRECALL", "CALL")}
_INVOKE = _CALLS.get(sys.version_info[:2], ("CALL",))


def _invoke(count: int) -> list[Instr]:
    return [Instr(name, count) for name in _INVOKE]


def _placed(instructions: Iterable[Instr], at: InstrLocation | None) -> list[Instr]:
    return [Instr(each.name, each.arg, location=at or NOWHERE) for each in instructions]
