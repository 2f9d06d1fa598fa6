"""How the pieces of a store's arrays lie in files: a row of an array for each, chunks by head where large."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from math import prod
from typing import Any, NamedTuple

import numpy as np

from visualizer.errors import StoreError, require
from visualizer.store.kinds import FOREIGN, name_of, raw_dtype
from visualizer.store.places import Place
from visualizer.store.shards import (
    CHECKSUM,
    ENTRY,
    checked,
    pack,
    read_index,
    unpack,
    with_checksum,
)

BY_HEAD = {"q", "k", "v", "array", "logits", "left", "right", "output"}
"""Roles whose axes begin with batch and head."""
UNPACKED = {"q", "k", "v", "left", "right", "output"}
"""Roles whose numbers no packing makes smaller."""
SMALL = 4096
"""Bytes of one head below which heads share a chunk."""
FILE, TOGETHER = 2**20, 256
"""Bytes, more or less, and pieces at most of a file that is written while calls come."""


class Slot(NamedTuple):
    """Whose arrays follow one another: a module's, of one role, joined along an axis."""

    module: str
    role: str
    axis: int


@dataclass
class Layout:
    """One array of a store: pieces of one shape, one after another.

    Attributes
    ----------
    id
        Number of the array; it lies in ``arrays/<id>``.
    role, module
        What its pieces are, such as "q", and whose.
    shape, dtype
        Of one piece.
    axis
        Along which pieces are joined into a strip, counted from the last.
    split
        How many of its first axes are cut into chunks of one: 2 where each head is a chunk.
    packed
        Whether chunks are gzip.
    per_shard
        How many pieces one file holds.
    """

    id: int
    role: str
    module: str
    shape: tuple[int, ...]
    dtype: str
    axis: int = -2
    split: int = 0
    packed: bool = False
    per_shard: int = 1
    indices: dict[int, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, id: int, slot: Slot, array: Any) -> Layout:  # noqa: A002
        """Choose how pieces like an array lie."""
        shape = tuple(map(int, array.shape))
        size = prod(shape[2:]) * raw_dtype(name_of(array)).itemsize
        split = 2 if slot.role in BY_HEAD and len(shape) > 3 and size >= SMALL and prod(shape[:2]) > 1 else 0
        per_shard = max(1, min(TOGETHER, FILE // max(prod(shape[:2]) * size, 1)))
        module, role, axis = slot
        return cls(id, role, module, shape, name_of(array), axis, split, role not in UNPACKED, per_shard)

    @property
    def chunks(self) -> int:
        """How many chunks a piece has."""
        return prod(self.shape[: self.split])

    @property
    def chunk_bytes(self) -> int:
        """How many bytes a chunk has before it is packed."""
        return prod(self.shape[self.split :]) * int(raw_dtype(self.dtype).itemsize)

    def key(self, shard: int) -> str:
        """Return the file of a shard."""
        return f"arrays/{self.id}/" + ".".join(["c", str(shard), *["0"] * len(self.shape)])

    def encoded(self, raw: Any) -> tuple[bytes, list[int]]:
        """Return the chunks of one piece, given its bits, as files have them, and their lengths."""
        parts = np.ascontiguousarray(raw).reshape(self.chunks, -1)
        chunks = [self._chunk(part.tobytes()) for part in parts]
        return b"".join(chunks), [len(chunk) for chunk in chunks]

    def _chunk(self, data: bytes) -> bytes:
        return with_checksum(pack(data) if self.packed else data)

    def pieces(self, place: Place, rows: Sequence[int], lead: tuple[slice, ...] | None = None) -> list[Any]:
        """Return the bits of pieces, as `piece` does; a file is read once of those that lie beside others."""
        found: list[Any] = []
        for _, of_file in groupby(rows, lambda row: row // self.per_shard):
            near = list(of_file)
            spans = [self.chunks_of(place, row)[1] for row in near]
            begin = min(int(span[:, 0].min()) for span in spans)
            end = max(int(span.sum(-1).max()) for span in spans)
            wanted = sum(int(span[:, 1].sum()) for span in spans)
            if self.split or end - begin > 2 * wanted:
                found += [self.piece(place, row, lead) for row in near]
                continue
            key = self.key(near[0] // self.per_shard)
            data = self._read(place, key, begin, end)
            for ((at, length),) in spans:
                bits = self._opened(data[at - begin : at - begin + length], f"{place.name}/{key}")
                whole = np.frombuffer(bits, raw_dtype(self.dtype)).reshape(self.shape)
                found.append(whole if lead is None else whole[lead])
        return found

    def piece(self, place: Place, row: int, lead: tuple[slice, ...] | None = None) -> Any:
        """Return the bits of one piece, or of some batch rows and heads of it."""
        key, mine = self.chunks_of(place, row)
        grid = np.arange(self.chunks).reshape(self.shape[: self.split])
        wanted = grid[lead] if self.split and lead is not None else grid
        numbers = wanted.reshape(-1)
        begin, end = int(mine[numbers, 0].min()), int(mine[numbers].sum(-1).max())
        data = self._read(place, key, begin, end)
        parts = [data[int(at) - begin : int(at + length) - begin] for at, length in mine[numbers]]
        raw = b"".join(self._opened(part, f"{place.name}/{key}") for part in parts)
        found = np.frombuffer(raw, raw_dtype(self.dtype)).reshape((*wanted.shape, *self.shape[self.split :]))
        if self.split or lead is None:
            return found
        return found[lead]

    def _read(self, place: Place, key: str, begin: int, end: int) -> bytes:
        data = place.read(key, begin, end - begin)
        if len(data) != end - begin:
            found = f"{len(data)} bytes from {begin} on"
            raise StoreError(f"{place.name}/{key} is cut short: {found}; wanted are {end - begin}")
        return data

    def _opened(self, data: bytes, name: str) -> bytes:
        body = checked(data, name)
        if self.packed:
            return unpack(body, self.chunk_bytes, name)
        if len(body) != self.chunk_bytes:
            raise StoreError(f"{name} holds a chunk of {len(body)} bytes; wanted are {self.chunk_bytes}")
        return body

    def chunks_of(self, place: Place, row: int) -> tuple[str, Any]:
        """Return the file of a piece, and where its chunks lie in it."""
        shard, inner = divmod(row, self.per_shard)
        mine = self.index(place, shard)[inner * self.chunks : (inner + 1) * self.chunks]
        if (mine < 0).any():
            raise StoreError(f"{place.name}/{self.key(shard)} lacks a chunk of piece {row}")
        return self.key(shard), mine

    def index(self, place: Place, shard: int) -> Any:
        """Return where the chunks of a shard lie."""
        if shard not in self.indices:
            chunks, name = self.per_shard * self.chunks, f"{place.name}/{self.key(shard)}"
            if chunks > MOST_CHUNKS:
                raise StoreError(f"{name} is said to hold {chunks} chunks; at most {MOST_CHUNKS} are read")
            size = chunks * ENTRY + CHECKSUM
            self.indices[shard] = read_index(place.read(self.key(shard), -size, size), chunks, name)
        return self.indices[shard]

    def to_json(self) -> dict[str, Any]:
        """Return what the log says of it."""
        return {
            "type": "array",
            **{name: getattr(self, name) for name in FIELDS},
            "shape": list(self.shape),
        }

    def described(self, rows: int) -> bytes:
        """Return ``zarr.json`` of the array, for so many pieces, as zarr-python writes it."""
        dtype = FOREIGN.get(self.dtype, self.dtype)
        about = json.loads(_zarr_json(self.shape, dtype, self.split, self.packed, self.per_shard))
        about["shape"][0] = rows
        about["attributes"] = {"visualizer": {**self.to_json(), "version": 1}}
        return json.dumps(about).encode()


@lru_cache(256)
def _zarr_json(shape: tuple[int, ...], dtype: str, split: int, packed: bool, per_shard: int) -> bytes:
    """Return what zarr-python writes of an array of one piece: it takes some milliseconds."""
    zarr: Any = require("zarr", "store", "A store")
    from zarr.codecs import Crc32cCodec, GzipCodec

    held: dict[str, Any] = {}
    filled = [max(length, 1) for length in shape]  # a chunk has a place at least
    zarr.create_array(
        zarr.storage.MemoryStore(held),
        shape=(1, *shape),
        shards=(per_shard, *filled),
        chunks=(1, *[1] * split, *filled[split:]),
        dtype=dtype,
        compressors=[GzipCodec(level=1), Crc32cCodec()] if packed else [Crc32cCodec()],
        fill_value=0,
        chunk_key_encoding={"name": "default", "separator": "."},  # one folder for all
        dimension_names=["call", *["batch", "head"][:split], *[None] * (len(shape) - split)],
    )
    return bytes(held["zarr.json"].to_bytes())


MOST_CHUNKS = 2**24
FIELDS = ("id", "role", "module", "dtype", "axis", "split", "packed", "per_shard")


def read_layout(line: dict[str, Any], number: int) -> Layout:
    """Return an array as the log says it is.

    Raises
    ------
    StoreError
        If a number of it cannot be.
    """
    shape, split, dtype = line.get("shape"), line.get("split"), line.get("dtype")
    right = (
        line.get("id") == number
        and isinstance(shape, list)
        and len(shape) <= 32
        and all(type(one) is int and 0 <= one < 2**40 for one in shape)
        and prod(shape) < 2**50
        and type(split) is int
        and split in (0, 2)
        and split <= len(shape)
        and isinstance(dtype, str)
        and dtype in DTYPES
        and type(line.get("packed")) is bool
        and type(line.get("axis")) is int
        and line["axis"] in (-1, -2)
        and type(line.get("per_shard")) is int
        and 0 < line["per_shard"] <= MOST_CHUNKS
        and isinstance(line.get("role"), str)
        and isinstance(line.get("module"), str)
    )
    if not right:
        raise StoreError(f"array {number} is said to be {json.dumps(line):.200}, which no array can be")
    return Layout(**{**{name: line[name] for name in FIELDS}, "shape": tuple(line["shape"])})


DTYPES = (
    {*FOREIGN, "bool", "complex64", "complex128"}
    | {f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)}
    | {f"float{bits}" for bits in (16, 32, 64)}
)
