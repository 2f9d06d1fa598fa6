"""A device that is not the CPU, where there is none: it computes on the CPU, and is as strict as a real one.

Its tensors have no numpy form and are not mixed with the CPU's, and copies between the two are counted.
"""

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

DEVICE = torch.device("meta")
COPYING = {torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default}
PICKING = {torch.ops.aten.index.Tensor, torch.ops.aten.index_put_.default}  # take places that the CPU has


class Elsewhere(torch.Tensor):
    """A tensor on the device."""

    @staticmethod
    def __new__(cls, held):
        return torch.Tensor._make_wrapper_subclass(
            cls, held.shape, strides=held.stride(), dtype=held.dtype, device=DEVICE
        )

    def __init__(self, held):
        self.held = held

    @classmethod
    def __torch_dispatch__(cls, operator, types, args=(), kwargs=None):
        raise AssertionError(f"{operator} was called where there is no such device")


class Device(TorchDispatchMode):
    """While it is on there is the device; ``copied`` has how many numbers each copy to or from it took."""

    def __init__(self):
        super().__init__()
        self.copied = []

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        given = [one for one in tree_leaves((args, kwargs)) if isinstance(one, torch.Tensor)]
        places = {isinstance(one, Elsewhere) for one in given if one.ndim}
        to = self._to(operator, args, kwargs, given)
        if operator in COPYING:
            self.copied += [given[-1].numel()] * (places != {to})
        else:
            assert len(places) < 2 or operator in PICKING, f"{operator} of tensors on two devices"
        args, kwargs = tree_map_only(Elsewhere, lambda one: one.held, (args, kwargs))
        found = operator(*args, **kwargs | ({"device": "cpu"} if "device" in kwargs else {}))
        return tree_map_only(torch.Tensor, Elsewhere, found) if to else found

    def _to(self, operator, args, kwargs, given):
        """Tell whether the result lies on the device."""
        if kwargs.get("device") is not None:
            return kwargs["device"] == DEVICE
        given = args[:1] if operator in COPYING else given
        return any(isinstance(one, Elsewhere) for one in given)
