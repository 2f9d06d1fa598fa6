"""Dtypes on disk: Zarr's own by name; those that numpy lacks as unsigned integers of their size."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Any

import numpy as np

from visualizer.errors import StoreError, require

PLAIN = {
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "complex64", "complex128"),
}
FOREIGN = {
    "bfloat16": "uint16",
    **dict.fromkeys(("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz"), "uint8"),
}
"""Dtypes that numpy lacks, and what holds their bits."""


def raw_dtype(name: str) -> Any:
    """Return the numpy dtype, little-endian, that holds the bits of a dtype.

    Raises
    ------
    StoreError
        If there is no such dtype.

    Examples
    --------
    >>> raw_dtype("bfloat16").str
    '<u2'
    """
    if name not in PLAIN | FOREIGN.keys():
        raise StoreError(f"numbers of {name!r:.40} cannot be stored; {', '.join(sorted(PLAIN))} can")
    return np.dtype(FOREIGN.get(name, name)).newbyteorder("<")


def name_of(array: Any) -> str:
    """Return the name of an array's dtype, as "bfloat16"."""
    name = str(array.dtype).rpartition(".")[2]
    return np.dtype(array.dtype).name if isinstance(array, np.ndarray) else name


def raw_bits(array: Any) -> Any:
    """Return an array of either library as numpy has it, in the host's memory, bits untouched."""
    if isinstance(array, np.ndarray):
        return array.astype(raw_dtype(name_of(array)), copy=False)
    host = array.detach().resolve_conj().resolve_neg().cpu()
    if name_of(array) in FOREIGN:
        torch: Any = sys.modules["torch"]
        host = host.view(getattr(torch, {1: "uint8", 2: "int16"}[host.element_size()]))
    return host.numpy().view(raw_dtype(name_of(array)))


def restored(raw: Any, name: str, library: str) -> Any:
    """Return bits as an array: torch's where it was and torch is installed, numpy's otherwise.

    numpy has no bfloat16: there it becomes float32, which holds each of its numbers.

    Raises
    ------
    MissingExtraError
        For 8-bit floats without torch.
    """
    if library == "torch" and (name in FOREIGN or find_spec("torch")):
        if find_spec("torch") or name != "bfloat16":
            return _as_tensor(raw, name)
        return (raw.astype("<u4") << 16).view("<f4")
    return raw.astype(raw.dtype.newbyteorder("="), copy=False)


def _as_tensor(raw: Any, name: str) -> Any:
    torch: Any = require("torch", "torch", f"An array of {name}")
    writable = raw if raw.flags.writeable else raw.copy()
    if name not in FOREIGN:
        return torch.from_numpy(writable)
    bits = writable.view(np.dtype(f"i{raw.itemsize}") if raw.itemsize > 1 else np.uint8)
    return torch.from_numpy(bits).view(getattr(torch, name))
