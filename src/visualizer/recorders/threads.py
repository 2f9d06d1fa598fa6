"""What the threads of this process run at this moment."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Mapping
from types import FrameType

_COLLECTING = threading.RLock()  # a finalizer may call an operator that is followed


def frames_of_threads() -> Mapping[int, FrameType]:
    """Return the innermost frame of each thread by its identifier.

    Python locks its list of threads while it makes these frames. A garbage collection that begins there waits
    for ever as soon as it frees a `threading.local`, which wants the same lock: seen with Python 3.11.7, not
    with 3.12 (https://github.com/python/cpython/issues/106883).
    """
    with _COLLECTING:
        collects = gc.isenabled()
        gc.disable()
        try:
            return sys._current_frames()  # noqa: SLF001
        finally:
            if collects:
                gc.enable()
