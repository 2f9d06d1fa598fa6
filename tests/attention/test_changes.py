"""A map is that of its call, or an error: what was changed in place since then is noticed."""

import copy
from functools import partial

import numpy as np
import pytest
import torch

from visualizer.attention import AttentionMap, Dense, Factors, LowRank
from visualizer.attention.closures import arrays_read
from visualizer.errors import VisualizerError

TABLE = torch.zeros(9)


def tensors(count, *shape):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=generator) for _ in range(count)]


def raises_after(change, *maps):
    for a in maps:
        a.numpy()
    change()
    for a in maps:
        with pytest.raises(VisualizerError, match="changed in place since then"):
            a.numpy()


def test_both_sides_of_a_product_are_watched():
    q, k, other, array = tensors(4, 1, 5, 5)
    a, b = (AttentionMap(Factors(one, k, 1.0)) for one in (q, other))
    raises_after(lambda: other.mul_(2), a * b, b * a, (a * b).heads("max"))
    raises_after(lambda: array.zero_(), a * array, array * a[:, :5])


def test_maps_that_are_held_otherwise_are_watched():
    left, right, array = tensors(3, 1, 5, 5)
    raises_after(lambda: right.zero_(), AttentionMap(LowRank(left, right)))
    raises_after(lambda: array.zero_(), AttentionMap(Dense(array)), AttentionMap(Dense(array))[0, 1:])


class Bias:
    def __init__(self, table):
        self.table, self.other = table, table.clone()

    def __call__(self, score, b, h, i, j):
        return score + self.table[j]

    def method(self, score, b, h, i, j):
        return self(score, b, h, i, j)


def functions_of(table):
    bias, tables = Bias(table), {"of this": [table]}

    def named(score, b, h, i, j, table=table):
        return score + table[j]

    def of_a_table(mine, score, b, h, i, j):
        return score + mine[j]

    return {
        "closure": lambda score, b, h, i, j: score + table[j],
        "container": lambda score, b, h, i, j: score + tables["of this"][0][j],
        "attribute": lambda score, b, h, i, j: score + bias.table[j],
        "inner": lambda score, b, h, i, j: next(score + table[place] for place in [j]),
        "default": named,
        "partial": partial(of_a_table, table),
        "callable": bias,
        "method": bias.method,
    }


@pytest.mark.parametrize("how", functions_of(TABLE))
def test_what_a_score_function_reads_is_watched(how):
    q, k = tensors(2, 1, 5, 4)
    table = torch.zeros(5)
    function = functions_of(table)[how]
    assert [array is table for array in arrays_read(function)] == [True]
    raises_after(lambda: table.add_(1), AttentionMap(Factors(q, k, 1.0, score_mod=function)))


def test_what_a_mask_function_reads_by_name_is_watched():
    q, k = tensors(2, 1, 5, 4)
    a = AttentionMap(Factors(q, k, 1.0, mask_mod=lambda b, h, i, j: TABLE[j] == 0))
    raises_after(lambda: TABLE.add_(0), a)


def test_attributes_that_a_function_does_not_name_may_change():
    q, k, table = tensors(3, 1, 5, 4)
    bias = Bias(table[0, :, 0])
    a = AttentionMap(Factors(q, k, 1.0, score_mod=bias))
    expected = a.numpy()
    bias.other.zero_()
    np.testing.assert_array_equal(a.numpy(), expected)


def test_a_copy_of_a_map_counts_anew_what_its_function_reads():
    q, k = tensors(2, 1, 5, 4)
    table = torch.zeros(5)
    a = AttentionMap(Factors(q, k, 1.0, score_mod=lambda score, b, h, i, j: score + table[j]))
    table.add_(1)
    assert copy.deepcopy(a).shape == (1, 5, 5)


def test_maps_of_tensors_with_a_graph_are_copied():
    q, k = (tensor.requires_grad_() * 1 for tensor in tensors(2, 1, 5, 4))
    a = AttentionMap(Factors(q, k, 1.0))
    for b in (a, AttentionMap(Dense(q)), AttentionMap(LowRank(q, k)), a * (q @ k.mT)):
        np.testing.assert_array_equal(copy.deepcopy(b).numpy(), b.numpy())
