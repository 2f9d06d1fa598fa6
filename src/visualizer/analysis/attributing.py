"""Relevance: which input tokens a prediction rests on, by attention times its gradient."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from visualizer.analysis.means import Floats, as_map, divided
from visualizer.analysis.parts import parts_of
from visualizer.analysis.tokens import picked
from visualizer.errors import ShapeError


class Layer:
    """One layer's Ā = mean over heads of (∇A ⊙ A)⁺, applied without being formed.

    Chefer et al. 2021, "Generic Attention-model Explainability for Interpreting Bi-Modal and Encoder-Decoder
    Transformers", equation 5.

    Parameters
    ----------
    a, gradient
        A map (batch, head, query, key), and the gradient of what is to be explained with respect to it.

    Raises
    ------
    ShapeError
        If their shapes differ, or have other axes.
    """

    def __init__(self, a: Any, gradient: Any) -> None:
        a, gradient = as_map(a), as_map(gradient)
        if a.ndim != 4 or a.shape != gradient.shape:
            raise ShapeError(
                f"a map of shape {a.shape} was given with a gradient of {gradient.shape}: wanted are two of "
                "(batch, head, query, key)"
            )
        self.product = a * gradient
        self.queries, self.keys = a.shape[-2:]

    def rows(self, queries: Any = slice(None)) -> Floats:
        """Return some rows of Ā, (batch, query, key)."""
        rows = self.product[..., queries, :].numpy().astype(np.float64)
        return np.asarray(rows.clip(0).mean(1))

    def apply(self, x: Floats) -> Floats:
        """Return Ā x, (batch, query, column) for (batch, key, column)."""
        return np.concatenate([rows @ x for rows, _ in self._parts()], 1)

    def apply_t(self, u: Floats) -> Floats:
        """Return Āᵀ u, (batch, key, column) for (batch, query, column)."""
        out = np.zeros((len(u), self.keys, u.shape[-1]))
        for rows, queries in self._parts():
            out += rows.swapaxes(-1, -2) @ u[:, queries]
        return out

    def _parts(self) -> Iterable[tuple[Floats, slice]]:
        for part in parts_of(self.product):
            yield part.rows.clip(0).mean(1, dtype=np.float64), part.queries


def attention_times_gradient(a: Any, gradient: Any, queries: Any = slice(None)) -> Floats:
    """Return rows of one layer's map times its gradient, what is positive of it, heads averaged.

    (batch, query, key); Chefer et al. 2021, equation 5. An int for ``queries`` takes their axis away.

    Examples
    --------
    >>> import numpy as np
    >>> a, g = np.full((1, 2, 1, 2), 0.5), np.array([[[[1.0, -1.0]], [[3.0, 1.0]]]])
    >>> attention_times_gradient(a, g, 0).tolist()
    [[1.0, 0.25]]
    """
    return Layer(a, gradient).rows(queries)


def relevance(maps: Iterable[Any], gradients: Iterable[Any], queries: Any = None) -> Floats:
    """Return how relevant each input token is to tokens of the last layer, (batch, query, key).

    Rows of R, where R ← R + Ā R for each layer: Chefer et al. 2021, equation 6. A class token's row explains
    a classifier, the row of the position that predicts it a generated token. From one token it is
    u ← u + Āᵀ u from the last layer to the first, which forms no map.

    Parameters
    ----------
    maps, gradients
        Self-attention, from the first layer to the last: ``run["blocks.*"]`` and
        ``run.gradients(logits[0, 3])["blocks.*"]`` of ``capture(model, gradients=True)``.
    queries
        A token, a slice, or a list of them; an int takes their axis away. All unless given: N × N then.

    Raises
    ------
    ShapeError
        If the maps are not square, not of one size, or fewer or more than the gradients.
    OptionError
        If there are no such tokens.

    Examples
    --------
    >>> import numpy as np
    >>> a, g = np.array([[[[1.0, 0.0], [0.5, 0.5]]]]), np.ones((1, 1, 2, 2))
    >>> relevance([a], [g], 1).tolist()
    [[0.5, 1.5]]
    """
    layers = layers_of(maps, gradients)
    u, is_one = _picked(layers, queries)
    for layer in reversed(layers):
        u = u + layer.apply_t(u)
    return _rows(u, is_one)


def cross_relevance(
    cross: tuple[Iterable[Any], Iterable[Any]],
    decoder: tuple[Iterable[Any], Iterable[Any]],
    encoder: tuple[Iterable[Any], Iterable[Any]],
    queries: Any = None,
) -> Floats:
    """Return how relevant each token of the encoder is to tokens of the decoder, (batch, query, key).

    Rows of R^sq, s the decoder and q the encoder: R^sq ← R^sq + Ā R^sq for its self-attention, R^sq ← R^sq +
    (R̄^ss)ᵀ Ā R̄^qq for its cross-attention, where R̄ is R with what is not the identity normalised to 1 by
    rows; rows of zeros stay zeros, where the authors' code lets go of the layer. Chefer et al. 2021,
    equations 7 to 10. No R is formed.

    Parameters
    ----------
    cross, decoder, encoder
        Maps and their gradients, from the first layer to the last, as many of cross-attention as of the
        decoder's self-attention, which comes before it in each layer.
    queries
        As for `relevance`.

    Raises
    ------
    ShapeError
        If maps and gradients do not fit one another.
    """
    crossing, inside, outside = (layers_of(*pair) for pair in (cross, decoder, encoder))
    if len(crossing) != len(inside):
        raise ShapeError(
            f"{len(crossing)} maps of cross-attention were given with {len(inside)} of the decoder"
        )
    u, is_one = _picked(inside, queries)
    total = np.zeros((len(u), crossing[0].keys, u.shape[-1]))
    for number in reversed(range(len(crossing))):
        total += crossing[number].apply_t(_normalised(inside[: number + 1], u))
        u = u + inside[number].apply_t(u)
    return _rows(_normalised_t(outside, total), is_one)


def layers_of(maps: Iterable[Any], gradients: Iterable[Any]) -> list[Layer]:
    """Return maps and gradients as layers."""
    maps, gradients = list(maps), list(gradients)
    if not maps or len(maps) != len(gradients):
        raise ShapeError(f"{len(maps)} maps were given with {len(gradients)} gradients")
    layers = [Layer(a, gradient) for a, gradient in zip(maps, gradients, strict=True)]
    if len({(layer.queries, layer.keys) for layer in layers}) > 1:
        found = ", ".join(f"{layer.queries} × {layer.keys}" for layer in layers)
        raise ShapeError(f"relevance takes maps of one size, but these are of {found}")
    return layers


def _picked(layers: Sequence[Layer], queries: Any) -> tuple[Floats, bool]:
    first = layers[0]
    if first.queries != first.keys:
        raise ShapeError(
            f"self-attention has as many queries as keys, but here are {first.queries} and {first.keys}"
        )
    return picked(first.product.shape[0], first.queries, queries)


def _rows(u: Floats, is_one: bool) -> Floats:
    return u[..., 0] if is_one else u.swapaxes(-1, -2)


def _normalised(layers: Sequence[Layer], x: Floats) -> Floats:
    """Return R̄ x."""
    return divided(_beyond(layers, x), _sums(layers)) + x


def _normalised_t(layers: Sequence[Layer], u: Floats) -> Floats:
    """Return R̄ᵀ u."""
    shared = divided(u, _sums(layers))
    out = np.zeros_like(u)
    for layer in reversed(layers):
        out = out + layer.apply_t(shared + out)
    return out + u


def _beyond(layers: Sequence[Layer], x: Floats) -> Floats:
    """Return (R − I) x, in which nothing cancels; the first layer acts first."""
    out = np.zeros_like(x)
    for layer in layers:
        out = out + layer.apply(x + out)
    return out


def _sums(layers: Sequence[Layer]) -> Floats:
    """Return the sums of the rows of R − I, (batch, token, 1)."""
    return _beyond(layers, np.ones((layers[0].product.shape[0], layers[0].queries, 1)))
