"""Byte sizes: read, shown, measured of values, free on the machine; and a budget of them."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from visualizer.cgroups import group_room
from visualizer.errors import OptionError

PLAIN = (str, bytes, bool, int, float, complex, type(None))
"""Types whose values hold nothing else and never change."""


def parse_bytes(size: str | int) -> int:
    """Return a size in bytes: ``"4GB"`` is 4·10⁹, ``"4GiB"`` is 4·2³⁰, a number is itself.

    Raises
    ------
    OptionError
        If ``size`` is no such text, or not positive.

    Examples
    --------
    >>> parse_bytes("4GB"), parse_bytes("1.5 KiB"), parse_bytes(100)
    (4000000000, 1536, 100)
    """
    match = re.fullmatch(r"\s*([\d_.]+)\s*(?:([KMGTP])(I?))?B?\s*", str(size).upper())
    try:
        number, prefix, binary = match.groups() if match else ("", None, None)
        count = int(float(number) * (1024 if binary else 1000) ** " KMGTP".index(prefix or " "))
    except (ValueError, OverflowError):  # OverflowError: more digits than a float can count
        count = 0
    if isinstance(size, bool) or count <= 0:
        found = f"A memory budget of {size!r} was asked for"
        raise OptionError(f'{found}; give a positive size such as "4GB", "512 MiB" or 10**9.')
    return count


def format_bytes(count: int) -> str:
    """Return a size as people read it, in powers of 1000.

    Examples
    --------
    >>> format_bytes(4_000_000_000)
    '4.0 GB'
    """
    from rich.filesize import decimal

    return decimal(count)


def free_bytes(root: Path = Path("/")) -> int:
    """Return how many bytes of memory could be taken now without swapping, or leaving a container's limit.

    ``root`` is the folder in which the limits are looked for.
    """
    import psutil

    room = group_room(root)
    free = int(psutil.virtual_memory().available)
    return free if room is None else min(free, room)


def measure_bytes(value: object) -> int:
    """Return the bytes that a value's arrays, tensors, strings and numbers hold, each object counted once.

    Lists, tuples and mappings are entered; any other object counts as large as it says it is (`nbytes`),
    or as `sys.getsizeof` finds it. A sparse tensor counts as large as its dense form.

    Examples
    --------
    >>> import numpy
    >>> measure_bytes([numpy.zeros((2, 3)), {"mask": numpy.zeros(4, dtype=bool)}])
    52
    """
    if isinstance(value, PLAIN):  # the usual cases first: this runs at every recorded call
        return sys.getsizeof(value)
    if hasattr(type(value), "nbytes"):
        return _measure_leaf(value)
    return sum(map(_measure_leaf, _leaves(value, set())))


def _leaves(value: object, seen: set[int]) -> Iterator[object]:
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item, seen)
    else:
        yield value


def _measure_leaf(leaf: Any) -> int:
    # Asked of the type first: an object that answers to every name, as a tracing proxy does, has no size.
    if not hasattr(type(leaf), "nbytes"):
        return sys.getsizeof(leaf, 0)
    try:
        return int(leaf.nbytes)
    except Exception:  # noqa: BLE001 - foreign code; torch's sparse tensors refuse
        return _measure_dense(leaf)


def _measure_dense(leaf: Any) -> int:
    try:
        return int(leaf.numel() * leaf.element_size())
    except Exception:  # noqa: BLE001 - foreign code; what cannot tell its size is counted as a bare object
        return sys.getsizeof(leaf, 0)


class Budget:
    """A limit in bytes, and how much of it is used.

    Parameters
    ----------
    limit
        How many bytes may be held.
    held
        Measures the bytes that are held now. It is asked before anything is turned away, because what
        was taken may have been let go of since.

    Examples
    --------
    >>> held = [3]
    >>> budget = Budget(10, lambda: sum(held))
    >>> budget.admits(7), budget.admits(8)
    (True, False)
    """

    def __init__(self, limit: int, held: Callable[[], int]) -> None:
        self.limit = limit
        self._held = held
        self._used = held()

    def admits(self, size: int) -> bool:
        """Tell whether ``size`` more bytes stay within the limit."""
        if self._used + size > self.limit:
            self._used = self._held()
        return self._used + size <= self.limit

    def take(self, size: int) -> None:
        """Count ``size`` more bytes as used."""
        self._used += size
