"""Where a store lies: a local folder, one zip file, or a URL of fsspec; read and written by key."""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from visualizer.errors import StoreError, require

PART = ".part"
"""How the name of a file ends that is being written."""


class Place(Protocol):
    """What holds a store."""

    name: str

    def read(self, key: str, start: int = 0, size: int | None = None) -> bytes:
        """Return bytes of a file, from ``start`` on; a negative one counts from the end."""

    def write(self, key: str, data: bytes) -> None:
        """Write a file, wholly or not at all."""

    def settle(self, *keys: str) -> None:
        """Have files, and those in folders, outlast a loss of power, where it is for us to see to it."""

    def remove(self, key: str) -> None:
        """Remove a file or a folder, if it is there."""

    def is_there(self, key: str) -> bool:
        """Tell whether there is a file."""

    def files(self) -> Iterator[str]:
        """Yield every file."""


class Folder:
    """A local folder; links out of it are refused."""

    def __init__(self, path: Path) -> None:
        self.name, self.root = str(path), path
        self._real = os.path.realpath(path)
        self._seen: set[Path] = set()  # folders that no link leads out of
        self._made: set[Path] = set()

    def read(self, key: str, start: int = 0, size: int | None = None) -> bytes:
        """Return bytes of a file."""
        with _explained(f"{self.name}/{key}"), self._inside(key).open("rb") as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode):
                raise StoreError(f"{self.name}/{key} was to be read, but it is no regular file")
            file.seek(max(about.st_size + start, 0) if start < 0 else start)
            return file.read() if size is None else file.read(min(size, about.st_size))

    def write(self, key: str, data: bytes) -> None:
        """Write beside, then rename: a file is there wholly or not at all."""
        path = self._free(key)
        part = path.with_name(path.name + PART)
        try:
            part.write_bytes(data)
            part.replace(path)
        except OSError:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise

    def append(self, key: str, data: bytes) -> None:
        """Write at the end of a file; what was cut short is taken away again."""
        path = self._free(key)
        with path.open("ab", buffering=0) as file:
            before = os.fstat(file.fileno()).st_size
            try:
                while data:
                    data = data[file.write(data) :]
            except OSError:
                file.truncate(before)
                raise

    def settle(self, *keys: str) -> None:
        """Have the system write files, those in folders, and the folders that name them, to the disk."""
        found: set[Path] = set()
        for path in map(self._inside, keys):
            found |= set(path.iterdir()) if path.is_dir() else {path}
            if os.name != "nt":  # there a folder is no file
                above = [one for one in path.parents if one.is_relative_to(self.root)]
                found |= {*above, path} if path.is_dir() else {*above}
        with ThreadPoolExecutor(16) as pool:  # those that come together are written together
            list(pool.map(synced, found))

    def remove(self, key: str) -> None:
        """Remove a file or a folder."""
        import shutil

        path = self._inside(key)
        if path.is_dir():
            self._made.clear()
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    def is_there(self, key: str) -> bool:
        """Tell whether there is a file."""
        return self._inside(key).is_file()

    def files(self) -> Iterator[str]:
        """Yield every file."""
        for path in sorted(self.root.rglob("*")):
            if path.is_file() and not path.name.endswith(PART):
                yield path.relative_to(self.root).as_posix()

    def _free(self, key: str) -> Path:
        """Return the path of a file that is to be written."""
        path = self.root / key
        if path.parent not in self._made:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._made.add(path.parent)
        return self._inside(key)

    def _inside(self, key: str) -> Path:
        """Return the path of a file, which no link leads out of the store to."""
        path = self.root / key
        if path.parent not in self._seen:
            real = os.path.realpath(path.parent)
            if os.path.commonpath([real, self._real]) != self._real:
                raise self._leads_out(key, real)
            self._seen.add(path.parent)
        if path.is_symlink():
            raise self._leads_out(key, os.path.realpath(path))
        return path

    def _leads_out(self, key: str, real: str) -> StoreError:
        return StoreError(f"{self.name}/{key} is a link, or leads out of the store, to {real}: not followed")


class Zip:
    """One zip file with uncompressed members, read only."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        with _explained(self.name):
            self._file = zipfile.ZipFile(path)
        size = path.stat().st_size
        self._members = {member.filename: member for member in self._file.infolist()}
        for member in self._members.values():
            if member.compress_type != zipfile.ZIP_STORED or member.file_size > size or member.flag_bits & 1:
                raise StoreError(
                    f"{self.name}: {member.filename!r:.80} is compressed or larger than the file; a packed "
                    "run has uncompressed members"
                )

    def read(self, key: str, start: int = 0, size: int | None = None) -> bytes:
        """Return bytes of a member."""
        if key not in self._members:
            raise StoreError(f"{self.name}: {key} was to be read, but it is missing")
        member = self._members[key]
        start = max(member.file_size + start, 0) if start < 0 else start
        with _explained(f"{self.name}: {key}"), self._file.open(member) as file:
            file.seek(start)
            return file.read() if size is None else file.read(size)

    def write(self, key: str, data: bytes) -> None:  # noqa: ARG002 - as the others
        """Refuse."""
        raise StoreError(f"{self.name} was to be written, but a zip file is only read: give another path")

    def settle(self, *keys: str) -> None:
        """Nothing is written."""

    def remove(self, key: str) -> None:
        """Refuse."""
        self.write(key, b"")

    def is_there(self, key: str) -> bool:
        """Tell whether there is a member."""
        return key in self._members

    def files(self) -> Iterator[str]:
        """Yield every member."""
        yield from self._members


class Url:
    """A folder at a URL, through fsspec."""

    def __init__(self, url: str) -> None:
        fsspec: Any = require("fsspec", "store", f"{url!r:.80}")
        self.name = url
        try:
            self._files, self._root = fsspec.core.url_to_fs(url)
        except Exception as error:  # foreign code, with errors of its own
            raise StoreError(f"{url!r:.200} was to be opened, but fsspec says: {error}") from error

    def read(self, key: str, start: int = 0, size: int | None = None) -> bytes:
        """Return bytes of a file."""
        stop = None if size is None else start + size
        stop = None if start < 0 and stop is not None and stop >= 0 else stop
        with _explained(f"{self.name}/{key}"):
            data: bytes = self._files.cat_file(f"{self._root}/{key}", start=start or None, end=stop)
            return data

    def write(self, key: str, data: bytes) -> None:
        """Write a file: most places of fsspec do so at once."""
        if not hasattr(self._files, "bucket"):  # places with folders want them made
            self._files.makedirs(f"{self._root}/{key}".rpartition("/")[0], exist_ok=True)
        self._files.pipe_file(f"{self._root}/{key}", data)

    def settle(self, *keys: str) -> None:
        """Leave that to whoever keeps the files."""

    def remove(self, key: str) -> None:
        """Remove a file or a folder."""
        with suppress(FileNotFoundError):
            self._files.rm(f"{self._root}/{key}", recursive=True)

    def is_there(self, key: str) -> bool:
        """Tell whether there is a file."""
        return bool(self._files.isfile(f"{self._root}/{key}"))

    def files(self) -> Iterator[str]:
        """Yield every file."""
        inside = self._files.find(self._root)
        yield from (path[len(self._root) :].lstrip("/") for path in inside)


def open_place(path: str | os.PathLike[str]) -> Folder | Zip | Url:
    """Return where a store lies: what contains ``://`` is a URL, what is a file a zip.

    Examples
    --------
    >>> open_place("run.zarr").name
    'run.zarr'
    """
    text = os.fspath(path)
    if "://" in text:
        return Url(text.rstrip("/"))
    return Zip(Path(text)) if Path(text).is_file() else Folder(Path(text))


def synced(path: Path) -> None:
    """Have the system write a file or folder to the disk."""
    file = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Name the file in what the system says."""
    try:
        yield
    except FileNotFoundError:
        raise StoreError(f"{name} was to be read, but it is missing") from None
    except (OSError, EOFError, zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(f"{name} was to be read, but: {error}") from error
