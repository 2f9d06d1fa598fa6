"""Attention rollout: what of the input reaches a token through all layers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from visualizer.analysis.means import Floats, as_map, divided, exact
from visualizer.analysis.parts import smallest, summed
from visualizer.analysis.tokens import as_rows, picked
from visualizer.attention import AttentionMap
from visualizer.attention.arrays import Array, arrays_of
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
        A token, a slice, or a list of them; an int takes their axis away. All unless given: the answer is
        N × N then, and so is the memory.
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
        if fusion == "mean" and not discard:
            u = _through(a, u, residual)
        else:
            u = _by_rows(a, u, residual, discard)
    return as_rows(u, is_one)


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


def _through(a: AttentionMap, u: Array, residual: float) -> Array:
    """Return Âᵀ u for (batch, token, column)."""
    sums = 1 - (1 - residual) * exact(a.rest)[:, 0, :, None]
    u = divided(u, sums)
    return residual * u + (1 - residual) * exact(a.T @ u[:, None])[:, 0]


def _by_rows(a: AttentionMap, u: Array, residual: float, discard: float) -> Array:
    """Return Âᵀ u of rows that are formed, in which the smallest weights may be set to zero."""
    lowest = smallest(a, discard) if discard else None

    def of_rows(rows: Array, queries: slice) -> Array:
        rows = exact(_kept(rows[:, 0], queries, lowest))
        mine = divided(u[:, queries], residual + (1 - residual) * rows.sum(-1, keepdims=True))
        out = (1 - residual) * (rows.swapaxes(-1, -2) @ mine)
        out[:, queries] += residual * mine
        return out

    return summed(a, of_rows)


def _kept(rows: Array, queries: slice, lowest: Array | None) -> Array:
    """Return rows (batch, row, key) in which weights below each batch's lowest are zeros."""
    if lowest is None:
        return rows
    kept = rows >= lowest[:, None, None]
    kept[:, : int(queries.start == 0), 0] = True
    return arrays_of(rows).where(kept, rows, 0.0)
