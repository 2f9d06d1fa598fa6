"""What the page is told of a run, as plain data: `web/src/protocol.ts` has the same types, field by field.

Every map, axis and image is named by its place in a list, every array by a name that is asked for later.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Literal

import numpy as np

VERSION = 1

Dtype = Literal["f2", "f4", "u1", "i2"]


@dataclass(frozen=True)
class BlobRef:
    """An array that can be asked for: little-endian, the last axis running fastest.

    ``scales``, one for each place of the last axis, are what whole numbers ("i2") are to be multiplied by.
    """

    name: str
    dtype: Dtype
    shape: tuple[int, ...]
    scales: list[float] | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of the array."""
        return int(np.prod(self.shape, dtype=np.int64)) * int(self.dtype[1])


@dataclass(frozen=True)
class Blob:
    """An array that is sent; ``sampled`` says how many rows of each bin were read, where not all were."""

    dtype: Dtype
    shape: tuple[int, ...]
    data: bytes
    sampled: int | None = None

    @classmethod
    def of(cls, array: Any, dtype: Dtype = "f4", sampled: int | None = None) -> Blob:
        r"""Return an array as it is sent.

        Examples
        --------
        >>> Blob.of([[0.5, 1.0]], "f2")
        Blob(dtype='f2', shape=(1, 2), data=b'\x008\x00<', sampled=None)
        """
        sent = np.ascontiguousarray(np.asarray(array), np.dtype(f"<{dtype}"))
        return cls(dtype, sent.shape, sent.tobytes(), sampled)

    @property
    def nbytes(self) -> int:
        """Bytes of the array."""
        return len(self.data)

    def array(self) -> Any:
        """Return it as numpy has it."""
        return np.frombuffer(self.data, np.dtype(f"<{self.dtype}")).reshape(self.shape)


@dataclass(frozen=True)
class RunInfo:
    """A run: its name, where it lies, what made it, and how its maps compared with the model's outputs."""

    name: str
    path: str | None
    facts: list[tuple[str, str]]
    checks: str


@dataclass(frozen=True)
class AxisInfo:
    """What the tokens along one side of maps are: segments with ``kind``, ``begin``, ``length`` and more.

    A grid's ``image`` is the place of its image in the list of all; ``images`` of frames or of a volume are
    those of each step, ``names`` say which frames or slices each stands for.
    """

    length: int
    segments: list[dict[str, Any]]


@dataclass(frozen=True)
class ImageInfo:
    """An image (height, width, 3) as it is shown, which may be smaller than it was; ``box`` is in its pixels.

    ``width`` and ``height`` are those of the original, ``box`` is the part that the model was given.
    """

    blob: BlobRef
    width: int
    height: int
    box: tuple[float, float, float, float]
    note: str


@dataclass(frozen=True)
class HeadFactors:
    """A head's queries (query, d), times the scale, and its keys (key, d)."""

    q: BlobRef
    k: BlobRef


@dataclass(frozen=True)
class BandInfo:
    """Query i sees key j if ``i + diagonal - left <= j <= i + diagonal + right``; None: no bound."""

    left: int | None
    right: int | None
    diagonal: int | list[int]


@dataclass(frozen=True)
class Factored:
    """Rows are computed in the page: softmax of q k, soft cap, plus bias, where mask and band allow.

    ``heads`` are in the order of rows of the batch, then heads; None where one was left out.
    """

    heads: list[HeadFactors | None]
    softcap: float | None = None
    bias: BlobRef | None = None
    mask: BlobRef | None = None
    band: BandInfo | None = None
    sinks: list[float] | None = None
    kind: Literal["factors"] = "factors"


@dataclass(frozen=True)
class Formed:
    """Rows are in the page, (query, key) for each head; ``queries`` lists them where they are not all.

    ``band`` has the keys that queries see, where that is known.
    """

    heads: list[BlobRef | None]
    queries: list[int] | None = None
    band: BandInfo | None = None
    kind: Literal["dense"] = "dense"


@dataclass(frozen=True)
class Served:
    """Rows are asked for."""

    kind: Literal["served"] = "served"


@dataclass(frozen=True)
class Absent:
    """There are no rows, and why."""

    why: str
    kind: Literal["none"] = "none"


@dataclass(frozen=True)
class Later:
    """How the page comes by rows is asked for when the map is looked at: see `Details`."""

    kind: Literal["later"] = "later"


Rows = Factored | Formed | Served | Absent | Later


@dataclass(frozen=True)
class Overview:
    """Every head in few cells, (batch, head, h, w), means and maxima; of so many rows a bin, or of all."""

    mean: BlobRef
    max: BlobRef
    sampled: int | None


@dataclass(frozen=True)
class Padding:
    """Queries (batch, query) that are padding, keys (batch, key) that no query may see, 1 in u1; or None."""

    queries: BlobRef | None
    keys: BlobRef | None


@dataclass(frozen=True)
class Details:
    """What of a map takes reading it, and is told with it or asked for when it is looked at."""

    rows: Rows
    padding: Padding | None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it; what is not finite as None."""
        found: dict[str, Any] = plain(self)
        return found


@dataclass(frozen=True)
class MapInfo:
    """One map: of a call, or of the calls that continue one sequence. ``shape``: batch, head, query, key.

    ``signed`` maps are no shares of one, such as gradients, and have no metrics. ``ids`` names the rows of
    the batch, where they were given names. ``options`` name the map for `visualizer.plots`. ``steps`` has the
    first query of each of the calls, of several; ``grows`` tells that their queries are keys of the next.
    """

    id: int
    run: int
    path: str
    layer: int
    call: int
    order: int
    step: int
    item: str | None
    ids: list[str] | None
    steps: list[int] | None
    grows: bool
    shape: tuple[int, int, int, int]
    how: str
    note: str
    error: float | None
    queries: list[int]
    keys: list[int]
    places: list[int] | None
    signed: bool
    padding: Padding | None
    rows: Rows
    overview: Overview | None
    metrics: BlobRef | None
    options: dict[str, str | int]


@dataclass(frozen=True)
class SamplingInfo:
    """One call of deformable attention: its queries read the levels of a feature map at points.

    ``shape`` is (batch, query, head, point), the points in the order of the ``levels`` (height, width), which
    have so many ``counts``. ``points`` are f4 (query, head, point, 3) for each row of the batch, ``each``
    queries in an array: x and y in shares of the image, from the top left, and the weight. ``images`` are the
    places of the image of each row; the rest is as of maps.
    """

    id: int
    run: int
    path: str
    call: int
    item: str | None
    ids: list[str] | None
    how: str
    note: str
    shape: tuple[int, int, int, int]
    levels: list[tuple[int, int]]
    counts: list[int]
    queries: list[int]
    images: list[int | None]
    each: int
    points: list[list[BlobRef | None]]
    options: dict[str, str | int]


@dataclass(frozen=True)
class Measure:
    """A column of metrics."""

    name: str
    unit: str
    about: str


@dataclass(frozen=True)
class Manifest:
    """All that the page is told before it asks."""

    title: str
    runs: list[RunInfo]
    axes: list[AxisInfo]
    images: list[ImageInfo]
    maps: list[MapInfo]
    samplings: list[SamplingInfo]
    measures: list[Measure]
    omitted: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    served: bool = False
    protocol: int = VERSION

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it; what is not finite as None."""
        found: dict[str, Any] = plain(self)
        return found


def plain(told: Any) -> Any:
    """Return what is told as JSON has it; what is not finite as None.

    Examples
    --------
    >>> plain([BandInfo(None, 0, 2), float("inf")])
    [{'left': None, 'right': 0, 'diagonal': 2}, None]
    """
    if isinstance(told, float):
        return told if isfinite(told) else None
    if told is None or isinstance(told, str | int):
        return told
    if isinstance(told, dict):
        return {name: plain(one) for name, one in told.items()}
    if isinstance(told, list | tuple):
        return [plain(one) for one in told]
    return {name: plain(getattr(told, name)) for name in told.__dataclass_fields__}
