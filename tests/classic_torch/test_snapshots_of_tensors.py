"""Copies of torch tensors as numpy arrays: exact, dense, and out of reach of later changes."""

import warnings

import numpy as np
import pytest
import torch
from transformers.modeling_outputs import BaseModelOutput

from visualizer.memory import measure_bytes
from visualizer.snapshots import NoCopyError, copy_around_tensors, copy_as_numpy

EXACT = [torch.float64, torch.float32, torch.float16, torch.int64, torch.uint8, torch.bool, torch.complex64]
WIDENED = [torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz]


@pytest.mark.parametrize("dtype", EXACT)
def test_a_dtype_that_numpy_has_is_kept(dtype):
    tensor = torch.arange(6).reshape(2, 3).to(dtype)
    copy = copy_as_numpy(tensor)
    assert str(copy.dtype) == str(dtype).removeprefix("torch.")
    assert torch.equal(torch.from_numpy(copy), tensor)


@pytest.mark.parametrize("dtype", WIDENED)
def test_a_short_float_that_numpy_lacks_becomes_float32_without_loss(dtype):
    tensor = torch.linspace(-2, 2, 9).to(dtype)
    copy = copy_as_numpy(tensor)
    assert copy.dtype == np.float32
    assert torch.equal(torch.from_numpy(copy), tensor.float())


def test_half_complex_becomes_complex64():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says that ComplexHalf is experimental
        tensor = torch.tensor([1 + 2j]).to(torch.complex32)
        assert copy_as_numpy(tensor).tolist() == [1 + 2j]


def test_a_change_in_place_does_not_reach_the_copy():
    tensor = torch.zeros(3)
    copy = copy_as_numpy(tensor)
    tensor.add_(1)
    assert copy.tolist() == [0, 0, 0]


def test_a_view_into_a_larger_tensor_does_not_keep_it_alive():
    copy = copy_as_numpy(torch.zeros(1000, 1000)[:, 0])
    assert copy.base is None
    assert copy.nbytes == 4000


def test_a_tensor_that_needs_a_gradient_is_copied():
    tensor = torch.ones(2, requires_grad=True)
    assert copy_as_numpy(tensor * 2).tolist() == [2, 2]
    assert copy_as_numpy(torch.nn.Parameter(torch.ones(2))).tolist() == [1, 1]


def test_conjugate_and_negative_views_are_resolved():
    tensor = torch.tensor([1 + 2j])
    assert copy_as_numpy(tensor.conj()).tolist() == [1 - 2j]
    assert copy_as_numpy(tensor.conj().imag).tolist() == [-2]


def test_a_tensor_made_in_inference_mode_is_copied():
    with torch.inference_mode():
        tensor = torch.ones(2)
    assert copy_as_numpy(tensor).tolist() == [1, 1]


@pytest.mark.filterwarnings("ignore:Sparse")
@pytest.mark.parametrize("layout", [torch.sparse_coo, torch.sparse_csr, torch.sparse_csc])
def test_a_sparse_tensor_becomes_dense(layout):
    dense = torch.tensor([[0.0, 1.0], [2.0, 0.0]])
    assert copy_as_numpy(dense.to_sparse(layout=layout)).tolist() == dense.tolist()


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
def test_a_quantised_tensor_becomes_the_numbers_it_stands_for():
    quantised = torch.quantize_per_tensor(torch.tensor([0.5, 1.0]), 0.5, 0, torch.quint8)
    assert copy_as_numpy(quantised).tolist() == [0.5, 1.0]


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("layout", [torch.strided, torch.jagged])
def test_a_nested_tensor_becomes_a_list_of_arrays(layout):
    nested = torch.nested.nested_tensor([torch.ones(2), torch.zeros(3)], layout=layout)
    assert [part.tolist() for part in copy_as_numpy(nested)] == [[1, 1], [0, 0, 0]]


def test_a_scalar_tensor_becomes_an_array_without_axes():
    copy = copy_as_numpy(torch.tensor(0.5))
    assert (copy.shape, float(copy)) == ((), 0.5)


def test_a_model_output_becomes_a_dict_and_a_named_result_a_tuple():
    output = copy_as_numpy(BaseModelOutput(last_hidden_state=torch.ones(1), attentions=(torch.zeros(1),)))
    assert type(output) is dict
    assert list(output) == ["last_hidden_state", "attentions"]
    assert type(copy_as_numpy(torch.ones(2).max(dim=0))) is tuple
    assert copy_as_numpy(torch.ones(2, 3).shape) == (2, 3)


@pytest.mark.parametrize("value", [torch.ones(2, device="meta"), torch.nn.Linear(1, 1), torch.float32])
def test_what_has_no_numbers_is_named_by_its_type(value):
    with pytest.raises(NoCopyError, match="torch"):
        copy_as_numpy([value])


def test_symbolic_tracing_is_left_no_trace():
    def traced(x):
        with pytest.raises(NoCopyError):
            copy_as_numpy(x)
        return x * 2

    graph = torch.fx.symbolic_trace(traced).graph
    assert [node.op for node in graph.nodes] == ["placeholder", "call_function", "output"]


def test_a_live_tensor_keeps_its_graph():
    leaf = torch.ones(2, requires_grad=True)
    value = leaf * 3
    (copy,) = copy_around_tensors([value])
    assert copy is value


@pytest.mark.filterwarnings("ignore:Sparse")
def test_tensors_are_measured_in_bytes_of_their_dense_form():
    assert measure_bytes(torch.zeros(10, dtype=torch.float16)) == 20
    assert measure_bytes(torch.zeros(2, 3).to_sparse()) == 24
