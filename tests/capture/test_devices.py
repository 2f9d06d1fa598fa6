"""Devices that lack float64, as MPS does: none is asked of them. A stand-in, as no such device is here."""

import numpy as np
import torch

from visualizer.attention.tensors import TorchArrays
from visualizer.recorders.layouts import keys_of, order_of
from visualizer.recorders.uses import Use


class OnMps(torch.Tensor):
    """A tensor that says it is on MPS, and refuses float64 as one there does."""

    device = torch.device("mps")

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        result = super().__torch_function__(function, types, args, kwargs)
        if getattr(result, "dtype", None) == torch.float64:
            raise TypeError("Cannot convert a MPS Tensor to float64, which it does not support")
        return result


class WithoutDoubles(TorchArrays):
    """What a map asks of torch on a device without float64."""

    def exact_dtype(self):
        return torch.float32


def test_the_order_of_axes_is_told_without_float64():
    maps, values = torch.rand(2, 3, 5, 5).softmax(-1).as_subclass(OnMps), torch.rand(6, 5, 8)
    swapped = maps.transpose(0, 1).reshape(6, 5, 5)
    assert order_of(maps, 3, Use(swapped, 2, values), maps) == (1, 0, 2, 3)
    assert keys_of(maps, Use(swapped[..., 1:], 2, values[:, 1:])) == slice(1, 5)


def test_arrays_are_brought_to_a_device_in_a_dtype_that_it_has():
    arrays = WithoutDoubles(torch.device("cpu"))
    assert arrays.asarray(np.ones(3)).dtype == torch.float32
    assert arrays.asarray(torch.ones(3).double()).dtype == torch.float32
    assert TorchArrays(torch.device("cpu")).asarray(np.ones(3)).dtype == torch.float64
