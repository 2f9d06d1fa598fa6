"""Which names' values wait on the stack while comprehensions run that Python 3.12 and later inline.

Such a comprehension puts the value of the function's variable of the same name onto the stack, and back from
there in the end. As long as a value waits there, stores under its name bind the comprehension's variable, and
the last one puts the value back. Positions in the source tell as much, but can be left out of the code.
"""

from __future__ import annotations

from collections.abc import Iterator

from bytecode import Bytecode, CellVar, FreeVar, Instr, Label, TryBegin, TryEnd

Stack = tuple[str | None, ...]
"""For each entry the name whose value waits there, None for any other."""

_Place = tuple[int, Stack]


def set_aside(body: Bytecode) -> dict[int, Stack]:
    """Return for each instruction that can be reached, by index, what is on the stack before it.

    Empty where no comprehension is inlined.
    """
    if any(isinstance(each, Instr) and each.name == "LOAD_FAST_AND_CLEAR" for each in body):
        return _stacks(body)
    return {}


def variable_name(arg: object) -> str:
    """Return the name in an instruction's argument, cell or not."""
    return arg.name if isinstance(arg, CellVar | FreeVar) else str(arg)


def _stacks(body: Bytecode) -> dict[int, Stack]:
    labels = {each: index for index, each in enumerate(body) if isinstance(each, Label)}
    regions = _regions(body)
    stacks: dict[int, Stack] = {}
    todo: list[_Place] = [(0, ())]
    while todo:
        index, stack = todo.pop()
        if index not in stacks and index < len(body):
            stacks[index] = stack
            todo += _following(body[index], index, stack, labels)
            todo += ((labels[region.target], _caught(stack, region)) for region in regions.get(index, ()))
    return stacks


def _regions(body: Bytecode) -> dict[int, list[TryBegin]]:
    """Return the exception region that each instruction stands in, by index."""
    found: dict[int, list[TryBegin]] = {}
    region: list[TryBegin] = []
    for index, each in enumerate(body):
        if isinstance(each, TryBegin | TryEnd):
            region = [each] if isinstance(each, TryBegin) else []
        found[index] = region
    return found


def _following(each: object, index: int, stack: Stack, labels: dict[Label, int]) -> Iterator[_Place]:
    if not isinstance(each, Instr):
        yield index + 1, stack
        return
    if isinstance(each.arg, Label):
        yield labels[each.arg], _after(each, stack, jump=True)
    if not (each.is_final() or each.is_uncond_jump()):
        yield index + 1, _after(each, stack, jump=False)


def _after(each: Instr, stack: Stack, *, jump: bool) -> Stack:
    if each.name == "LOAD_FAST_AND_CLEAR":
        return (*stack, variable_name(each.arg))
    if each.name == "SWAP":
        *rest, last = stack
        rest[-each.arg + 1], last = last, rest[-each.arg + 1]
        return (*rest, last)
    effect = each.stack_effect(jump)
    return stack[:effect] if effect < 0 else (*stack, *[None] * effect)


def _caught(stack: Stack, region: TryBegin) -> Stack:
    """Return the stack with which a region's handler begins: the exception on top."""
    return (*stack[: region.stack_depth], *[None] * (1 + region.push_lasti))
