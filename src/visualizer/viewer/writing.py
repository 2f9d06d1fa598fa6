"""Arrays as text inside a page: base64, of gzip where that is shorter."""

from __future__ import annotations

import base64
import gzip
from dataclasses import dataclass

from visualizer.viewer.protocol import Blob

SHORTER = 0.95


@dataclass(frozen=True)
class Written:
    """An array as text."""

    blob: Blob
    text: str
    packed: bool

    @property
    def size(self) -> int:
        """Characters."""
        return len(self.text)


def written(blob: Blob) -> Written:
    """Return an array as text.

    Examples
    --------
    >>> written(Blob.of([1, 2], "u1")).text
    'AQI='
    """
    packed = gzip.compress(blob.data, 6, mtime=0)
    shorter = len(packed) < SHORTER * len(blob.data)
    return Written(blob, base64.b64encode(packed if shorter else blob.data).decode(), shorter)
