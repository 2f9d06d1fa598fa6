"""torch's native attention: the one-operator paths of `nn.MultiheadAttention` and its encoder layer.

Within them the softmax is seen and the product is not, so the softmax's output is the map. Where padding is
taken out first (nested tensors), the rows of padded queries do not exist; there the encoder runs a second
time, slowly, for the maps alone, and what it returned the first time is what the model gets.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import torch

from visualizer.recorders.dispatcher import Arguments, Following, Operation

OPERATORS = ("_native_multi_head_attention", "_transformer_encoder_layer_fwd")


class _Depth(threading.local):
    inside = 0
    nested = 0


class NativeAttention:
    """Tells the recorder of formed maps when a softmax is one of torch's native attention."""

    def __init__(self) -> None:
        self._depth = _Depth()

    @property
    def inside(self) -> bool:
        """Whether this thread is within a native operator."""
        return self._depth.inside > 0

    @property
    def elsewhere(self) -> bool:
        """Whether the maps of that operator come from another run."""
        return self._depth.nested > 0

    def install(self, following: Following) -> None:
        """Follow the native operators."""
        for name in OPERATORS:
            following.enclose(name, self._within)
        following.follow("_nested_tensor_from_mask", after=self._after_nesting)

    @contextmanager
    def _within(self, args: Arguments) -> Iterator[None]:
        encoder = _encoder_call() if args[0].is_nested else None
        padded = bool(encoder and encoder.get("convert_to_nested"))
        self._depth.inside += 1
        self._depth.nested += padded
        try:
            yield
        finally:
            self._depth.inside -= 1
            self._depth.nested -= padded

    def _after_nesting(self, _: Operation) -> None:
        given = _encoder_call()
        if given is None:
            return
        fast = torch.backends.mha.get_fastpath_enabled()
        torch.backends.mha.set_fastpath_enabled(False)
        try:
            with torch.no_grad():
                given["self"].forward(
                    given["src"], given["mask"], given["src_key_padding_mask"], given["is_causal"]
                )
        finally:
            torch.backends.mha.set_fastpath_enabled(fast)


def _encoder_call() -> dict[str, Any] | None:
    """Return the locals of the innermost running call of `nn.TransformerEncoder`."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
    while frame is not None and frame.f_code is not torch.nn.TransformerEncoder.forward.__code__:
        frame = frame.f_back
    return None if frame is None else dict(frame.f_locals)
