"""From edited instructions back to a code object that differs in nothing else."""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterable, Iterator
from types import CodeType

from bytecode import Bytecode

_HEADROOM = 16
"""Stack entries for a hook's call; Python 3.10 pushes six more where an exception is caught."""


def assembled(body: Bytecode, origin: CodeType) -> CodeType:
    """Return the code object of ``body``, with everything but instructions and tables as in ``origin``."""
    stacksize = origin.co_stacksize + _HEADROOM
    concrete = body.to_concrete_bytecode(compute_exception_stack_depths=False)
    code: CodeType = concrete.to_code(stacksize=stacksize, compute_exception_stack_depths=False)
    if sys.version_info < (3, 11):
        sizes = [(each.size, None if each.location is None else each.location.lineno) for each in concrete]
        code = code.replace(co_linetable=line_table(sizes, origin.co_firstlineno))
    return code


def line_table(sizes: Iterable[tuple[int, int | None]], first_line: int) -> bytes:
    """Encode line numbers as Python 3.10 does (PEP 626); None is no line.

    The ``bytecode`` package for that version gives instructions without a line their neighbour's, which
    tracers would report.

    Examples
    --------
    >>> line_table([(2, None), (4, 7), (2, 8)], first_line=5).hex(" ")
    '02 80 04 02 02 01'
    """
    table = bytearray()
    line = first_line
    for size, next_line in _runs(sizes):
        delta = -128
        if next_line is not None:
            delta, line = next_line - line, next_line
            while not -127 <= delta <= 127:
                step = max(-127, min(127, delta))
                table += struct.pack("Bb", 0, step)
                delta -= step
        for part in _parts(size):
            table += struct.pack("Bb", part, delta)
            delta = -128 if next_line is None else 0
    return bytes(table)


def _parts(size: int) -> list[int]:
    """Split a length into bytes."""
    return [254] * ((size - 1) // 254) + [(size - 1) % 254 + 1]


def _runs(sizes: Iterable[tuple[int, int | None]]) -> Iterator[tuple[int, int | None]]:
    """Join neighbours on the same line."""
    total, current = 0, None
    for size, line in sizes:
        if total and line != current:
            yield total, current
            total = 0
        total, current = total + size, line
    if total:
        yield total, current
