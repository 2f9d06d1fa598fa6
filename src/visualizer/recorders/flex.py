"""flex_attention, recorded at its entry and still compiled where the model's call was.

A stand-in takes the place of the function's code, so it is met however the function was imported. The call
goes on with the function's own code object, for which the model's compiler finds what it has compiled before.
"""

from __future__ import annotations

import inspect
import sys
from functools import cache
from typing import Any, Protocol

import torch

from visualizer.attention import Factors, is_reading, reading
from visualizer.recorders.compiling import STANCE, Compiled, compiler_around
from visualizer.recorders.functions import BlockPattern
from visualizer.recorders.fused import FusedCall, scale_of
from visualizer.recorders.graph import GRAPH
from visualizer.recorders.late import AfterImport
from visualizer.recorders.substitution import Substitution

NAME = "flex_attention"
MASK = "create_block_mask"


class Surroundings(Protocol):
    """What the recorder asks of the installation."""

    def found_fused(self, call: FusedCall) -> None:
        """Take a call."""

    def failed(self, error: Exception) -> None:
        """Take an error of recording."""


class FlexCalls:
    """Recorder of flex attention."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings
        self._compiled = Compiled()
        self._late = AfterImport("torch.nn.attention.flex_attention", self._substitute)
        self._substitutions: dict[str, Substitution] = {}

    def open(self) -> None:
        """Begin to record."""
        global _open  # noqa: PLW0603  # the stand-ins have no other way to their recorder
        _open = self
        self._late.open()

    def close(self) -> None:
        """End recording; both functions have their own code objects back."""
        global _open
        self._late.close()
        for substitution in self._substitutions.values():
            substitution.close()
        _open, self._substitutions = None, {}
        self._compiled = Compiled()

    def _substitute(self) -> None:
        self._substitutions = _substitutions()
        for name, substitution in self._substitutions.items():
            substitution.open()
            _originals[name] = substitution.original

    def go_on(self, name: str, args: Any, kwargs: Any) -> tuple[Any, bool]:
        """Return what the call gives, run as it would have been without a session, and whether compiled."""
        function = _originals[name]
        compiler = compiler_around(sys._getframe(1))  # noqa: SLF001
        if compiler is not None:
            function = self._compiled.of(function, compiler)
        with STANCE.compiled(), GRAPH.aside():
            return GRAPH.call(function, args, kwargs), compiler is not None

    def attend(self, args: Any, kwargs: Any) -> Any:
        """Run and record a call of flex attention."""
        with reading():
            result, compiled = self.go_on(NAME, args, kwargs)
        try:
            call = _call(_signature().bind(*args, **kwargs).arguments, result, compiled=compiled)
            GRAPH.reach(call.output)
        except Exception as error:  # noqa: BLE001  # the model must go on
            self._around.failed(error)
        else:
            self._around.found_fused(call)
        return result


_open: FlexCalls | None = None
_originals: dict[str, Any] = {}


def attend(*args: Any, **kwargs: Any) -> Any:
    """Take a call of flex attention."""
    if torch.compiler.is_dynamo_compiling() or _open is None or is_reading():
        return _originals[NAME](*args, **kwargs)
    return _open.attend(args, kwargs)


def make_mask(*args: Any, **kwargs: Any) -> Any:
    """Take a call of create_block_mask, which compiled makes its mask without one of N × N."""
    if torch.compiler.is_dynamo_compiling() or _open is None or is_reading():
        return _originals[MASK](*args, **kwargs)
    return _open.go_on(MASK, args, kwargs)[0]


def _flex_attention(*args: Any, **kwargs: Any) -> Any:
    from visualizer.recorders.flex import attend  # its globals are those of the function it stands in for

    return attend(*args, **kwargs)


def _create_block_mask(*args: Any, **kwargs: Any) -> Any:
    from visualizer.recorders.flex import make_mask

    return make_mask(*args, **kwargs)


@cache
def _substitutions() -> dict[str, Substitution]:
    from torch.nn.attention import flex_attention as flex

    return {
        NAME: Substitution(flex.flex_attention, _flex_attention),
        MASK: Substitution(flex.create_block_mask, _create_block_mask),
    }


@cache
def _signature() -> inspect.Signature:
    return inspect.signature(_originals[NAME])


def _call(given: dict[str, Any], result: Any, *, compiled: bool) -> FusedCall:
    query, key, value = given["query"], given["key"], given["value"]
    scale = scale_of(given.get("scale"), query)
    call = FusedCall(
        query=query,
        key=key,
        value=value,
        mask=None,
        dropout=0.0,
        causal=False,
        scale=scale,
        output=result[0] if isinstance(result, tuple) else result,
        kernel=f"{NAME}, compiled" if compiled else NAME,
    )
    if not _is_computed(query):
        why = (
            f"{NAME} was traced (torch.export, make_fx) or transformed (vmap, grad), not run on plain tensors"
        )
        return call._replace(refused=why)
    return call._replace(
        factors=Factors(
            q=query.detach(),
            k=_with_batch(key, query),
            scale=scale,
            score_mod=given.get("score_mod"),
            mask_mod=_mask_mod(given.get("block_mask"), compiled=compiled),
            v=_with_batch(value, query),
        )
    )


def _is_computed(tensor: Any) -> bool:
    wrapped = torch._C._functorch.is_functorch_wrapped_tensor  # noqa: SLF001
    return type(tensor) in {torch.Tensor, torch.nn.Parameter} and not wrapped(tensor)


def _with_batch(tensor: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
    return tensor.detach().expand(query.shape[0], *tensor.shape[1:])


def _mask_mod(block_mask: Any, *, compiled: bool) -> Any:
    """Return what a block mask hides: by its function, or by its blocks where there is none."""
    from torch.nn.attention.flex_attention import noop_mask

    if block_mask is None:
        return None
    if block_mask.mask_mod is not noop_mask:
        return block_mask.mask_mod
    if not compiled:  # uncompiled, torch goes by the function alone
        return None
    return BlockPattern(block_mask.to_dense(), block_mask.BLOCK_SIZE)
