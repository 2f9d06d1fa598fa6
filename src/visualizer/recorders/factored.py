"""Calls that are more than q, k and a mask: their factors, as they are held."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from visualizer.attention import Band, Factors
from visualizer.errors import OptionError
from visualizer.recorders.functions import HeldFunction
from visualizer.recorders.holding import Holder

if TYPE_CHECKING:
    from visualizer.options import Options


def held_factors(
    factors: Factors, module: Any, holder: Holder, options: Options
) -> tuple[Factors, int, int, Any]:
    """Return factors as they are held, the position of the first key, the number of the sequence, and v."""
    queries = factors.q.shape[-2]
    rows = options.rows(queries)
    key, first_key, sequence = holder.hold_keys(factors.k, (id(module), "k"), queries)
    value = None
    if factors.v is not None and (options.values or options.gradients):
        value = holder.hold_keys(factors.v, (id(module), "v"), queries)[0]
    kept = factors if rows is None else _rows(factors, rows)
    held: dict[str, Any] = {
        name: holder.hold(tensor)
        for name in ("q", "bias", "slopes", "sinks")
        if (tensor := getattr(kept, name)) is not None
    }
    if kept.segments is not None:
        held["segments"] = tuple(holder.hold(side) for side in kept.segments)
    if kept.band is not None and isinstance(kept.band.diagonal, torch.Tensor):
        held["band"] = replace(kept.band, diagonal=holder.hold(kept.band.diagonal))
    kept = replace(kept, **held, k=key, v=value if options.values else None)
    return _held_functions(kept, rows, queries), first_key, sequence, value


def _held_functions(factors: Factors, rows: Any, queries: int) -> Factors:
    shift = None if rows is None else torch.arange(queries, device=factors.q.device)[rows]
    score, mask = factors.score_mod, factors.mask_mod
    return replace(
        factors,
        score_mod=HeldFunction(score, shift, scored=True) if score is not None else None,
        mask_mod=HeldFunction(mask, shift, scored=False) if mask is not None else None,
    )


def _rows(factors: Factors, rows: Any) -> Factors:
    """Return the factors of some queries."""
    queries = factors.q.shape[-2]
    places = torch.arange(queries)[rows]
    at_end = places.tolist() == list(range(queries - len(places), queries))
    if factors.segments is not None or (factors.slopes is not None and not at_end):
        raise OptionError(
            "queries= was asked for of packed sequences, or of an ALiBi bias and not of the last queries: "
            "record all queries, and read the rows of the map"
        )
    band = factors.band
    if band is not None:
        diagonal = torch.as_tensor(band.diagonal).cpu().expand(queries)[rows]
        band = Band(diagonal + places - torch.arange(len(places)), band.left, band.right)
    bias = factors.bias
    if bias is not None and bias.shape[-2] > 1:
        bias = bias[..., rows, :]
    return replace(factors, q=factors.q[..., rows, :], band=band, bias=bias)
