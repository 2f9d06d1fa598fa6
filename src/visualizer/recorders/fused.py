"""Fused attention: torch's `scaled_dot_product_attention` and the kernels beneath it, kept as factors.

The call goes on untouched; q, k and what shapes the map are noted from its arguments.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, Protocol

import torch

from visualizer.attention import Factors, reading
from visualizer.recorders.dispatcher import Arguments, Following, Named, Operation, overload
from visualizer.recorders.graph import GRAPH
from visualizer.recorders.nested import NESTED_KEYS
from visualizer.recorders.spread import is_spread
from visualizer.recorders.transforms import is_transformed, outside_transforms, whole

ENTRY_KEYS = (
    "AutogradCPU",
    "AutogradCUDA",
    "AutogradMPS",
    "AutogradXPU",
    "AutogradPrivateUse1",
    "AutogradNestedTensor",
    "BackendSelect",
    "FuncTorchDynamicLayerFrontMode",
)
"""All ways into a composite operator: BackendSelect is the one that inference mode leaves, the last one that
of torch.vmap and torch.func's other transforms."""


class FusedCall(NamedTuple):
    """The arguments and the result of one fused call, in the words of `scaled_dot_product_attention`.

    ``mask`` is boolean (True: may be attended to) or additive; ``causal`` aligns at the upper left. Where
    these words do not say all of a call, ``factors`` does, and ``output`` has the axes (batch, head, query,
    width) then. ``note`` is for the reader; ``refused`` says why the call cannot be read. ``known`` is the
    output as autograd knows it, where it is another tensor; ``arrange`` brings that into the output's axes.
    """

    query: torch.Tensor
    key: torch.Tensor
    value: torch.Tensor
    mask: torch.Tensor | None
    dropout: float
    causal: bool
    scale: float
    output: torch.Tensor
    kernel: str
    factors: Factors | None = None
    note: str = ""
    refused: str = ""
    known: Any = None
    arrange: Callable[[torch.Tensor], torch.Tensor] | None = None


KERNELS = (
    "_scaled_dot_product_flash_attention_for_cpu",
    "_scaled_dot_product_flash_attention",
    "_scaled_dot_product_efficient_attention",
    "_scaled_dot_product_cudnn_attention",
    "_scaled_dot_product_fused_attention_overrideable",
    "_scaled_dot_product_attention_math_for_mps",
)


class Surroundings(Protocol):
    """What the recorder asks of the installation."""

    def found_fused(self, call: FusedCall) -> None:
        """Take a fused call."""


class FusedCalls:
    """Recorder of fused calls."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings
        self._within = _Within()

    def install(self, following: Following) -> None:
        """Follow the entry, and for what comes past it the kernels."""
        following.wrap("scaled_dot_product_attention", self._around_entry, ENTRY_KEYS)
        following.wrap("_scaled_dot_product_attention_math", self._around_math, NESTED_KEYS)
        for name in KERNELS:
            following.follow(name, after=partial(self._after_kernel, name))

    def _around_entry(self, go_on: Callable[[], Any], args: Arguments, kwargs: Named) -> Any:
        if any(map(is_transformed, (*args, *kwargs.values()))):
            return self._around_transformed(go_on, args, kwargs)
        if any(map(is_spread, args[:3])):
            return self._around_spread(go_on)
        if not all(_is_plain(tensor) for tensor in args[:3]):  # fake or wrapped: seen further down
            return go_on()
        with reading():
            output = go_on() if args[0].is_nested else GRAPH.lend(go_on())
        entry = overload("scaled_dot_product_attention")
        self._around.found_fused(
            _call("scaled_dot_product_attention", Operation(entry, args, kwargs, output))
        )
        return output

    def _around_math(self, go_on: Callable[[], Any], args: Arguments, kwargs: Named) -> Any:
        return self._around_entry(go_on, args, kwargs) if args[0].is_nested else go_on()

    def _around_transformed(self, go_on: Callable[[], Any], args: Arguments, kwargs: Named) -> Any:
        """Record a call within torch.vmap or the like once, with an axis for each vmap in front."""
        with reading():
            output = go_on()
        entry = overload("scaled_dot_product_attention")
        with outside_transforms():
            named = {**Operation(entry, args, kwargs).named(), "output": output}
            named = whole(named, args[0].dim())
            output_held = named.pop("output")
            self._around.found_fused(
                _call("scaled_dot_product_attention", Operation(entry, (), named, output_held))
            )
        return output

    def _around_spread(self, go_on: Callable[[], Any]) -> Any:
        """Record what this rank's kernel was given, and how the ranks' parts make up the output."""
        self._within.found, outer = [], self._within.found
        try:
            output = GRAPH.lend(go_on())
            found = self._within.found
        finally:
            self._within.found = outer
        for call in found:
            self._around.found_fused(call._replace(known=output))
        return output

    def _after_kernel(self, name: str, operation: Operation) -> None:
        call = _call(name, operation)
        if self._within.found is None:
            GRAPH.reach(call.output, call.query, call.key, call.value)
            self._around.found_fused(call)
        elif _is_plain(call.output) and not call.output.is_meta:
            self._within.found.append(call)


class _Within(threading.local):
    """The kernels' calls within a call on DTensors; None outside of one."""

    found: list[FusedCall] | None = None


def _call(kernel: str, operation: Operation) -> FusedCall:
    given, output = operation.named(), operation.result
    query, scale = given["query"], given.get("scale")
    return FusedCall(
        query=query,
        key=given["key"],
        value=given["value"],
        mask=given.get("attn_mask", given.get("attn_bias")),
        dropout=given.get("dropout_p", 0.0),
        causal=given.get("is_causal", False),
        scale=scale_of(scale, query),
        output=output[0] if isinstance(output, tuple | list) else output,
        kernel=kernel,
    )


def scale_of(given: Any, query: torch.Tensor) -> float:
    """Return the scale that was given, or else the usual one; without features any will do."""
    return float(given) if given is not None else float(query.size(-1) or 1) ** -0.5


def _is_plain(tensor: Any) -> bool:
    wrapped = torch._C._functorch.is_functorch_wrapped_tensor  # noqa: SLF001
    return type(tensor) in {torch.Tensor, torch.nn.Parameter} and not wrapped(tensor)
