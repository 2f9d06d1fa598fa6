"""Fused attention of nested tensors: sequences of several lengths, of which each has a map of its own.

A nested call runs as products and softmaxes of each sequence, or as a kernel that packs them. It is read from
its arguments before that: at the entry, and where jagged tensors come past it at what they are led to.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from visualizer.recorders.fused import FusedCall

NESTED_KEYS = ("AutogradNestedTensor", "BackendSelect")
"""The ways into a composite operator that nested tensors take."""


_NO_GRADIENT = (
    "they were of nested tensors, whose sequences' outputs are no part of autograd's graph: give padded "
    "tensors and a mask, or record without gradients=True"
)


def each_sequence(call: FusedCall, *, gradients: bool) -> Iterator[FusedCall]:
    """Yield a call as it is, or of nested tensors the calls that its sequences would be.

    Parameters
    ----------
    call
        The call; nested tensors have the axes (sequence, head, token, width).
    gradients
        Whether gradients are wanted, for which such a call is refused.
    """
    if not call.query.is_nested:
        yield call
        return
    if gradients:
        call = call._replace(refused=_NO_GRADIENT)
    with torch.no_grad():
        parts = [side.unbind() for side in (call.query, call.key, call.value, call.output)]
        for query, key, value, output in zip(*parts, strict=True):
            yield call._replace(query=query[None], key=key[None], value=value[None], output=output[None])
