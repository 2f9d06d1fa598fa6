"""Tensors are drawn as arrays are; torch is found through them, never imported."""

import numpy as np
import pytest
import torch

from visualizer.errors import TargetError
from visualizer.plots import grid_to_grid, head, heads


def drawn(figure, panel=0, image=0):
    return np.asarray(figure.axes[panel].images[image].get_array())


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64])
def test_a_tensor_of_any_dtype_is_drawn(dtype):
    np.testing.assert_array_equal(drawn(head(torch.eye(3, dtype=dtype))), np.eye(3))


def test_a_tensor_with_its_graph_is_drawn_and_left_as_it_is():
    logits = torch.zeros(2, 4, 4, requires_grad=True)
    weights = logits.softmax(-1)
    figure = heads(weights[None])
    np.testing.assert_array_equal(drawn(figure), np.full((4, 4), 0.25))
    weights.sum().backward()
    assert logits.grad is not None


def test_a_list_of_tensors_is_a_stack_of_maps():
    figure = heads([torch.eye(2, dtype=torch.bfloat16), torch.ones(2, 2)])
    np.testing.assert_array_equal(drawn(figure, 2), [[1, 0.5], [0.5, 1]])


def test_an_image_with_channels_first_is_turned():
    image = torch.rand(3, 20, 30)
    figure = grid_to_grid(torch.eye(6), image, cell=(1, 2))
    np.testing.assert_allclose(drawn(figure), image.permute(1, 2, 0).numpy())


def test_a_model_is_refused():
    with pytest.raises(
        TargetError, match="map is a Linear, but a plot takes an array, never a model: record"
    ):
        head(torch.nn.Linear(2, 2))


def test_a_normalised_image_is_refused():
    with pytest.raises(ValueError, match="undo the model's normalisation first"):
        grid_to_grid(torch.eye(6), torch.randn(3, 20, 30), query=0)


def test_a_tensor_without_data_is_refused():
    with pytest.raises(TargetError, match="map, a Tensor, has no numpy form"):
        head(torch.zeros(2, 2, device="meta"))


def test_plots_do_not_import_torch(python):
    result = python(
        "-c", "import sys; from visualizer import plots; plots.head([[1.0]]); print('torch' in sys.modules)"
    )
    assert result.stdout == "False\n", result.stderr
