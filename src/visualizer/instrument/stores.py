"""Bindings of names in bytecode: which names a function binds, and hooks right after each binding.

This is the front end for functions whose source is not to be had (lambdas, exec'd or rewritten code). It
puts a call after each instruction that stores a wanted name, on the same line. Left out, because they bind
no local: variables of comprehensions that Python 3.12 and later inline (a hook there could meet an unbound
variable), and the None that ``except … as name`` stores before it deletes the name.
"""

from __future__ import annotations

import dis
import inspect
from collections.abc import Collection, Iterable, Iterator, Mapping
from types import CodeType

from bytecode import Bytecode, CellVar, Instr

from visualizer.instrument.assembly import assembled
from visualizer.instrument.comprehensions import set_aside, variable_name
from visualizer.instrument.hook_calls import call, load

_PAIRS = {
    "LOAD_FAST_LOAD_FAST": ("LOAD_FAST", "LOAD_FAST"),
    "STORE_FAST_STORE_FAST": ("STORE_FAST", "STORE_FAST"),
    "STORE_FAST_LOAD_FAST": ("STORE_FAST", "LOAD_FAST"),
}


def parameters(code: CodeType) -> tuple[str, ...]:
    """Return the names of all parameters, ``*args`` and ``**kwargs`` last."""
    variadic = bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + variadic]


def bound_names(code: CodeType, *, with_parameters: bool = True) -> tuple[str, ...]:
    """Return every local that the function binds: parameters, then names in the order of binding.

    Examples
    --------
    >>> def attend(q, k):
    ...     attn = q * k
    ...     return [attn for _ in range(2)]
    >>> bound_names(attend.__code__)
    ('q', 'k', 'attn')
    """
    owned = {*code.co_varnames, *code.co_cellvars, *code.co_freevars}
    found = [name for name in parameters(code) if with_parameters and not name.startswith(".")]
    return tuple(dict.fromkeys([*found, *_bindings(code, owned)]))


def _bindings(code: CodeType, owned: Collection[str]) -> Iterator[str]:
    body = decoded(code)
    skipped = _not_locals(body)
    for index, instruction in enumerate(body):
        if index not in skipped:
            yield from (name for name in _stored(instruction) if name in owned)
    for inner, shared in _sharing(code, owned):
        yield from (name for name in _bindings(inner, shared) if name in inner.co_freevars)


def decoded(code: CodeType) -> Bytecode:
    """Return the instructions with those taken apart that handle two variables."""
    body = Bytecode.from_code(_unshared(code), conserve_exception_block_stackdepth=True)
    body.argnames = list(code.co_varnames)  # keeps the order that `locals()` shows
    body.cellvars = list(code.co_cellvars)
    body[:] = [single for each in body for single in _singles(each)]
    return body


_SHARED = "\0"
_ON_VARIABLES = {*dis.haslocal, *dis.hasfree}


def _unshared(code: CodeType) -> CodeType:
    """Give variables other names where a free variable has the same (an inlined comprehension over it).

    The ``bytecode`` package leaves such a free variable out (0.19.1).
    """
    free = set(code.co_freevars)
    variables = tuple(name + _SHARED if name in free else name for name in code.co_varnames)
    cells = tuple(name + _SHARED if name in free else name for name in code.co_cellvars)
    return code.replace(co_varnames=variables, co_cellvars=cells)


def _singles(instruction: object) -> Iterator[object]:
    if not isinstance(instruction, Instr):
        yield instruction
    elif instruction.name in _PAIRS:
        for name, arg in zip(_PAIRS[instruction.name], instruction.arg, strict=True):
            yield from _singles(Instr(name, arg, location=instruction.location))
    else:
        if instruction.opcode in _ON_VARIABLES:
            instruction.arg = _renamed(instruction.arg)
        yield instruction


def _renamed(arg: object) -> object:
    if isinstance(arg, CellVar):
        return CellVar(arg.name.removesuffix(_SHARED))
    return arg.removesuffix(_SHARED) if isinstance(arg, str) else arg


def tap_stores(code: CodeType, hooks: Mapping[str, Iterable[str]]) -> Bytecode:
    """Return the function's instructions with a call of ``hooks[name]`` after each binding of ``name``."""
    body = decoded(code)
    skipped = _not_locals(body)
    inner = {id(nested): _tapped_inner(nested, hooks, shared) for nested, shared in _sharing(code, hooks)}
    tapped: list[object] = []
    for index, instruction in enumerate(body):
        if isinstance(instruction, Instr) and id(instruction.arg) in inner:
            instruction.arg = inner[id(instruction.arg)]
        tapped.append(instruction)
        for name in _stored(instruction) if index not in skipped else ():
            for hook in hooks.get(name, ()):
                tapped += call(hook, [load(instruction.arg)], instruction.location)
    body[:] = tapped
    return body


def _tapped_inner(code: CodeType, hooks: Mapping[str, Iterable[str]], shared: Collection[str]) -> CodeType:
    return assembled(tap_stores(code, {name: hooks[name] for name in shared}), code)


def _sharing(code: CodeType, names: Iterable[str]) -> Iterator[tuple[CodeType, set[str]]]:
    """Yield nested code objects that can bind some of ``names`` through a cell."""
    cells = {name for name in names if name in code.co_cellvars or name in code.co_freevars}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            shared = cells.intersection(constant.co_freevars)
            if shared and shared.intersection(_bindings(constant, shared)):
                yield constant, shared


def _stored(instruction: object) -> tuple[str, ...]:
    if not isinstance(instruction, Instr) or instruction.name not in {"STORE_FAST", "STORE_DEREF"}:
        return ()
    return (variable_name(instruction.arg),)


def _not_locals(body: Bytecode) -> set[int]:
    """Return the indices of stores that bind no local of the function itself."""
    waiting = set_aside(body)
    return {
        index
        for index, each in enumerate(body)
        for name in _stored(each)
        if name in waiting.get(index, ()) or _is_unbinding(body, index)
    }


def _is_unbinding(body: Bytecode, index: int) -> bool:
    """Recognise ``name = None; del name``, which ends every ``except … as name``."""
    around = [body[index - 1], body[index + 1]] if 0 < index < len(body) - 1 else []
    if not all(isinstance(each, Instr) for each in around) or not around:
        return False
    before, after = around
    return (
        before.name == "LOAD_CONST"
        and before.arg is None
        and after.name.startswith("DELETE_")
        and variable_name(after.arg) == variable_name(body[index].arg)
    )
