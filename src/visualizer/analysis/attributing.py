"""Relevance: which input tokens a prediction rests on, by attention times its gradient."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from visualizer.analysis.means import Floats, as_map, divided, exact, numbers, plus
from visualizer.analysis.tokens import as_rows, picked
from visualizer.attention import AttentionMap
from visualizer.attention.arrays import Array
from visualizer.errors import ShapeError


def layer_of(a: Any, gradient: Any) -> AttentionMap:
    """Return one layer's Ā = mean over heads of (∇A ⊙ A)⁺, (batch, query, key), lazy: rows by blocks.

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
    a, gradient = as_map(a), as_map(gradient)
    if a.ndim != 4 or a.shape != gradient.shape:
        raise ShapeError(
            f"a map of shape {a.shape} was given with a gradient of {gradient.shape}: wanted are two of "
            "(batch, head, query, key)"
        )
    layer: AttentionMap = (a * gradient).clip(0).heads()[:, 0]
    return layer


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
    return numbers(layer_of(a, gradient)[:, queries].array())


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
        A token, a slice, or a list of them; an int takes their axis away. All unless given: the answer is
        N × N then, and so is the memory.

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
        u = plus(u, layer.T @ u)
    return as_rows(u, is_one)


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
    equations 7 to 10. From one token no R is formed.

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
    total: Any = np.zeros((len(u), crossing[0].shape[-1], u.shape[-1]))
    for number in reversed(range(len(crossing))):
        total = plus(total, crossing[number].T @ _normalised(inside[: number + 1], u))
        u = plus(u, inside[number].T @ u)
    return as_rows(_normalised_t(outside, total), is_one)


def layers_of(maps: Iterable[Any], gradients: Iterable[Any]) -> list[AttentionMap]:
    """Return maps and gradients as layers."""
    maps, gradients = list(maps), list(gradients)
    if not maps or len(maps) != len(gradients):
        raise ShapeError(f"{len(maps)} maps were given with {len(gradients)} gradients")
    layers = [layer_of(a, gradient) for a, gradient in zip(maps, gradients, strict=True)]
    if len({layer.shape[1:] for layer in layers}) > 1:
        found = ", ".join(f"{queries} × {keys}" for _, queries, keys in (layer.shape for layer in layers))
        raise ShapeError(f"relevance takes maps of one size, but these are of {found}")
    return layers


def _picked(layers: Sequence[AttentionMap], queries: Any) -> tuple[Array, bool]:
    batch, tokens, keys = layers[0].shape
    if tokens != keys:
        raise ShapeError(f"self-attention has as many queries as keys, but here are {tokens} and {keys}")
    return picked(batch, tokens, queries)


def _normalised(layers: Sequence[AttentionMap], x: Array) -> Array:
    """Return R̄ x."""
    return plus(x, divided(_beyond(layers, x), _sums(layers)))


def _normalised_t(layers: Sequence[AttentionMap], u: Array) -> Array:
    """Return R̄ᵀ u."""
    return plus(u, _beyond([layer.T for layer in reversed(layers)], divided(u, _sums(layers))))


def _beyond(layers: Sequence[Any], x: Array) -> Array:
    """Return (R − I) x, in which nothing cancels; the first layer acts first."""
    first, *others = layers
    out = exact(first @ x)
    for layer in others:
        out = plus(out, layer @ plus(x, out))
    return out


def _sums(layers: Sequence[AttentionMap]) -> Array:
    """Return the sums of the rows of R − I, (batch, token, 1)."""
    batch, tokens, _ = layers[0].shape
    return _beyond(layers, np.ones((batch, tokens, 1)))
