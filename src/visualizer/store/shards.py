"""Shards: chunks of an array in one file, after Zarr's codec ``sharding_indexed``, as bytes.

zarr-python reads them, but it does not write them: one write of a whole shard takes it a millisecond a small
chunk (256 chunks of 256 bytes 270 ms, here 1.1 ms; 48 chunks of 50 kB 16 ms, here 2.5 ms; zarr 3.1), and
to join shards it would decode them. Runs are read where there is no zarr: opening one imports none.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from visualizer.errors import StoreError

CHECKSUM = 4  # bytes of a crc32c
LARGEST = 2**60  # bytes
ENTRY = 16  # bytes of a chunk in the index: where it begins and how long it is, both uint64


def with_checksum(data: bytes) -> bytes:
    """Return bytes and their crc32c."""
    import google_crc32c

    return data + int(google_crc32c.value(data)).to_bytes(CHECKSUM, "little")


def checked(data: bytes, name: str) -> bytes:
    """Return bytes without the crc32c at their end.

    Raises
    ------
    StoreError
        If it is another.
    """
    import google_crc32c

    body, end = data[:-CHECKSUM], data[-CHECKSUM:]
    if len(data) < CHECKSUM or google_crc32c.value(body).to_bytes(CHECKSUM, "little") != end:
        raise StoreError(f"{name} has a part that is not what was written (its checksum is another)")
    return body


def pack(data: bytes) -> bytes:
    """Return bytes as gzip has them, the same every time."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def unpack(data: bytes, size: int, name: str) -> bytes:
    """Return what was packed, never more than ``size`` bytes.

    Raises
    ------
    StoreError
        If it is no gzip, or holds more or fewer bytes.
    """
    try:
        found = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(data, size + 1)
    except zlib.error as error:
        raise StoreError(f"{name} holds a chunk that is no gzip: {error}") from None
    if len(found) != size:
        more = "more than " if len(found) > size else ""
        raise StoreError(f"{name} holds a chunk of {more}{min(len(found), size)} bytes; wanted are {size}")
    return found


MISSING = 2**64 - 1
"""What the index says of a chunk that is not there."""


def join_shards(parts: Sequence[tuple[bytes, Sequence[int]]], missing: int = 0) -> bytes:
    """Return one file of the chunks of several pieces, given as bodies and the lengths of the chunks in them.

    ``missing`` is how many chunks the file lacks at its end.
    """
    lengths = np.array([length for _, each in parts for length in each], dtype="<u8")
    begins = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype("<u8")
    index = np.stack([begins, lengths], axis=-1).astype("<u8")
    index = np.concatenate([index, np.full((missing, 2), MISSING, "<u8")])
    return b"".join(body for body, _ in parts) + with_checksum(index.tobytes())


def read_index(data: bytes, chunks: int, name: str) -> Any:
    """Return where each chunk begins and how long it is, integers (chunk, 2), from the end of a file.

    Of chunks that are missing, and where no file reaches, it is -1.
    """
    if len(data) != chunks * ENTRY + CHECKSUM:
        raise StoreError(f"{name} ends with {len(data)} bytes; wanted is an index of {chunks} chunks")
    index = np.frombuffer(checked(data, name), dtype="<u8").reshape(chunks, 2)
    return np.where(index > LARGEST, -1, index.astype(np.int64))
