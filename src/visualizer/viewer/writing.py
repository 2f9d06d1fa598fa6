"""Arrays, and JSON, as they stand in a page of HTML."""

from __future__ import annotations

import base64
import gzip
import html
import json
from dataclasses import dataclass
from typing import Any

from visualizer.viewer.protocol import Blob, Dtype

SHORTER = 0.95


@dataclass(frozen=True)
class Written:
    """An array as text, which alone of it is held."""

    name: str
    dtype: Dtype
    shape: tuple[int, ...]
    text: str
    packed: bool

    @property
    def line(self) -> str:
        """The line of HTML that holds it."""
        return f"{self._opening}{self.text}</script>\n"

    @property
    def _opening(self) -> str:
        return (
            f'<script type="application/octet-stream;base64" data-blob="{html.escape(self.name)}" '
            f'data-dtype="{self.dtype}" data-shape="{",".join(map(str, self.shape))}"'
            f"{' data-gzip=1' if self.packed else ''}>"
        )

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return len(f"{self._opening}</script>\n".encode()) + len(self.text)

    def array(self) -> Any:
        """Return it as numpy has it."""
        data = base64.b64decode(self.text)
        return Blob(self.dtype, self.shape, gzip.decompress(data) if self.packed else data).array()


def written(name: str, blob: Blob) -> Written:
    r"""Return a named array as text.

    Examples
    --------
    >>> one = written("0.mean", Blob.of([1, 2], "u1"))
    >>> one.line.partition(" data-dtype")[2], one.array().tolist()
    ('="u1" data-shape="2">AQI=</script>\n', [1, 2])
    """
    packed = gzip.compress(blob.data, 6, mtime=0)
    shorter = len(packed) < SHORTER * len(blob.data)
    text = base64.b64encode(packed if shorter else blob.data).decode()
    return Written(name, blob.dtype, blob.shape, text, shorter)


def embedded(value: Any) -> str:
    r"""Return JSON that nothing in it can end: `<` is written as its number.

    Examples
    --------
    >>> embedded(["</script>"])
    '["\\u003c/script>"]'
    """
    return json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
