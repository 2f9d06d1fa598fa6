"""Arrays as answers of HTTP: whole, packed where that is shorter, or the part that was asked for."""

from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING

from starlette.responses import Response

from visualizer.viewer.protocol import Blob

if TYPE_CHECKING:
    from starlette.datastructures import Headers

RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
TRIED = 2**16  # bytes that are packed to see whether the rest is worth it
SMALL = 2**10
SHORTER = 0.8


def sent(blob: Blob, asked: Headers) -> Response:
    """Return the answer that gives an array, with `X-Dtype` and `X-Shape`, to a request of some headers."""
    headers = {"X-Dtype": blob.dtype, "X-Shape": ",".join(map(str, blob.shape)), "Accept-Ranges": "bytes"}
    if blob.sampled is not None:
        headers["X-Sampled"] = str(blob.sampled)
    part = None if "if-range" in asked else asked.get("range")  # there is nothing to compare with
    found = part_of(part, blob.nbytes) if part else None
    if found is None:
        return packed(blob.data, "application/octet-stream", asked, headers)
    if not found:
        return Response(status_code=416, headers=headers | {"Content-Range": f"bytes */{blob.nbytes}"})
    headers["Content-Range"] = f"bytes {found.start}-{found.stop - 1}/{blob.nbytes}"
    return Response(blob.data[found.start : found.stop], 206, headers, "application/octet-stream")


def part_of(header: str, size: int) -> range | None:
    """Return which of so many bytes a `Range` asks for, none where it asks beyond the end; None for all.

    Several parts, or other units, may be answered with all.

    Examples
    --------
    >>> part_of("bytes=2-3", 9), part_of("bytes=-3", 9), part_of("bytes=9-", 9), part_of("bytes=0-1,4-5", 9)
    (range(2, 4), range(6, 9), range(0, 0), None)
    """
    found = RANGE.fullmatch(header.replace(" ", ""))
    if found is None or not any(found.groups()):
        return None
    first, last = (int(number) if number else None for number in found.groups())
    if first is None:
        return range(max(0, size - (last or 0)), size)
    if last is not None and last < first:
        return None
    stop = size if last is None else min(last + 1, size)
    return range(first, stop) if first < size else range(0)


def packed(data: bytes, kind: str, asked: Headers, headers: dict[str, str] | None = None) -> Response:
    """Return bytes as an answer, in gzip where the client takes it and it is shorter."""
    headers = {"Vary": "Accept-Encoding", **(headers or {})}
    if "gzip" in asked.get("accept-encoding", "") and is_worth_packing(data):
        data, headers["Content-Encoding"] = gzip.compress(data, 1, mtime=0), "gzip"
    return Response(data, 200, headers, kind)


def is_worth_packing(data: bytes) -> bool:
    """Tell by a part of it whether bytes become shorter.

    Examples
    --------
    >>> is_worth_packing(bytes(10_000)), is_worth_packing(b"short")
    (True, False)
    """
    middle = max(0, len(data) - TRIED) // 2
    tried = data[middle : middle + TRIED]
    return len(data) > SMALL and len(gzip.compress(tried, 1)) < SHORTER * len(tried)
