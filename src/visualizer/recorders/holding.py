"""How tensors of a call are held: keeping no more alive, moved where asked, masks of many layers once."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import Any

import torch

from visualizer.attention.arrays import arrays_of
from visualizer.attention.tensors import times_written
from visualizer.recorders.growing import GrowingKeys
from visualizer.recorders.padding import valid_queries
from visualizer.recorders.provenance import storage_address
from visualizer.recorders.writes import watched

_MASKS = 8  # how many different masks a model is expected to hand around


class Holder:
    """Holds tensors for one session.

    Parameters
    ----------
    device, dtype
        Where and as what factors are held; None leaves them as they are.
    """

    def __init__(self, device: Any = None, dtype: Any = None) -> None:
        self._device, self._dtype = None if device is None else torch.device(device), dtype
        self._masks: deque[tuple[torch.Tensor, int, torch.Tensor]] = deque(maxlen=_MASKS)
        self._valid: deque[tuple[torch.Tensor, torch.Tensor | None]] = deque(maxlen=_MASKS)
        self._keys: defaultdict[Any, GrowingKeys] = defaultdict(GrowingKeys)

    def device_of(self, tensor: torch.Tensor) -> torch.device:
        """Return where a tensor would be held."""
        return self._device or tensor.device

    def move_to_host(self) -> None:
        """Hold what comes from now on in the host's memory; keys go on where they were."""
        self._device = torch.device("cpu")
        self._masks.clear()
        self._valid.clear()
        for keys in self._keys.values():
            keys.move(self._device)

    def hold(self, tensor: torch.Tensor, *, cast: bool = True) -> torch.Tensor:
        """Return a tensor that keeps no more alive than itself and that the model does not write into.

        ``cast=False`` leaves its dtype: the lowest number of one is minus infinity in another.
        """
        tensor = tensor.detach()
        moved = tensor.to(self._device) if self._device is not None else tensor
        if cast and self._dtype is not None and tensor.is_floating_point():
            moved = moved.to(self._dtype)
        if moved is not tensor:
            return moved
        needed = tensor.numel() * tensor.element_size()
        larger = tensor.untyped_storage().nbytes() > needed and 0 not in tensor.stride()
        # what was written into before will be again, as caches are
        if tensor.is_inference() or larger or times_written(tensor):
            return tensor.clone(memory_format=torch.contiguous_format)
        return watched(tensor)

    def copied(self, value: Any) -> Any:
        """Return a local as it is now: tensors copied, those in lists, tuples and dictionaries too."""
        if isinstance(value, torch.Tensor):
            held = self.hold(value)
            return held.clone() if storage_address(held) == storage_address(value) else held
        if type(value) in {list, tuple}:
            return type(value)(map(self.copied, value))
        if type(value) is dict:
            return {key: self.copied(one) for key, one in value.items()}
        return value

    def hold_keys(
        self,
        tensor: torch.Tensor,
        slot: Any,
        queries: int,
        seen: torch.Tensor | None = None,
        *,
        cast: bool = True,
    ) -> tuple[torch.Tensor, int, int]:
        """Return keys as they are held, the position of the first one, and the number of their sequence."""
        growing, held = self._keys[slot], self.hold(tensor, cast=cast)
        seen = seen.to(held.device) if seen is not None else None
        own = storage_address(held) != storage_address(tensor)
        held, first = growing.hold(held, queries, seen, own=own)
        return held, first, growing.sequence

    def begin_keys(self, slot: Any) -> int:
        """Begin another sequence without holding anything of it, and return its number."""
        return self._keys[slot].begin()

    def hold_mask(self, mask: torch.Tensor) -> torch.Tensor:
        """Return a mask as it is held: once for all layers that share it, growing over decoding steps."""
        for source, version, held in self._masks:
            if _is_same(source, mask) and version == times_written(mask) and _is_trusted(held, mask):
                return held
        if mask.dim() == 4 and mask.shape[-2] == 1 and mask.shape[-1] > 1:
            held = self.hold_keys(mask.transpose(-1, -2), "mask", 1, cast=False)[0].transpose(-1, -2)
        else:
            held = self.hold(mask, cast=False)
        self._masks.append((mask.detach(), times_written(mask), held))
        return held

    def valid_queries(self, mask: torch.Tensor) -> torch.Tensor | None:
        """Return which queries of self-attention are no padding, (batch, 1, query); None: not known.

        ``mask`` is one that `hold_mask` returned, (batch, head or 1, query or 1, key).
        """
        for known, valid in self._valid:
            if known is mask:
                return valid
        valid = valid_queries(allowed_by(mask).any(1))
        self._valid.append((mask, None if valid is None else valid.unsqueeze(1)))
        return self._valid[-1][1]

    def forget(self) -> None:
        """Let go of what only further calls would need."""
        self._masks.clear()
        self._valid.clear()
        self._keys.clear()


def allowed_by(mask: torch.Tensor) -> torch.Tensor:
    """Return where a mask lets a query attend: not by minus infinity, nor by what is as good."""
    return mask if mask.dtype == torch.bool else mask > arrays_of(mask).hiding(mask.dtype)


def _is_same(left: torch.Tensor, right: torch.Tensor) -> bool:
    return (
        left.data_ptr() == right.data_ptr()
        and left.shape == right.shape
        and left.stride() == right.stride()
        and left.dtype == right.dtype
        and left.is_inference() == right.is_inference()
    )


def _is_trusted(held: torch.Tensor, mask: torch.Tensor) -> bool:
    """Tell whether a mask is still what was held of it: inference tensors do not count their changes."""
    return not mask.is_inference() or torch.equal(held.to(mask.device), mask)
