"""What a user is told without being stopped."""

from __future__ import annotations

import inspect
import os
import warnings
from pathlib import Path

PACKAGE = str(Path(__file__).parent) + os.sep


class RecordingWarning(UserWarning):
    """Something that was asked for is not recorded."""


def warn_user(message: str) -> None:
    """Warn at the nearest line outside this package (`skip_file_prefixes` needs Python 3.12)."""
    level, frame = 1, inspect.currentframe()
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, RecordingWarning, stacklevel=level)
