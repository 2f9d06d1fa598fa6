"""One writer at a time: a lock on a file of the store, which the system lets go of when its process ends.

So that nothing is stale after ``kill -9``, on NFS too, where Linux makes it a lock of the server. The file
says who holds it, and a file system without locks is written to all the same: neither is to be had of
`filelock`, which leaves a file of its own where there are no locks, stale after ``kill -9``.
"""

from __future__ import annotations

import errno
import os
import platform
from contextlib import suppress
from pathlib import Path

from visualizer.errors import StoreError

NAME = "writer.lock"
NO_LOCKS = {errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK}
"""What a file system without locks says, as some of clusters are."""
FAR = 2**20
"""Which byte is locked on Windows."""


class Lock:
    """What a writer holds; of places without locks, nothing."""

    def __init__(self, file: int | None = None) -> None:
        self._file = file

    def release(self) -> None:
        """Let go of it, for forked processes that have the file open too."""
        if self._file is not None:
            _unlock(self._file)
            os.close(self._file)
            self._file = None


def locked(folder: Path) -> Lock:
    """Lock a folder, which is made where it is missing; where there are no locks, nothing is locked.

    Raises
    ------
    StoreError
        If another writer holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = os.open(folder / NAME, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _lock(file)
    except OSError as error:
        os.lseek(file, 0, os.SEEK_SET)
        holder = _holder(file)
        os.close(file)
        if error.errno in NO_LOCKS:
            return Lock()
        raise StoreError(
            f"{folder} is being written by another run{holder}: wait for its end, or give another path"
        ) from None
    lock = Lock(file)
    try:
        os.ftruncate(file, 0)
        os.write(file, f"process {os.getpid()} on {platform.node()}".encode())
    except OSError:
        lock.release()
        raise
    return lock


def _holder(file: int) -> str:
    """Return who holds a lock, as the file says."""
    with suppress(OSError, ValueError):
        said = os.read(file, 200).decode()
        return f", {said}" if said.isprintable() and said else ""
    return ""


def _lock(file: int) -> None:
    with suppress(ModuleNotFoundError):
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return
    import msvcrt

    os.lseek(file, FAR, os.SEEK_SET)  # what is locked there cannot be read
    msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    os.lseek(file, 0, os.SEEK_SET)


def _unlock(file: int) -> None:
    with suppress(ModuleNotFoundError):
        import fcntl

        fcntl.flock(file, fcntl.LOCK_UN)
        return
    import msvcrt

    os.lseek(file, FAR, os.SEEK_SET)
    msvcrt.locking(file, msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined]
