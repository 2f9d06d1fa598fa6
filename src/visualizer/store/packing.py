"""A finished run in one zip file, its members uncompressed, so that parts of them can be read."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

from visualizer.store.locks import NAME
from visualizer.store.places import PART, Folder, synced

MADE = (1980, 1, 1, 0, 0, 0)  # the same run gives the same file


def pack(folder: str | os.PathLike[str], file: str | os.PathLike[str]) -> None:
    """Move a folder into a zip file."""
    place, part = Folder(Path(folder)), Path(f"{os.fspath(file)}{PART}")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as packed:
            for key in place.files():
                if key != NAME:
                    member = zipfile.ZipInfo(key, MADE)
                    with (
                        packed.open(member, "w", force_zip64=True) as into,
                        (place.root / key).open("rb") as source,
                    ):
                        while block := source.read(2**20):
                            into.write(block)
        synced(part)  # before what it was made of is removed
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    shutil.rmtree(folder)
