"""Every row of a call's map, times v, against the call's own output."""

from __future__ import annotations

from collections.abc import Sequence
from sys import float_info

from visualizer.calls import Call
from visualizer.errors import CallsError


def largest_errors(calls: Sequence[Call]) -> list[float | None]:
    """Return by how much each map times v differs from the output at most, over the largest output.

    None for calls that cannot be compared.

    Raises
    ------
    CallsError
        If none can be.
    """
    reasons = [_why_not(call) for call in calls]
    if all(reasons):
        raise CallsError(f"all rows were to be compared, but {'; '.join(dict.fromkeys(reasons))}")
    return [None if why else _largest_error(call) for call, why in zip(calls, reasons, strict=True)]


def _why_not(call: Call) -> str:
    """Say why a call cannot be compared; "" where it can."""
    if not hasattr(call.content, "tensor"):
        return "the run holds read-outs or locals in the place of maps"
    if call.content.opened()[0].signed:
        return "the run holds gradients, or products with them, and no maps"
    if call.formed:
        return "the maps were there as arrays, formed by the model or given, and nothing was computed again"
    if call.v is None:
        return "v was not kept: capture(model, values=True)"
    if call.output is None:
        return "outputs are not kept with queries=, nor of calls with dropout"
    return "" if call.output.numel() else "there are no numbers in the outputs"


def _largest_error(call: Call) -> float:
    dtype = call.map.dtype
    v = call.v.repeat_interleave(call.shape[-3] // call.v.shape[-3], -3).to(dtype)
    output = call.output.reshape(*call.shape[:-1], v.shape[-1]).to(dtype)
    difference = (call.map @ v - output).abs().max()
    return float(difference) / max(float(output.abs().max()), float_info.min)
