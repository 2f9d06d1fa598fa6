"""Whatever may be given as factors is read, or refused in one sentence: kinds, numbers, and empty axes."""

import numpy as np
import pytest
import torch

from visualizer.attention import AttentionMap, Band, Factors, LowRank, Stitched
from visualizer.errors import ShapeError, TargetError, VisualizerError

close = np.testing.assert_allclose


def call(*shape, seed=0):
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=shape).astype(np.float32) for name in "qk"}


@pytest.mark.parametrize("number", [np.float64, np.float32, np.array, float])
def test_numbers_of_numpy_are_scales_and_soft_caps(number, library, factors):
    case = call(1, 2, 5, 4)
    expected = AttentionMap(factors(case | {"scale": 0.5, "soft_cap": 2.0}, library))
    a = AttentionMap(factors(case | {"scale": number(0.5), "soft_cap": number(2.0)}, library))
    close(a.numpy(), expected.numpy(), atol=1e-7)
    b = AttentionMap(factors(case | {"scale": number(0.5)}, library))
    close(b.received(), AttentionMap(factors(case | {"scale": 0.5}, library)).received(), atol=1e-6)


def test_factors_of_both_libraries_are_read_in_that_of_the_queries(library):
    case = call(1, 2, 5, 4)
    mask, bias = np.tri(5, dtype=bool), np.ones((5, 5), np.float32)
    expected = AttentionMap(Factors(**case, scale=0.5, mask=mask, bias=bias)).numpy()
    given = {**case, "mask": mask, "bias": bias}
    given = {name: torch.from_numpy(array) for name, array in given.items()}
    given["q"] = given["q"] if library == "torch" else case["q"]
    others = {**case, "mask": mask, "bias": bias} if library == "torch" else given
    a = AttentionMap(Factors(**others | {"q": given["q"]}, scale=0.5))
    assert isinstance(a.array(), torch.Tensor if library == "torch" else np.ndarray)
    close(a.numpy(), expected, atol=1e-7)
    close(a.received(), expected.sum(-2), atol=1e-5)


def test_maps_of_both_libraries_have_a_product():
    case = call(1, 2, 5, 4)
    a = AttentionMap(Factors(**case, scale=0.5))
    b = AttentionMap(Factors(**{name: torch.from_numpy(case[name]) for name in case}, scale=0.5))
    for product in (a * b, b * a, a * b.tensor(), b * a.array()):
        close(product.numpy(), a.numpy() ** 2, atol=1e-6)
    close((a @ torch.eye(5)), a.numpy(), atol=1e-5)
    close((b @ np.eye(5)).numpy(), a.numpy(), atol=1e-5)
    outer = AttentionMap(LowRank(case["q"], torch.from_numpy(case["k"])))
    close(outer.numpy(), case["q"] @ case["k"].swapaxes(-1, -2), atol=1e-6)
    with pytest.raises(TargetError, match="make them of one library"):
        Stitched([(a, range(5)), (b, range(5))])


def test_groups_without_keys_have_no_mass(library, factors):
    a = AttentionMap(factors(call(1, 2, 5, 4) | {"scale": 0.5}, library))
    close(
        a.mass({"none": slice(3, 3), "no numbers": [], "all": slice(None)}),
        [[[[0, 0, 1]] * 5] * 2],
        atol=1e-6,
    )


READS = {
    "array": lambda a: a.array(),
    "logits": lambda a: a.logits.array(),
    "apply": lambda a: a @ np.ones(a.shape[-1]),
    "apply_t": lambda a: a.T @ np.ones(a.shape[-2]),
    "entropy": lambda a: a.entropy(),
    "received": lambda a: a.received(),
    "mean received": lambda a: a.received(how="mean"),
    "mass": lambda a: a.mass([slice(None)]),
    "pool": lambda a: a.pool(1),
    "max": lambda a: a.pool(1, how="max"),
    "topk": lambda a: a.topk(1)[0],
    "argmax": lambda a: a.argmax(),
    "quantile": lambda a: a.quantile(0.5),
    "position": lambda a: a.expected_position(),
    "rest": lambda a: a.rest,
    "masked": lambda a: a.masked_rows,
    "logsumexp": lambda a: a.logsumexp(),
    "heads": lambda a: a.heads().array(),
    "product": lambda a: (a * a).array(),
    "dense": lambda a: a.dense().array(),
}
EMPTY = {
    "queries": ((1, 2, 0, 4), (1, 2, 5, 4)),
    "keys": ((1, 2, 5, 4), (1, 2, 0, 4)),
    "items": ((0, 2, 5, 4), (0, 2, 5, 4)),
    "heads": ((1, 0, 5, 4), (1, 0, 5, 4)),
    "columns": ((1, 2, 5, 0), (1, 2, 5, 0)),
    "queries and keys": ((1, 2, 0, 4), (1, 2, 0, 4)),
}


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("empty", EMPTY)
@pytest.mark.parametrize("band", [None, Band()])
def test_maps_with_empty_axes_are_read_or_refused(empty, read, band, library):
    q, k = (np.zeros(shape, np.float32) for shape in EMPTY[empty])
    if library == "torch":
        q, k = torch.from_numpy(q), torch.from_numpy(k)
    a = AttentionMap(Factors(q, k, 1.0, band=band))
    try:
        found = np.asarray(READS[read](a))
    except VisualizerError:
        assert empty not in {"columns", "keys"} or read in {"pool", "max", "topk", "argmax", "quantile"}
    else:
        assert np.isfinite(found).all() or read in {"logits", "logsumexp", "position"}


def test_rows_without_keys_are_empty(library, factors):
    case = call(1, 2, 5, 4) | {"k": np.zeros((1, 2, 0, 4), np.float32), "scale": 1.0}
    a = AttentionMap(factors(case, library))
    close(a.rest, 1)
    close(a.entropy(), 0)
    assert a.received().shape == (1, 2, 0)
    for read in (a.argmax, lambda: a.quantile(0.5)):
        with pytest.raises(ShapeError, match="rows without keys"):
            read()


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_halves_are_read_in_the_models_precision(read, dtype):
    q, k = (torch.from_numpy(array).to(dtype) for array in call(1, 2, 6, 4).values())
    a, exact = (AttentionMap(Factors(q, k, 0.5, band=Band()), precision=way) for way in ("model", "exact"))
    close(READS[read](a).double().numpy(), READS[read](exact).double().numpy(), rtol=0.1, atol=0.1)
