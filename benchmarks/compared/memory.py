"""Peak memory of this process, as Linux counts it."""

from __future__ import annotations

import ctypes
import gc
from pathlib import Path
from typing import NamedTuple

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Peak(NamedTuple):
    """What a function returned, and by how many bytes memory was higher at its peak than before it."""

    result: object
    added: float


def peak_of(function):
    """Run a function and watch resident memory; not a number where there is no Linux to ask."""
    gc.collect()
    if not RESET.exists():
        return Peak(function(), float("nan"))
    ctypes.CDLL(None).malloc_trim(0)  # else memory that was freed before hides what is taken now
    before = _kilobytes("VmRSS")
    RESET.write_text("5")  # the highest so far is now's
    result = function()
    return Peak(result, 1024.0 * (_kilobytes("VmHWM") - before))


def _kilobytes(name):
    return next(int(line.split()[1]) for line in STATUS.read_text().splitlines() if line.startswith(name))
