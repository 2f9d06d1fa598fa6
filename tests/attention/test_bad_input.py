"""Input that cannot be used is refused in one sentence, by an error of this package."""

import numpy as np
import pytest
import torch

from visualizer.attention import AttentionMap, Band, Dense, Factors, LowRank, Stitched
from visualizer.errors import OptionError, ShapeError, TargetError, VisualizerError

RNG = np.random.default_rng(0)
Q, K = (RNG.normal(size=(1, 2, length, 4)).astype(np.float32) for length in (6, 5))
RAGGED = [[0], [1, 2]]
TEXT = np.array(["x"] * 5)

READS = {
    "a step of zero": (lambda a: a[::0], ShapeError, "a step other than 0"),
    "a slice of floats": (lambda a: a[0.5:], ShapeError, "a slice of ints"),
    "a ragged index": (lambda a: a[RAGGED], ShapeError, r"found \[\[0\], \[1, 2\]\]"),
    "a row of none": (lambda a: a.rows(None), ShapeError, "does not fit a map of shape"),
    "a row of a text": (lambda a: a.rows("x"), ShapeError, "the query axis, 6 long"),
    "ragged rows": (lambda a: a.rows(RAGGED), ShapeError, "the query axis, 6 long"),
    "one key": (lambda a: a.mass(3), OptionError, r"mass\(3\) .* in a list or a dict"),
    "one slice": (lambda a: a.mass(slice(0, 2)), OptionError, "in a list or a dict"),
    "no groups": (lambda a: a.mass(None), OptionError, r"mass\(None\)"),
    "ragged groups": (lambda a: a.mass([RAGGED]), ShapeError, "the key axis, 5 long"),
    "bins of a text": (lambda a: a.pool("x"), OptionError, r"pool\('x'\) .* whole number"),
    "bins of a pair": (lambda a: a.pool((2, 2)), OptionError, r"a.pool\(16, 8\)"),
    "bins of a float": (lambda a: a.pool(2.5), OptionError, "whole number"),
    "bins of keys": (lambda a: a.pool(2, "x"), OptionError, "whole number"),
    "topk of a text": (lambda a: a.topk("x"), OptionError, r"topk\('x'\) .* whole number"),
    "topk of none": (lambda a: a.topk(None), OptionError, "whole number"),
    "topk of a float": (lambda a: a.topk(1.5), OptionError, "whole number"),
    "quantile of a text": (lambda a: a.quantile("x"), OptionError, "a number from 0 to 1"),
    "quantile of a complex": (lambda a: a.quantile(0.5j), OptionError, "a number from 0 to 1"),
    "ragged quantiles": (lambda a: a.quantile([[0.1], [0.2, 0.3]]), OptionError, "a number from 0 to 1"),
    "times a text": (lambda a: a @ TEXT, TargetError, "a @ w .* real numbers"),
    "times none": (lambda a: a @ None, TargetError, "a @ w .* a NoneType"),
    "times ragged": (lambda a: a @ RAGGED, TargetError, "a @ w .* a list"),
    "times complex": (lambda a: a @ np.ones(5, complex), TargetError, "complex128"),
    "turned, times complex": (lambda a: a.T @ np.ones(6, complex), TargetError, "a.T @ u .*complex128"),
    "none times": (lambda a: None @ a, TargetError, "u @ a"),
    "a number times": (lambda a: 2.0 @ a, ShapeError, "a row for each query"),
    "cells of none": (lambda a: a * None, TargetError, r"a \* g .* a NoneType"),
    "complex cells": (lambda a: a * 1j, TargetError, r"a \* g .* a complex"),
    "a row turned": (lambda a: a[0, 0, 0].T.shape, ShapeError, "a.T .* no query axis"),
    "a length of none": (lambda a: len(a[0, 0, 0, 0]), TargetError, r"float\(a\)"),
    "a number of many": (float, TargetError, "no single number"),
    "logits of heads": (lambda a: a.heads().logits.array(), VisualizerError, "mean of 2 heads.*before heads"),
    "logits of a product": (lambda a: (a * 2).logits.array(), VisualizerError, "times another, which has"),
}
FACTORS = {
    "no scale": ({"scale": None}, OptionError, "scale=None"),
    "a complex scale": ({"scale": 1j}, OptionError, "scale=1j"),
    "a scale of a list": ({"scale": [1.0, 2.0]}, OptionError, "a real number"),
    "a soft cap of a text": ({"soft_cap": "x"}, OptionError, "soft_cap='x'"),
    "two soft caps": ({"soft_cap": np.ones(2)}, ShapeError, "soft_cap of shape"),
    "a band of numbers": ({"band": (0, None, 0)}, OptionError, "wanted is a Band"),
    "a band of a text": ({"band": "causal"}, OptionError, "wanted is a Band"),
    "a short band": ({"band": Band(np.arange(3))}, ShapeError, r"band.diagonal of shape \(3,\)"),
    "a mask of a list": ({"mask": [[True] * 5]}, TargetError, "mask was given as a list"),
    "a complex bias": (
        {"bias": np.ones(5, complex)},
        TargetError,
        "bias was given .*complex128",
    ),
    "sinks of a text": ({"sinks": "x"}, TargetError, "sinks was given as a str"),
    "padding of a list": ({"query_valid": [True] * 6}, TargetError, "query_valid was given as a list"),
    "no function": ({"mask_mod": "causal"}, TargetError, "mask_mod='causal'"),
    "queries of a list": ({"q": [[[1.0]]]}, TargetError, "q was given as a list"),
    "no queries": ({"q": None}, TargetError, "q was given as a NoneType"),
    "no keys": ({"k": None}, TargetError, "k was given as a NoneType"),
    "whole queries": ({"q": np.ones(Q.shape, int)}, TargetError, "int64: make it one of floats"),
    "complex queries": ({"q": Q * 1j}, TargetError, "complex64: make it one of floats"),
    "one segment": ({"segments": np.zeros(6, int)}, TargetError, "two arrays of integers"),
    "numbers of segments": ({"segments": (6, 5)}, TargetError, "two arrays of integers"),
    "segments of floats": ({"segments": (np.zeros(6), np.zeros(5))}, TargetError, "two arrays of integers"),
    "short values": ({"v": K[..., :4, :]}, ShapeError, r"v of shape \(1, 2, 4, 4\)"),
    "values of other heads": ({"v": np.ones((1, 3, 5, 4))}, ShapeError, "heads a multiple of key heads"),
}
OTHERS = {
    "a band of a half": (lambda: Band(0.5), OptionError, "an int or an array of integers"),
    "a window of a half": (lambda: Band(0, 0.5), OptionError, "left and right are ints or None"),
    "short padding": (lambda: Dense(np.eye(5), query_valid=np.ones(3, bool)), ShapeError, "query_valid of"),
    "a rest of a list": (lambda: Dense(np.eye(5), rest=[0.0] * 5), TargetError, "rest was given as a list"),
    "a complex map": (lambda: Dense(np.eye(5) * 1j), TargetError, "complex128"),
    "outer lists": (lambda: LowRank([[[1.0]]], [[[1.0]]]), TargetError, "left was given as a list"),
    "a stitched tensor": (lambda: Stitched([torch.ones(2, 2)]), TargetError, "AttentionMap, positions"),
    "a stitched array": (
        lambda: Stitched([(np.eye(2), [0, 1])]),
        TargetError,
        "a ndarray was",
    ),
    "ragged positions": (
        lambda: Stitched([(AttentionMap(Dense(np.eye(2))), RAGGED)]),
        TargetError,
        "positions .* a list",
    ),
    "a budget": (lambda: AttentionMap(Dense(np.eye(5)), budget="x"), OptionError, "budget of 'x'"),
}


@pytest.mark.parametrize("name", READS)
def test_what_cannot_be_read_out_is_said(name, library, factors):
    read, kind, message = READS[name]
    a = AttentionMap(factors({"q": Q, "k": K, "scale": 0.5}, library))
    with pytest.raises(kind, match=message):
        read(a)


@pytest.mark.parametrize("name", FACTORS)
def test_factors_that_cannot_be_used_are_said(name, library):
    change, kind, message = FACTORS[name]
    given = {"q": Q, "k": K, "scale": 0.5} | change
    if library == "torch":
        arrays = {key: value for key, value in given.items() if isinstance(value, np.ndarray)}
        given |= {key: torch.from_numpy(array) for key, array in arrays.items()}
    with pytest.raises(kind, match=message):
        Factors(**given)


@pytest.mark.parametrize("name", OTHERS)
def test_other_maps_that_cannot_be_made_are_said(name):
    make, kind, message = OTHERS[name]
    with pytest.raises(kind, match=message):
        make()


def test_torch_makes_a_tensor_of_a_map(library, factors):
    a = AttentionMap(factors({"q": Q, "k": K, "scale": 0.5}, library))
    for tensor in (torch.as_tensor(a), torch.as_tensor(a.T).mT, torch.asarray(a)):
        np.testing.assert_array_equal(tensor.numpy(), a.numpy())


def test_numbers_of_numpy_are_bands_counts_and_quantiles():
    a, b = (AttentionMap(Factors(Q, K, 0.5, band=Band(kind(1), kind(2)))) for kind in (int, np.int64))
    np.testing.assert_array_equal(a.numpy(), b.numpy())
    np.testing.assert_array_equal(a.pool(np.int64(2)), a.pool(2, 2))
    np.testing.assert_array_equal(a.quantile(torch.tensor([0.5])), a.quantile([0.5]))


def test_a_changed_factor_of_a_map_of_ones_own_advises_copies():
    a = AttentionMap(Dense(array := torch.eye(3)))
    array.zero_()
    with pytest.raises(VisualizerError, match="make the map of copies"):
        a.numpy()
