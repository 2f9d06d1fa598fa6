"""A map is indexed as an array, axis by axis, and stays lazy."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from visualizer.attention import AttentionMap
from visualizer.errors import ShapeError

close = np.testing.assert_allclose


def parts(length):
    """One part of an index for an axis of some length."""
    places = st.integers(-length, length - 1)
    return (
        places
        | st.slices(length)
        | st.lists(places, min_size=1, max_size=4)
        | st.lists(st.booleans(), min_size=length, max_size=length).map(np.array)
    )


def on_each_axis(dense, key):
    """Index one axis after the other, the last first, so that ints move no other."""
    for axis in reversed(range(len(key))):
        dense = dense[(slice(None),) * axis + (key[axis],)]
    return dense


@settings(max_examples=150)
@given(data=st.data())
def test_any_index_gives_what_it_gives_of_the_array(data, library, draw_case, factors, loop):
    case = draw_case(data)
    a, dense = AttentionMap(factors(case, library)), loop(case)[0]
    key = tuple(data.draw(parts(length)) for length in dense.shape[: data.draw(st.integers(0, dense.ndim))])
    expected = on_each_axis(dense, key)
    assert a[key].shape == expected.shape
    close(np.asarray(a[key]), expected, atol=1e-6)


@settings(max_examples=60)
@given(data=st.data())
def test_an_index_of_an_index(data, library, draw_case, factors, loop):
    case = draw_case(data)
    a, dense = AttentionMap(factors(case, library)), loop(case)[0]
    for _ in range(2):
        if 0 not in dense.shape and dense.ndim:
            key = (data.draw(parts(dense.shape[0])), ..., data.draw(parts(dense.shape[-1])))[
                : 1 + 2 * (dense.ndim > 1)
            ]
            dense = on_each_axis(dense, (key[0], *[slice(None)] * (dense.ndim - 2), *key[2:]))
            a = a[key]
    assert a.shape == dense.shape
    close(np.asarray(a), dense, atol=1e-6)


@settings(max_examples=60)
@given(data=st.data())
def test_parts_are_read_out_as_the_whole(data, library, draw_case, factors, loop):
    case = draw_case(data)
    a, dense = AttentionMap(factors(case, library)), loop(case)[0]
    key = tuple(data.draw(parts(length)) for length in dense.shape[:-1])
    a, dense = a[key], on_each_axis(dense, key)
    if 0 in dense.shape:
        with pytest.raises(ShapeError, match="which has no rows"):
            a.entropy()
        return
    close(a.entropy(), -(dense * np.log(np.where(dense > 0, dense, 1))).sum(-1), atol=1e-5)
    close(a @ np.arange(dense.shape[-1]), dense @ np.arange(dense.shape[-1]), atol=1e-4)
    if not isinstance(key[-1], int):
        close(a.received(), dense.sum(-2), atol=1e-5)
        u = np.arange(dense.shape[-2] * 2.0).reshape(-1, 2)
        close(a.T @ u, dense.swapaxes(-1, -2) @ u, atol=1e-4)


def test_tensors_and_numpy_integers_are_indices(calls):
    a, dense = calls
    close(np.asarray(a[torch.tensor(1), np.int64(2), torch.tensor([3, 0])]), dense[1, 2, [3, 0]], atol=1e-6)
    close(np.asarray(a[0, torch.tensor([True, False, True, False])]), dense[0, [0, 2]], atol=1e-6)


def test_columns_are_those_of_the_unchanged_softmax(calls):
    a, dense = calls
    columns = a[..., 2:5]
    close(np.asarray(columns), dense[..., 2:5], atol=1e-6)
    close(columns.received(), dense[..., 2:5].sum(-2), atol=1e-5)
    close(np.asarray(columns.heads()), dense[..., 2:5].mean(1, keepdims=True), atol=1e-6)
    close(a[0, 1, :, 3].received(), dense[0, 1, :, 3].sum(), atol=1e-5)
    assert "some of its columns" in repr(columns)


def test_a_map_is_a_sequence_of_its_parts(calls):
    a, dense = calls
    assert len(a) == 2
    assert [part.shape for part in a[0]] == [(12, 10)] * 4
    assert float(a[1, 2, 3, 0]) == pytest.approx(dense[1, 2, 3, 0], abs=1e-6)


def test_an_index_that_does_not_fit_is_said(calls):
    a, _ = calls
    with pytest.raises(ShapeError, match="place 4 of the head axis was asked for, but it has 4 places"):
        a[:, 4]
    with pytest.raises(ShapeError, match="place -13 of the query axis"):
        a[0, 0, -13]
    with pytest.raises(ShapeError, match="the key axis, 10 long"):
        a[..., [True, False]]
    with pytest.raises(ShapeError, match="does not fit a map of shape"):
        a[0, 0, 0, 0, 0]
    with pytest.raises(ShapeError, match="does not fit a map of shape"):
        a[..., None]
    with pytest.raises(TypeError, match="no single number"):
        float(a)
    with pytest.raises(TypeError, match="no length"):
        len(a[0, 0, 0, 0])
