"""Calls that are more than q, k and a mask: their factors, held and compared with the calls' outputs."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from visualizer.attention import Band, Factors
from visualizer.attention.softmax import FactorSource
from visualizer.errors import OptionError
from visualizer.recorders.functions import HeldFunction
from visualizer.recorders.holding import Holder

if TYPE_CHECKING:
    from visualizer.options import Options
    from visualizer.recorders.fused import FusedCall

ROWS = 2
_choice = random.Random(0)  # its own: the user's seeds stay as they are


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


def compare_factored(call: FusedCall) -> Any:
    """Return by how much some rows of the map, times v, differ at most from the output's own.

    Relative to the largest number of those rows. None where the output was made with dropout, or is empty.
    """
    factors = call.factors
    if factors is None or factors.v is None or call.dropout or not call.output.numel():
        return None
    heads, queries = factors.q.shape[-3:-1]
    rows = [_choice.randrange(queries) for _ in range(min(ROWS, queries))]
    batch = _choice.randrange(factors.q.shape[0])
    wide = torch.promote_types(factors.q.dtype, torch.float32)
    source = FactorSource(factors, exact=False, work=wide)
    with torch._C._EnableTorchFunction():  # noqa: SLF001  # indexing by cells needs it
        weights = source.weights((range(batch, batch + 1), range(heads), rows))[0]
    value = factors.v[batch].to(wide).repeat_interleave(factors.group, -3)
    expected = weights.to(wide) @ value
    output = call.output[batch][:, rows].to(wide)
    return (expected - output).abs().amax() / expected.abs().amax().clamp_min(torch.finfo(wide).tiny)
