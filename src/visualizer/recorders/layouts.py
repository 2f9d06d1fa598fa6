"""Which axis of a map is which: told by the product that contracts it.

A product sees a map as (..., query, key) whatever the axes' order was, as in ``einsum("bjih,bjhd->bihd")``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import permutations
from math import prod

import torch

from visualizer.attention.tensors import TorchArrays
from visualizer.recorders.readable import is_readable
from visualizer.recorders.uses import Use

_ENOUGH = 1 << 16
"""So many numbers of a large map are compared."""
_LIKE = 0.6
"""Above this cosine two maps are one, with dropout at its usual rates between them."""


def order_of(value: torch.Tensor, axis: int, use: Use | None, latest: torch.Tensor | None) -> tuple[int, ...]:
    """Return a map's axes in the order (..., query, key), as a product saw them.

    Parameters
    ----------
    value
        The softmax's output.
    axis
        The normalised axis: the keys', unless the product says otherwise, as in slot attention.
    use
        The product that took the output, or what was made from it.
    latest
        What was made from the output, in its layout, or None where the product took something else.
    """
    plain = (*(place for place in range(value.dim()) if place != axis), axis)
    if use is None or use.operand.is_nested or use.operand.dim() < 2 or use.operand.numel() != value.numel():
        return plain
    seen = use.operand.movedim(use.axis, -1)
    seen = seen.reshape(-1, *seen.shape[-2:])
    shape = tuple(value.shape)
    fitting = list(_orders(shape, axis, seen.shape)) or list(_merging_orders(shape, axis, seen.shape))
    if len(fitting) < 2 or latest is None or not is_readable(latest):
        return fitting[0] if fitting else plain
    return fitting[_most_alike((latest.permute(order) for order in fitting), seen) or 0]


def keys_of(value: torch.Tensor, use: Use | None) -> slice:
    """Return the keys of a map (..., query, key) that a product takes: those before or after sinks or memory.

    All of them, where it took all or others. What the rest received is the map's `rest`.
    """
    everything = slice(None)
    if use is None or not is_readable(value) or value.dim() < 2 or use.operand.is_nested:
        return everything
    length, taken = value.shape[-1], use.length
    seen = use.operand.movedim(use.axis, -1)
    if not 0 < taken < length or seen.numel() * length != value.numel() * taken or seen.dim() < 2:
        return everything
    if seen.shape[-2] != value.shape[-2]:
        return everything
    seen = seen.reshape(-1, *seen.shape[-2:])
    parts = [slice(0, taken), slice(length - taken, length)]
    best = _most_alike((value[..., part] for part in parts), seen)
    return everything if best is None else parts[best]


def _orders(shape: tuple[int, ...], axis: int, seen: torch.Size) -> Iterator[tuple[int, ...]]:
    """Yield the orders of axes that fit what a product saw, the usual ones first."""
    places = [place for place in range(len(shape)) if place != axis]
    for key in (axis, *reversed(places)):
        rest = [place for place in range(len(shape)) if place != key]
        for query in reversed(rest):
            if shape[key] != seen[2] or shape[query] != seen[1]:
                continue
            for leading in permutations([place for place in rest if place != query]):
                yield (*leading, query, key)


def _merging_orders(shape: tuple[int, ...], axis: int, seen: torch.Size) -> Iterator[tuple[int, ...]]:
    """Yield the orders whose last axes before the keys', taken as one, are the rows that a product saw."""
    rest = [place for place in range(len(shape)) if place != axis]
    for order in permutations(rest) if shape[axis] == seen[2] else ():
        if any(prod(shape[place] for place in order[first:]) == seen[1] for first in range(len(rest))):
            yield (*order, axis)


def _most_alike(maps: Iterable[torch.Tensor], seen: torch.Tensor) -> int | None:
    """Return which of several maps, the usual first, is the one that was seen; None where none is."""
    likeness: list[float] = []
    for one in maps:
        likeness.append(_likeness(one, seen))
        if likeness[-1] == 1:
            break  # no other is more alike, and each one costs a copy
    best = max(likeness)
    return likeness.index(best) if best > _LIKE else None


def _likeness(permuted: torch.Tensor, seen: torch.Tensor) -> float:
    """Return the cosine of the angle between two maps: dropout, masks and factors leave it near 1."""
    each = max(1, seen.shape[1] * seen.shape[2])
    some = max(1, _ENOUGH // each) * each
    slabs = -(-some * permuted.shape[0] // max(1, permuted.numel()))  # of the first axis, which hold so many
    left, right = permuted[:slabs].reshape(-1)[:some], seen.reshape(-1)[:some]
    exact = TorchArrays(left.device).exact_dtype()
    left, right = torch.nan_to_num(left.to(exact)), torch.nan_to_num(right.to(exact))
    size = torch.linalg.vector_norm(left) * torch.linalg.vector_norm(right)
    return round(float(left @ right / size), 6) if size else 0.0
