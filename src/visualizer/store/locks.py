"""One writer at a time: a lock on a file of the store, which the system lets go of when its process ends."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from visualizer.errors import StoreError

NAME = "writer.lock"


class Lock:
    """What a writer holds; of places without locks, nothing."""

    def __init__(self, file: int | None = None) -> None:
        self._file = file

    def release(self) -> None:
        """Let go of it."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def locked(folder: Path) -> Lock:
    """Lock a folder, which is made where it is missing.

    Raises
    ------
    StoreError
        If another writer holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = os.open(folder / NAME, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _lock(file)
    except OSError:
        os.close(file)
        raise StoreError(
            f"{folder} is being written by another run: wait for its end, or give another path"
        ) from None
    return Lock(file)


def _lock(file: int) -> None:
    with suppress(ModuleNotFoundError):
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return
    import msvcrt

    msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
