"""Arrays that a page may ask for by name: known by shape, made when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from visualizer.errors import OptionError
from visualizer.viewer.protocol import Blob, BlobRef, Dtype


class Arrays:
    """Arrays by name.

    Examples
    --------
    >>> arrays = Arrays()
    >>> arrays.add("ones", "u1", [2], lambda: [1, 1])
    BlobRef(name='ones', dtype='u1', shape=(2,), scales=None)
    >>> arrays.blob("ones").array().tolist()
    [1, 1]
    """

    def __init__(self) -> None:
        self._makers: dict[str, tuple[Dtype, Callable[[], Any]]] = {}

    def add(self, name: str, dtype: Dtype, shape: Sequence[int], make: Callable[[], Any]) -> BlobRef:
        """Take what makes an array, and return what names it."""
        self._makers[name] = dtype, make
        return BlobRef(name, dtype, tuple(map(int, shape)))

    def blob(self, name: str) -> Blob:
        """Return an array.

        Raises
        ------
        OptionError
            If there is none of this name.
        """
        if name not in self._makers:
            raise OptionError(f"the array {name!r:.80} was asked for, which the manifest does not name")
        dtype, make = self._makers[name]
        return Blob.of(make(), dtype)


def refs_of(told: Any) -> Iterator[BlobRef]:
    """Yield every array that nested parts of a manifest name."""
    if isinstance(told, BlobRef):
        yield told
    elif isinstance(told, list | tuple):
        for one in told:
            yield from refs_of(one)
    elif hasattr(told, "__dataclass_fields__"):
        for name in told.__dataclass_fields__:
            yield from refs_of(getattr(told, name))
