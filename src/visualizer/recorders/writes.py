"""Tensors that are held without a copy, and copied when the model is about to write into them."""

from __future__ import annotations

import weakref
from contextlib import AbstractContextManager

import torch
from torch._C import DispatchKey

from visualizer.attention import reading
from visualizer.recorders.provenance import storage_address

_held: dict[int, list[weakref.ref[torch.Tensor]]] = {}
_copies = 0


def counting_writes() -> AbstractContextManager[None]:
    """Have views and detached tensors count what is written into their base, as they do above autograd.

    Where operators are followed, below it, torch gives each a counter of its own: a write would go unseen.
    """
    guard: AbstractContextManager[None] = torch._C._SetExcludeDispatchKeyGuard(  # noqa: SLF001
        DispatchKey.ADInplaceOrView, False
    )
    return guard


def alias(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor's numbers without its graph; it counts what is written into them."""
    with counting_writes():
        return tensor.detach()


def watched(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor that shares its storage with the model's, to be copied before the storage changes."""
    address = storage_address(tensor)
    if address is not None:
        entry = _held.setdefault(address, [])
        entry.append(weakref.ref(tensor, lambda reference: _forget(address, reference)))
    return tensor


def before_writing(target: torch.Tensor) -> None:
    """Give the held tensors of a storage that is about to change storages and counters of their own."""
    global _copies  # noqa: PLW0603  # the process's own, as what is held
    address = storage_address(target) if _held else None
    references = _held.pop(address, []) if address is not None else []
    while references:
        tensor = references.pop()()  # tensors with weak references are not swapped
        if tensor is not None:
            with reading(), torch.no_grad():
                _copies += 1
                torch.utils.swap_tensors(tensor, tensor.clone())  # type: ignore[no-untyped-call]


def copies_made() -> int:
    """Return how often a held tensor got a storage of its own so far."""
    return _copies


def _forget(address: int, reference: weakref.ref[torch.Tensor]) -> None:
    entry = _held.get(address, [])
    if reference in entry:
        entry.remove(reference)
    if not entry:
        _held.pop(address, None)
