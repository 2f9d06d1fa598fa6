"""Attention rollout: what of the input reaches a token through all layers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualizer.analysis.means import Floats, as_map, divided, numbers
from visualizer.analysis.parts import Part, parts_of, smallest
from visualizer.analysis.tokens import picked
from visualizer.attention import AttentionMap
from visualizer.errors import OptionError, ShapeError


def rollout(
    layers: Iterable[Any],
    queries: Any = None,
    *,
    residual: float = 0.5,
    fusion: str = "mean",
    discard: float = 0.0,
) -> Floats:
    """Return how much of each input token reaches tokens of the last layer, (batch, query, key).

    Each layer is Â = residual · I + (1 − residual) · A, A its heads' mean, rows normalised to 1; rows of
    zeros stay zeros. The result is rows of Â_L … Â_1: Abnar & Zuidema 2020, "Quantifying Attention Flow in
    Transformers", equation 1. From one token, uᵀ ← uᵀ Â layer by layer forms no map.

    Parameters
    ----------
    layers
        Maps (batch, head, token, token) from the first layer to the last, such as a run: ``run["blocks.*"]``.
    queries
        A token, a slice, or a list of them; an int takes their axis away. All unless given: N × N then.
    residual
        The share of the residual connection.
    fusion
        "mean", "max" or "min" over heads; of the latter two rows are formed, some at a time.
    discard
        Share, 0 to 1, of the smallest weights of each layer's fused map that are set to 0, but for the first
        token's on itself. Gildenblat 2020, https://github.com/jacobgil/vit-explain, ``discard_ratio``; where
        that divides columns by the sums of rows, this divides rows.

    Raises
    ------
    OptionError
        If a share is not from 0 to 1, ``fusion`` is another word, or there are no such tokens.
    ShapeError
        If the maps are not square, or not of one size: rollout has no rule for stages and cross-attention.

    Examples
    --------
    >>> import numpy as np
    >>> a = np.array([[[[1.0, 0.0], [0.5, 0.5]]]])
    >>> rollout([a, a], 1).tolist()
    [[0.4375, 0.5625]]
    """
    for name, share in {"residual": residual, "discard": discard}.items():
        if not 0 <= share <= 1:
            raise OptionError(f"rollout({name}={share!r}) was asked for; it is a share, from 0 to 1")
    fused = [as_map(layer).heads(fusion) for layer in layers]
    batch, tokens = _size(fused)
    u, is_one = picked(batch, tokens, queries)
    for a in reversed(fused):
        u = _discarding(a, u, residual, discard) if discard else _through(a, u, residual)
    return u[..., 0] if is_one else u.swapaxes(-1, -2)


def _size(fused: Sequence[AttentionMap]) -> tuple[int, int]:
    """Return batch and tokens."""
    shapes = {a.shape for a in fused}
    if len(shapes) != 1 or any(len(shape) != 4 or shape[-1] != shape[-2] for shape in shapes):
        found = ", ".join(map(str, sorted(shapes))) or "no map"
        raise ShapeError(
            f"rollout takes maps (batch, head, token, token) of one size, one a layer; found, heads "
            f"fused, {found}"
        )
    batch, _, tokens, _ = shapes.pop()
    return batch, tokens


def _through(a: AttentionMap, u: Floats, residual: float) -> Floats:
    """Return Âᵀ u for (batch, token, column)."""
    sums = 1 - (1 - residual) * numbers(a.rest)[:, 0]
    u = divided(u, sums[..., None])
    received = numbers(a.T @ u[:, None].astype(np.float32))[:, 0]
    return residual * u + (1 - residual) * received


def _discarding(a: AttentionMap, u: Floats, residual: float, discard: float) -> Floats:
    """Return Âᵀ u where the smallest weights are zeros."""
    lowest = smallest(a, discard)
    out = np.zeros_like(u)
    for part in parts_of(a):
        rows = _kept(part, lowest)
        mine = divided(u[:, part.queries], residual + (1 - residual) * rows.sum(-1, keepdims=True))
        out[:, part.queries] += residual * mine
        out += (1 - residual) * (rows.swapaxes(-1, -2) @ mine)
    return out


def _kept(part: Part, lowest: NDArray[np.float32]) -> Floats:
    """Return rows (batch, row, key) in which weights below each batch's lowest are zeros."""
    rows = part.rows[:, 0]
    kept = rows >= lowest[:, None, None]
    kept[:, : int(part.queries.start == 0), 0] = True
    found: Floats = np.where(kept, rows, 0).astype(np.float64)
    return found
