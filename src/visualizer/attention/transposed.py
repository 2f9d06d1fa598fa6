"""The transposed map: attention as keys receive it, an operator from queries to keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from visualizer.attention.arrays import Array

if TYPE_CHECKING:
    from visualizer.attention.operator import Operator


class Transposed:
    """``a.T``, of shape (..., key, query): multiply it by what each query gives."""

    def __init__(self, of: Operator, apply: Callable[[Any], Array]) -> None:
        self._of = of
        self._apply = apply

    @property
    def T(self) -> Operator:  # noqa: N802  numpy's name
        """The map itself."""
        return self._of

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes (..., key, query)."""
        *leading, queries, keys = self._of.shape
        return (*leading, keys, queries)

    def __matmul__(self, u: Any) -> Array:
        """Return the sum over queries of the map times ``u``: (..., key, column) for (..., query, column)."""
        return self._apply(u)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.swapaxes(self._of.__array__(dtype, copy), -1, -2)

    def __dlpack__(self, **how: Any) -> Any:
        return self._of.array().swapaxes(-1, -2).__dlpack__(**how)

    def __dlpack_device__(self) -> Any:
        return self._of.__dlpack_device__()

    def __repr__(self) -> str:
        return f"{self._of!r}.T"
