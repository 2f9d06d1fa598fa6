"""From edited instructions back to a code object that differs in nothing else."""

from __future__ import annotations

from types import CodeType

from bytecode import Bytecode

from visualizer.instrument.lines import encode_locations

_HEADROOM = 16
"""Stack entries for a hook's call; Python 3.10 pushes six more where an exception is caught."""


def assembled(body: Bytecode, origin: CodeType) -> CodeType:
    """Return the code object of ``body``, with everything but instructions and tables as in ``origin``."""
    concrete = body.to_concrete_bytecode(compute_exception_stack_depths=False)
    code: CodeType = concrete.to_code(
        stacksize=origin.co_stacksize + _HEADROOM, compute_exception_stack_depths=False
    )
    locations = [(each.size // 2, each.location) for each in concrete]
    return code.replace(co_linetable=encode_locations(locations, origin.co_firstlineno))
