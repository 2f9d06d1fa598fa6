"""Arrays as text inside a page: base64, of gzip where that is shorter."""

from __future__ import annotations

import base64
import gzip
from dataclasses import dataclass
from typing import Any

from visualizer.viewer.protocol import Blob, Dtype

SHORTER = 0.95


@dataclass(frozen=True)
class Written:
    """An array as text, which alone of it is held."""

    dtype: Dtype
    shape: tuple[int, ...]
    text: str
    packed: bool

    @property
    def size(self) -> int:
        """Characters."""
        return len(self.text)

    def array(self) -> Any:
        """Return it as numpy has it."""
        data = base64.b64decode(self.text)
        return Blob(self.dtype, self.shape, gzip.decompress(data) if self.packed else data).array()


def written(blob: Blob) -> Written:
    """Return an array as text.

    Examples
    --------
    >>> one = written(Blob.of([1, 2], "u1"))
    >>> one.text, one.array().tolist()
    ('AQI=', [1, 2])
    """
    packed = gzip.compress(blob.data, 6, mtime=0)
    shorter = len(packed) < SHORTER * len(blob.data)
    text = base64.b64encode(packed if shorter else blob.data).decode()
    return Written(blob.dtype, blob.shape, text, shorter)
