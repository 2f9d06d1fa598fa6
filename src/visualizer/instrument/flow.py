"""Whether a name surely has a value wherever a function returns.

Then one hook at the return can read it, and no hook is needed at each binding.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import CodeType

from bytecode import Bytecode, Instr, Label, TryBegin

from visualizer.instrument.stores import decoded, parameters

_UNBINDING = ("DELETE_FAST", "LOAD_FAST_AND_CLEAR")

_Names = frozenset[str]


def always_bound(code: CodeType, names: Iterable[str]) -> bool:
    """Tell whether each of ``names`` is bound on every way to every return.

    False where that is not sure: a name that is deleted somewhere, or shared with a nested function.

    Examples
    --------
    >>> def attend(x):
    ...     if x > 2:
    ...         scale = 1
    ...     attn = x
    ...     return attn
    >>> always_bound(attend.__code__, ["x", "attn"]), always_bound(attend.__code__, ["scale"])
    (True, False)
    """
    wanted = frozenset(names)
    if not wanted <= set(code.co_varnames) - {*code.co_cellvars, *code.co_freevars}:
        return False
    body = decoded(code)
    if any(isinstance(e, Instr) and e.name in _UNBINDING and e.arg in wanted for e in body):
        return False
    arriving: dict[Label, _Names] = {}
    before: dict[Label, _Names] | None = None
    while arriving != before:
        before = dict(arriving)
        at_returns = _pass(body, wanted, wanted.intersection(parameters(code)), arriving)
    return wanted <= at_returns


def _pass(body: Bytecode, wanted: _Names, bound: _Names | None, arriving: dict[Label, _Names]) -> _Names:
    """Walk the body once; ``arriving`` gathers what is bound wherever a jump to a label starts."""
    at_returns = wanted
    for each in body:
        if isinstance(each, Label):
            bound = _both(bound, arriving.get(each))
        elif bound is None:  # not reached
            continue
        elif isinstance(each, TryBegin):
            arriving[each.target] = bound & arriving.get(each.target, bound)
        elif isinstance(each, Instr):
            if isinstance(each.arg, Label):
                arriving[each.arg] = bound & arriving.get(each.arg, bound)
            if each.name.startswith("RETURN_") and each.name != "RETURN_GENERATOR":
                at_returns &= bound
            if each.name == "STORE_FAST" and each.arg in wanted:
                bound |= {each.arg}
            if each.is_final() or each.is_uncond_jump():
                bound = None
    return at_returns


def _both(one: _Names | None, other: _Names | None) -> _Names | None:
    if one is None or other is None:
        return one if other is None else other
    return one & other
