"""An outer product in the place of a map, such as the gradient of a loss with respect to one."""

from __future__ import annotations

import numpy as np

from visualizer.attention.arrays import Array, alike, arrays_of
from visualizer.attention.blocks import Source
from visualizer.attention.changes import Watched
from visualizer.attention.given import check_array
from visualizer.attention.indices import At, take
from visualizer.errors import ShapeError


class LowRank(Watched, Source):
    """A map ``left @ right.T`` of low rank: pass it to `AttentionMap`.

    The gradient with respect to a map A is one: ``dL/dA = dL/dO @ v.T`` for the output ``O = A @ v``.

    Parameters
    ----------
    left, right
        (..., head, query, rank) and (..., key head, key, rank); query head h reads key head
        ``h // (heads // key_heads)``.

    Raises
    ------
    ShapeError
        If shapes do not fit.
    TargetError
        If a factor is neither a numpy array nor a torch tensor, or holds no real numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from visualizer.attention import AttentionMap
    >>> gradient = AttentionMap(LowRank(np.ones((1, 2, 8)), np.ones((1, 3, 8))))
    >>> gradient.numpy()
    array([[[8., 8., 8.],
            [8., 8., 8.]]])
    """

    kind = "an outer product"
    signed = True

    def __init__(self, left: Array, right: Array) -> None:
        for name, factor in (("left", left), ("right", right)):
            check_array(name, factor)
        mine, its = tuple(left.shape), tuple(right.shape)
        if len(mine) < 3 or mine[:-3] != its[:-3] or mine[-1] != its[-1] or mine[-3] % max(its[-3], 1):
            raise ShapeError(
                f"factors of shape {mine} and {its} have no product; see LowRank for what is wanted"
            )
        self.left, self.right = left, alike(left, right)
        self.group = mine[-3] // its[-3]
        self.shape = (*mine[:-1], its[-2])
        self.xp = arrays_of(left)
        self.work = self.xp.exact_dtype()
        self.dtype = left.dtype if left.dtype == self.xp.float64 else self.xp.float32
        self.count_changes()

    def tensors(self) -> list[Array]:
        """Return both factors."""
        return [self.left, self.right]

    def weights(self, at: At) -> Array:
        """Return rows of the product."""
        return self._left(at) @ self._right(at).swapaxes(-1, -2)

    def apply(self, at: At, w: Array) -> Array:
        """Return left (right.T w): never a row of the product."""
        return self._left(at) @ (self._right(at).swapaxes(-1, -2) @ self.xp.cast(w, self.work))

    def apply_t(self, at: At, u: Array) -> Array:
        """Return right (left.T u)."""
        return self._right(at) @ (self._left(at).swapaxes(-1, -2) @ self.xp.cast(u, self.work))

    def _left(self, at: At) -> Array:
        return self.xp.cast(take(self.xp, self.left, at, exact=True), self.work)

    def _right(self, at: At) -> Array:
        heads = [head // self.group for head in at[-2]]
        keys = (*at[:-2], np.asarray(heads, dtype=np.intp), range(self.shape[-1]))
        return self.xp.cast(take(self.xp, self.right, keys, exact=True), self.work)
