"""What writing a run needs, in one sentence where it is not there."""

from __future__ import annotations

import sys

from visualizer.errors import MissingExtraError, require

PYTHON = (3, 11)


def check_needs() -> None:
    """Refuse to begin what could not be written.

    Raises
    ------
    MissingExtraError
        On Python 3.10, or without zarr.
    """
    if sys.version_info < PYTHON:
        raise MissingExtraError(
            f"Saving a run needs Python {'.'.join(map(str, PYTHON))} or later, as Zarr 3 does, and this is "
            f"{sys.version.split()[0]}"
        )
    require("google_crc32c", "store", "Saving a run")  # zarr imports it too
    require("zarr", "store", "Saving a run", "3.0")
