"""Copies that later changes cannot reach, of values that need no deep-learning framework."""

import array
import pickle
from collections import OrderedDict, UserDict
from types import MappingProxyType, SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from visualizer.snapshots import NoCopyError, _portable, copy_around_tensors, copy_as_numpy


class Point(NamedTuple):
    x: object
    y: object


leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=3)
    | npst.arrays(dtype=st.sampled_from(["f4", "i8", "?", "c16"]), shape=npst.array_shapes(max_side=3))
)
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
)


def equal(left, right):
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(equal, left, right))
    return type(left) is type(right) and np.array_equal(left, right, equal_nan=isinstance(left, np.ndarray))


def arrays_of(tree):
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, list):
        return [found for item in tree for found in arrays_of(item)]
    return [tree] if isinstance(tree, np.ndarray) else []


@given(trees)
def test_a_copy_equals_its_original_and_shares_no_array(tree):
    copy = copy_as_numpy(tree)
    assert equal(copy, tree)
    assert not any(np.shares_memory(a, b) for a in arrays_of(copy) for b in arrays_of(tree) if a.size)


@pytest.mark.parametrize("value", [None, True, 3, 2.5, 1j, "text", b"bytes"])
def test_plain_values_stay_the_same_objects(value):
    assert copy_as_numpy(value) is value


def test_a_numpy_scalar_keeps_its_dtype():
    copy = copy_as_numpy(np.float32(0.5))
    assert (copy, copy.dtype) == (0.5, np.float32)


@pytest.mark.parametrize("dtype", ["float16", "uint8", "complex64", "datetime64[s]", "<U3", "i4,f8"])
def test_an_array_keeps_its_dtype(dtype):
    assert copy_as_numpy(np.zeros(2, dtype)).dtype == np.dtype(dtype)


@pytest.mark.parametrize(
    ("name", "portable"),
    [("bfloat16", "float32"), ("float8_e4m3fn", "float32"), ("int4", "int8"), ("uint4", "int8")],
)
def test_a_short_dtype_of_another_package_becomes_one_of_numpys(name, portable):
    assert _portable(SimpleNamespace(name=name, isbuiltin=2)) == np.dtype(portable)


def test_an_unknown_dtype_of_another_package_is_kept():
    dtype = SimpleNamespace(name="rational", isbuiltin=2)
    assert _portable(dtype) is dtype


def test_a_strided_view_becomes_a_contiguous_copy_of_what_it_shows():
    base = np.arange(12).reshape(3, 4)
    copy = copy_as_numpy(base.T[::2])
    assert copy.flags.c_contiguous
    assert copy.tolist() == base.T[::2].tolist()


def test_subclasses_of_containers_become_plain_containers():
    value = Point([1], (OrderedDict(a=1), UserDict(b=2), MappingProxyType({"c": 3})))
    copy = copy_as_numpy(value)
    assert copy == ([1], ({"a": 1}, {"b": 2}, {"c": 3}))
    assert type(copy) is tuple
    assert [type(item) for item in copy[1]] == [dict, dict, dict]


def test_a_list_appended_to_later_leaves_the_copy_alone():
    value = [1]
    copy = copy_as_numpy(value)
    value.append(2)
    assert copy == [1]


def test_a_masked_array_keeps_its_mask():
    copy = copy_as_numpy(np.ma.masked_equal([1, 2, 3], 2))
    assert copy.mask.tolist() == [False, True, False]


def test_a_subclass_of_array_becomes_a_plain_array():
    assert type(copy_as_numpy(np.asarray([[1]]).view(np.recarray))) is np.ndarray


def test_an_array_of_objects_is_copied_through_and_through():
    inner = np.zeros(2)
    outer = np.empty((1, 2), dtype=object)
    outer[0, 0], outer[0, 1] = inner, [inner]
    copy = copy_as_numpy(outer)
    inner[:] = 1
    assert copy[0, 0].tolist() == [0, 0]
    assert copy[0, 1][0].tolist() == [0, 0]


@pytest.mark.parametrize("value", [bytearray(b"ab"), memoryview(b"ab"), array.array("B", b"ab")])
def test_whatever_lends_its_buffer_becomes_an_array(value):
    copy = copy_as_numpy(value)
    assert copy.tolist() == [97, 98]
    assert not np.shares_memory(copy, np.asarray(value))


def test_whatever_has_an_array_method_becomes_an_array():
    class Framework:
        def __array__(self, dtype=None, copy=None):
            return np.arange(3, dtype=dtype)

    assert copy_as_numpy(Framework()).tolist() == [0, 1, 2]


def test_whatever_has_a_numpy_method_becomes_an_array():
    class Framework:
        def numpy(self):
            return np.arange(3)

    assert copy_as_numpy([Framework()])[0].tolist() == [0, 1, 2]


class ForeignTensor:
    """A tensor of no known framework whose numpy() shares its memory."""

    def __init__(self, data):
        self.data = data

    def detach(self):
        return ForeignTensor(self.data)

    cpu = detach

    def numpy(self):
        return self.data


def test_a_foreign_tensor_that_shares_its_memory_is_copied():
    data = np.zeros(2)
    copy = copy_as_numpy(ForeignTensor(data))
    data[:] = 1
    assert copy.tolist() == [0, 0]


def test_a_tensor_from_a_device_is_copied_once():
    class OnDevice(ForeignTensor):
        device = SimpleNamespace(type="accelerator")

        def detach(self):
            return self

        def cpu(self):
            arrived.append(self.data.copy())
            return ForeignTensor(arrived[-1])

    arrived = []
    copy = copy_as_numpy(OnDevice(np.zeros(2)))
    assert copy is arrived[0]


def test_a_live_copy_holds_the_tensors_themselves_in_new_containers():
    tensor, plain = ForeignTensor(np.zeros(2)), np.zeros(2)
    value = {"attn": [tensor], "mask": plain}
    copy = copy_around_tensors(value)
    assert copy["attn"][0] is tensor
    assert copy["attn"] is not value["attn"]
    assert copy["mask"] is not plain


class Answering:
    """Answers to every name, as a tracing proxy does, and counts the answers."""

    def __init__(self):
        self.asked = []

    def __getattr__(self, name):
        self.asked.append(name)
        return lambda *args, **kwargs: self


@pytest.mark.parametrize("copy", [copy_as_numpy, copy_around_tensors])
@pytest.mark.parametrize("value", [object(), SimpleNamespace(a=1), len, {1}, Answering()])
def test_a_leaf_without_a_numpy_form_is_named_by_its_type(copy, value):
    kind = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
    with pytest.raises(NoCopyError, match=f"^it holds a {name}, which has no numpy form;"):
        copy({"deep": [(1, value)]})


def test_an_object_that_answers_to_every_name_is_not_called():
    value = Answering()
    with pytest.raises(NoCopyError):
        copy_as_numpy(value)
    assert value.asked == []


def test_a_leaf_whose_conversion_fails_is_named_with_what_went_wrong():
    class Tracer:
        def __array__(self, dtype=None, copy=None):
            raise RuntimeError("only a tracer")

    sentence = r"Tracer, which could not be copied \(RuntimeError: only a tracer\)"
    with pytest.raises(NoCopyError, match=sentence) as caught:
        copy_as_numpy((Tracer(),))
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_a_list_that_holds_itself_has_no_copy():
    endless = []
    endless.append(endless)
    with pytest.raises(NoCopyError, match="list"):
        copy_as_numpy(endless)


@given(trees)
def test_a_copy_survives_pickling(tree):
    copy = copy_as_numpy(tree)
    assert equal(pickle.loads(pickle.dumps(copy)), copy)
