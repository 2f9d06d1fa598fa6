"""From edited instructions back to a code object that differs in nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from types import CodeType

from bytecode import Bytecode, ConcreteBytecode
from bytecode.instr import InstrLocation

from visualizer.instrument.lines import encode_locations

_HEADROOM = 16
"""Stack entries for a hook's call; Python 3.10 pushes six more where an exception is caught."""


def assembled(body: Bytecode, origin: CodeType) -> CodeType:
    """Return the code object of ``body``, with everything but instructions and tables as in ``origin``."""
    concrete = body.to_concrete_bytecode(compute_exception_stack_depths=False)
    code: CodeType = concrete.to_code(
        stacksize=origin.co_stacksize + _HEADROOM, compute_exception_stack_depths=False
    )
    return code.replace(co_linetable=encode_locations(_locations(concrete), origin.co_firstlineno))


def _locations(concrete: ConcreteBytecode) -> Iterator[tuple[int, InstrLocation | None]]:
    """Yield each instruction's length in code units, with that of its caches, and its location."""
    size, at = 0, None
    for each in concrete:
        if size and each.name != "CACHE":
            yield size, at
            size = 0
        if not size:
            at = each.location
        size += each.size // 2
    yield size, at
