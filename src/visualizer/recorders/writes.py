"""Tensors that are held without a copy, and copied when the model is about to write into them."""

from __future__ import annotations

import weakref

import torch

from visualizer.attention import reading
from visualizer.recorders.provenance import storage_address

_held: dict[int, list[weakref.ref[torch.Tensor]]] = {}


def watched(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor that shares its storage with the model's, to be copied before the storage changes."""
    address = storage_address(tensor)
    if address is not None:
        entry = _held.setdefault(address, [])
        entry.append(weakref.ref(tensor, lambda reference: _forget(address, reference)))
    return tensor


def before_writing(target: torch.Tensor) -> None:
    """Give the held tensors of a storage that is about to change storages of their own."""
    address = storage_address(target) if _held else None
    for reference in _held.pop(address, ()) if address is not None else ():
        tensor = reference()
        if tensor is not None:
            with reading(), torch.no_grad():
                tensor.data = tensor.clone()


def _forget(address: int, reference: weakref.ref[torch.Tensor]) -> None:
    entry = _held.get(address, [])
    if reference in entry:
        entry.remove(reference)
    if not entry:
        _held.pop(address, None)
