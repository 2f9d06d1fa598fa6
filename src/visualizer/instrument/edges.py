"""Hooks where a call begins and ends, in bytecode.

The compiler has already given each way out of a function its own return instruction with its own line, so a
call put right before it changes no line that a tracer, debugger or coverage tool sees. Exceptions that leave
the function, ``close()`` of a generator among them, pass a handler around the whole body that belongs to no
line and raises them again with their traceback as it was.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from types import CodeType

from bytecode import Bytecode, Instr, Label, TryBegin, TryEnd

from visualizer.errors import TargetError
from visualizer.instrument.hook_calls import NOWHERE, call, call_with_top, load, variable
from visualizer.instrument.sites import Wire
from visualizer.instrument.stores import parameters

_BEFORE_3_11 = sys.version_info < (3, 11)
_RETURNS = {"RETURN_VALUE", "RETURN_CONST"}


def tap_edges(body: Bytecode, code: CodeType, wires: Sequence[Wire]) -> Bytecode:
    """Return ``body`` with hooks at entry, before returns and for exceptions, as ``wires`` ask."""
    start = _body_start(body)
    head, rest = list(body[:start]), list(body[start:])
    rest = [*_entry(code, wires), *(each for one in rest for each in (*_exits(one, code, wires), one))]
    raising = [wire.hook for wire in wires if wire.site.kind == "raise"]
    if raising:
        rest = _guarded(head, rest, raising)
    body[:] = [*head, *rest]
    return body


def _body_start(body: Bytecode) -> int:
    """Return the index of the first instruction of the function's own text."""
    first = "GEN_START" if _BEFORE_3_11 else "RESUME"
    for index, each in enumerate(body):
        if isinstance(each, Instr) and each.name == first:
            return index + 1
    return 0


def _entry(code: CodeType, wires: Sequence[Wire]) -> Iterator[Instr]:
    bound = parameters(code)
    for wire in wires:
        if wire.site.kind == "enter":
            yield from call(wire.hook, [], NOWHERE)
    for wire in wires:
        if wire.site.kind == "bind" and wire.site.name in bound:
            yield from call(wire.hook, [load(variable(wire.site.name, code))], NOWHERE)


def _exits(instruction: object, code: CodeType, wires: Sequence[Wire]) -> Iterator[Instr]:
    """Yield what stands before an instruction: something only before a return."""
    if not isinstance(instruction, Instr) or instruction.name not in _RETURNS:
        return
    at = instruction.location
    for wire in wires:
        if wire.site.kind == "return" and instruction.name == "RETURN_CONST":
            yield from call(wire.hook, [Instr("LOAD_CONST", instruction.arg)], at)
        elif wire.site.kind == "return":
            yield from call_with_top(wire.hook, at)
    for wire in wires:
        if wire.site.kind == "leave":
            loads = [load(variable(name, code)) for name in wire.site.loads]
            yield from call(wire.hook, loads, at)


def _guarded(head: list[object], rest: list[object], hooks: Sequence[str]) -> list[object]:
    """Put an exception handler around all of ``rest`` that no handler of the function's own covers."""
    handler = Label()
    calls = [each for hook in hooks for each in call(hook, [], NOWHERE)]
    reraise = [handler, *calls, Instr("RERAISE", 1, location=NOWHERE)]
    if _BEFORE_3_11:
        _refuse_depth(rest)
        setup = Instr("SETUP_FINALLY", handler, location=NOWHERE)
        return [setup, *_unblocked(rest), *reraise]
    return [*_covered(head, [_deeper(each) for each in rest], handler), *reraise]


_DEEPEST = 20  # CPython: CO_MAXBLOCKS; one more aborts the process


def _refuse_depth(rest: list[object]) -> None:
    """Refuse a function that already nests as many blocks as Python 3.10 has room for.

    Raises
    ------
    TargetError
        If so. Handlers are counted as nested in what they handle.
    """
    depth = deepest = 0
    ends: dict[Label, int] = {}
    for each in rest:
        if isinstance(each, Label) and each in ends:
            depth = ends[each]
        elif isinstance(each, Instr) and each.name.startswith("SETUP_"):
            depth += 1
            ends[each.arg] = depth
            deepest = max(deepest, depth)
        elif isinstance(each, Instr) and each.name in {"POP_BLOCK", "POP_EXCEPT"}:
            depth = max(0, depth - 1)
    if deepest >= _DEEPEST:
        raise TargetError(
            f"its blocks are nested {deepest} deep, which leaves no room for another on Python 3.10"
        )


def _unblocked(rest: list[object]) -> Iterator[object]:
    """Take the handler's block off Python 3.10's block stack before each return."""
    for each in rest:
        if isinstance(each, Instr) and each.name in _RETURNS:
            yield Instr("POP_BLOCK", location=each.location)
        yield each


def _covered(head: list[object], rest: list[object], handler: Label) -> Iterator[object]:
    """Open and close a region for ``handler`` in the gaps between the regions that are there."""
    inside = sum(isinstance(each, TryBegin) - isinstance(each, TryEnd) for each in head)
    region: TryBegin | None = None
    for each in rest:
        if isinstance(each, TryBegin):
            if region is not None:
                yield TryEnd(region)
            region, inside = None, True
        elif isinstance(each, TryEnd):
            inside = False
        elif isinstance(each, Instr) and region is None and not inside:
            region = TryBegin(handler, push_lasti=True, stack_depth=0)
            yield region
        yield each
    if region is not None:
        yield TryEnd(region)


_YIELD_DEPTH_MARKS = {(3, 12): "YIELD_VALUE", (3, 13): "RESUME"}
_RESUME_DEPTH_ONE = 4


def _deeper(instruction: object) -> object:
    """Tell a generator's ``close()`` that a handler is there.

    Python 3.12 and later note at each yield whether only the implicit handler surrounds it, and ``close()``
    then drops the frame without raising GeneratorExit in it (CPython: Objects/genobject.c, gen_close).
    """
    mark = _YIELD_DEPTH_MARKS.get(sys.version_info[:2])
    if isinstance(instruction, Instr) and instruction.name == mark:
        arg = instruction.arg + 1 if mark == "YIELD_VALUE" else instruction.arg & ~_RESUME_DEPTH_ONE
        return Instr(mark, arg, location=instruction.location)
    return instruction
