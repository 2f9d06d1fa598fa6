"""What a map is as an array: its kind, its bytes, its budget, its words."""

import copy

import numpy as np
import pytest
import torch

from visualizer.attention import AttentionMap, Band, Dense, Factors
from visualizer.errors import MemoryBudgetError, OptionError, ShapeError, TargetError, VisualizerError


def tensors(*shape, seed=0):
    return torch.randn(2, *shape, generator=torch.Generator().manual_seed(seed))


def test_the_kind_of_results_is_that_of_the_factors(calls, library):
    a, _ = calls
    kind = torch.Tensor if library == "torch" else np.ndarray
    for found in (
        a @ np.ones(10),
        a.entropy(),
        a.received(),
        a.pool(2),
        a.row(0),
        a.topk(2)[1],
        a.rest,
        a.array(),
    ):
        assert isinstance(found, kind)
    assert isinstance(a.tensor(), torch.Tensor)
    assert isinstance(a.numpy(), np.ndarray)
    assert str(a.dtype).endswith("float32" if library == "torch" else "float32'>")
    assert str(a.device) == "cpu"
    assert (a.ndim, a.shape) == (4, (2, 4, 12, 10))


def test_numpy_takes_a_map_for_an_array(calls):
    a, dense = calls
    assert np.allclose(a, dense, atol=1e-6)
    assert np.asarray(a, dtype=np.float16).dtype == np.float16
    np.testing.assert_allclose(np.asarray(a[0, 0].T), dense[0, 0].T, atol=1e-6)
    with pytest.raises(ValueError, match="copy=False"):
        a.__array__(copy=False)


def test_bytes_are_counted_once_for_each_storage():
    fused = torch.randn(1, 4, 100, 3 * 16)
    q, k, _ = fused.split(16, -1)
    a = AttentionMap(Factors(q, k, 1.0))
    assert a.nbytes == fused.nbytes
    assert a.nbytes_dense == 4 * 100 * 100 * 4
    array = np.zeros((4, 100, 16), np.float32)
    assert AttentionMap(Factors(array, array[:, :50], 1.0)).nbytes == array.nbytes


def test_memory_of_numpy_is_counted_once_whatever_it_is_seen_through():
    memory = bytearray(4 * 100 * 16 * 4)
    tensor = torch.zeros(4, 100, 16)
    for one, other in (
        (np.frombuffer(memory, np.float32), np.frombuffer(memory, np.float32)),
        (np.frombuffer(memory, np.float32), memoryview(memory).cast("f")),
        (tensor.numpy(), tensor.numpy()),
        (tensor.numpy(), tensor),
        (tensor.numpy(), tensor[..., 1:].numpy()),
    ):
        q, k = (np.asarray(array).reshape(4, 100, -1) for array in (one, other))
        assert AttentionMap(Factors(q[..., :15], k[..., :15], 1.0)).nbytes == tensor.nbytes
    window = np.lib.stride_tricks.sliding_window_view(np.zeros((4, 100), np.float32), 8, axis=1)
    assert AttentionMap(Factors(window, window, 1.0)).nbytes == 4 * 100 * 4


def test_what_a_score_function_reads_is_counted():
    q, table = torch.zeros(1, 5, 4), torch.zeros(1000)
    a = AttentionMap(Factors(q, q, 1.0, score_mod=lambda score, b, h, i, j: score + table[j]))
    assert a.nbytes == q.nbytes + table.nbytes


def test_the_repr_says_how_the_map_is_held(calls):
    a, _ = calls
    held = 2 * 4 * 12 * 8 * 4 + 2 * 2 * 10 * 8 * 4
    assert (
        repr(a)
        == f"<AttentionMap (2, 4, 12, 10) float32, held as factors, {held / 1000:.1f} kB, 3.8 kB dense>"
    )
    assert repr(a.dense()).startswith("<AttentionMap (2, 4, 12, 10) float32, held as an array, 4.3 kB")
    assert repr(a.logits).startswith("<LazyMap (2, 4, 12, 10)")
    assert repr(a.T).endswith(".T")
    assert a.T.shape == (2, 4, 10, 12)
    assert a.T.T is a


def test_a_request_above_the_budget_names_the_ways_around_it(library, factors):
    case = {name: np.zeros((1, 1000, 4), np.float32) for name in "qk"} | {"scale": 1.0}
    a = AttentionMap(factors(case, library), budget="1MB")
    message = r"takes 4\.0 MB as an array, but the budget is 1\.0 MB: .*a\.pool\(256\).*budget="
    for ask in (a.numpy, a.tensor, a.array, a.dense, a.__array__):
        with pytest.raises(MemoryBudgetError, match=message):
            ask()
    with pytest.raises(MemoryBudgetError, match=r"\(1, 300, 1000\) takes 1\.2 MB"):
        a.rows(slice(300))
    assert a.numpy(budget="10MB").shape == (1, 1000, 1000)
    assert np.asarray(a[:, :10]).shape == (1, 10, 1000)


def test_results_of_the_size_of_the_map_are_under_the_budget_too(library, factors):
    case = {name: np.zeros((2, 500, 4), np.float32) for name in "qk"} | {"scale": 1.0}
    a = AttentionMap(factors(case, library), budget="1MB")
    eye = np.eye(500, dtype=np.float32)
    for ask in (
        lambda: a @ eye,
        lambda: a.T @ eye,
        lambda: a.pool(500),
        lambda: a.topk(200),
        lambda: a.quantile(np.linspace(0, 1, 300)),
        lambda: a.mass(list(range(300))),
    ):
        with pytest.raises(MemoryBudgetError, match=r"of shape \(2, 500, \d+\) takes .* budget is 1\.0 MB"):
            ask()
    assert (a[0] @ eye[:, :400]).shape == (500, 400)
    assert a[0, 3].topk(400)[0].shape == (400,)
    assert (a[..., :10].T @ eye).shape == (2, 10, 500)
    assert a.pool(300)[0].shape == (300, 300)


def test_without_a_budget_half_of_what_is_free_is_one():
    q = torch.zeros(1, 1, 1).expand(1, 10_000_000, 1)
    with pytest.raises(MemoryBudgetError, match=r"takes 400\.0 TB"):
        AttentionMap(Factors(q, q, 1.0)).numpy()


def test_a_factor_that_changed_since_the_call_is_an_error():
    q, k = tensors(1, 5, 4)
    a = AttentionMap(Factors(q, k, 1.0))
    a.entropy()
    k.mul_(2)
    for read in (a.numpy, a.entropy, a.received, a[0, 1].logits.numpy, a.heads().numpy, (a * a).numpy):
        with pytest.raises(VisualizerError, match="changed in place since then"):
            read()


def test_a_copy_of_a_map_counts_changes_anew():
    q, k = tensors(1, 5, 4)
    q.add_(1)
    a = AttentionMap(Factors(q, k, 1.0))
    expected = a.numpy()
    other = copy.deepcopy(a)
    q.add_(1)
    np.testing.assert_array_equal(other.numpy(), expected)


def test_factors_of_inference_mode_are_read_outside_it():
    with torch.inference_mode():
        q, k = tensors(1, 5, 4)
    assert AttentionMap(Factors(q, k, 1.0)).received().sum() == pytest.approx(5)


def test_reading_takes_no_part_in_gradients_and_autocast():
    q, k = tensors(2, 5, 4).requires_grad_()
    a = AttentionMap(Factors(q, k, 1.0))
    plain = a.entropy()
    with torch.autocast("cpu"):
        torch.testing.assert_close(a.entropy(), plain, rtol=0, atol=0)
    for found in (a.tensor(), a @ torch.ones(5, 2, requires_grad=True), a.received(), a.pool(2)):
        assert not found.requires_grad


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"k": torch.zeros(1, 3, 6, 4)}, "heads a multiple of key heads"),
        ({"k": torch.zeros(1, 2, 6, 5)}, r"q of shape \(1, 4, 5, 4\) and k of shape \(1, 2, 6, 5\)"),
        ({"mask": torch.ones(5, 7)}, r"mask of shape \(5, 7\)"),
        ({"bias": torch.ones(1, 1, 1, 5, 6)}, "bias of shape"),
        ({"scale": torch.ones(4)}, "scale of shape"),
        ({"slopes": torch.ones(3)}, "slopes of shape"),
        ({"sinks": torch.ones(2)}, "sinks of shape"),
        ({"query_valid": torch.ones(1, 6)}, "query_valid of shape"),
        ({"segments": (torch.zeros(5), torch.zeros(5))}, r"segments of \(5, 5\)"),
    ],
)
def test_factors_that_do_not_fit_are_said(change, message):
    fitting = {"q": torch.zeros(1, 4, 5, 4), "k": torch.zeros(1, 2, 6, 4), "scale": 1.0}
    with pytest.raises(ShapeError, match=message):
        Factors(**fitting | change)


def test_what_is_no_map_is_said():
    with pytest.raises(TargetError, match="a map was to be made of a list"):
        AttentionMap([[1.0]])
    with pytest.raises(TargetError, match="a map was to be made of a list"):
        Dense([[1.0]])
    with pytest.raises(ShapeError, match="a map of shape"):
        Dense(np.zeros(3))
    with pytest.raises(ShapeError, match="rest has shape"):
        Dense(np.zeros((3, 3)), rest=np.zeros(2))
    with pytest.raises(OptionError, match='"exact" or "model"'):
        AttentionMap(Dense(np.zeros((3, 3))), precision="half")


def test_a_band_that_forbids_nothing_is_none(calls):
    a, _ = calls
    q, k = tensors(1, 5, 4)
    np.testing.assert_array_equal(
        AttentionMap(Factors(q, k, 1.0, band=Band(0, None, None))).numpy(),
        AttentionMap(Factors(q, k, 1.0)).numpy(),
    )
