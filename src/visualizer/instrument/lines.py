"""The table that tells a code object's lines and columns, as each version of Python encodes it.

The ``bytecode`` package writes one too, but gives instructions without a line their neighbour's on 3.10,
and breaks the table at columns from 128 to 255 on later versions (0.19.1); tracers and tracebacks would show
both.
"""

from __future__ import annotations

import itertools
import struct
import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from bytecode.instr import InstrLocation

_Place = TypeVar("_Place")
Located = Iterable[tuple[int, InstrLocation | None]]


def encode_locations(locations: Located, first_line: int) -> bytes:
    """Encode where instructions stand, given as pairs of their length in code units and their location."""
    if sys.version_info < (3, 11):
        return encode_lines(((2 * size, at.lineno if at else None) for size, at in locations), first_line)
    return encode_positions(((size, _position(at)) for size, at in locations), first_line)


Position = tuple[int, int, int, int] | tuple[int] | None
"""First and last line, first and last column; or the line alone; or nothing."""


def _position(at: InstrLocation | None) -> Position:
    if at is None or at.lineno is None:
        return None
    if at.end_lineno is None or at.col_offset is None or at.end_col_offset is None:
        return (at.lineno,)
    return (at.lineno, at.end_lineno, at.col_offset, at.end_col_offset)


def encode_positions(positions: Iterable[tuple[int, Position]], first_line: int) -> bytes:
    """Encode as Python 3.11 and later do (CPython: Objects/locations.md); sizes are in code units.

    Examples
    --------
    >>> encode_positions([(1, None), (2, (7, 7, 4, 300))], first_line=5).hex(" ")
    'f8 f1 04 00 05 6d 04'
    """
    table = bytearray()
    line = first_line
    merged = positions if sys.version_info < (3, 12) else _runs(positions)  # as each version's compiler does
    for size, at in merged:
        for part in _parts(size, 8):
            if at is None:
                table.append(_entry(15, part))
                continue
            table.append(_entry(14 if len(at) > 1 else 13, part))
            table += _signed_varint(at[0] - line)
            line = at[0]
            if len(at) > 1:
                _, end_line, column, end_column = at
                table += _varint(end_line - line) + _varint(column + 1) + _varint(end_column + 1)
    return bytes(table)


def _entry(kind: int, size: int) -> int:
    return 128 | kind << 3 | size - 1


def _varint(value: int) -> bytes:
    """Encode six bits a byte, lowest first; a further bit tells that more follow."""
    parts = bytearray()
    while value >= 64:
        parts.append(64 | value & 63)
        value >>= 6
    parts.append(value)
    return bytes(parts)


def _signed_varint(value: int) -> bytes:
    return _varint(-value << 1 | 1 if value < 0 else value << 1)


def encode_lines(lines: Iterable[tuple[int, int | None]], first_line: int) -> bytes:
    """Encode as Python 3.10 does (PEP 626); sizes are in bytes, None is no line.

    Examples
    --------
    >>> encode_lines([(2, None), (4, 7), (2, 8)], first_line=5).hex(" ")
    '02 80 04 02 02 01'
    """
    table = bytearray()
    line = first_line
    for size, next_line in _runs(lines):
        delta = -128
        if next_line is not None:
            delta, line = next_line - line, next_line
            while not -127 <= delta <= 127:
                step = max(-127, min(127, delta))
                table += struct.pack("Bb", 0, step)
                delta -= step
        for part in _parts(size, 254):
            table += struct.pack("Bb", part, delta)
            delta = -128 if next_line is None else 0
    return bytes(table)


def _parts(size: int, largest: int) -> list[int]:
    """Split a length into parts of at most ``largest``."""
    return [largest] * ((size - 1) // largest) + [(size - 1) % largest + 1]


def _runs(places: Iterable[tuple[int, _Place]]) -> Iterator[tuple[int, _Place]]:
    """Join neighbours at the same place."""
    for place, group in itertools.groupby(places, key=lambda each: each[1]):
        yield sum(size for size, _ in group), place
