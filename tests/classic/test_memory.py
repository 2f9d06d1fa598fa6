"""Byte sizes read, shown and measured."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visualizer import memory
from visualizer.errors import OptionError


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4GB", 4 * 10**9),
        ("4G", 4 * 10**9),
        ("4 gib", 4 * 2**30),
        ("1.5KiB", 1536),
        ("20 MB", 20_000_000),
        ("2TB", 2 * 10**12),
        ("100", 100),
        ("100B", 100),
        (512, 512),
        (1.5e9, 1_500_000_000),
    ],
)
def test_a_size_is_read_in_decimal_and_binary_units(text, size):
    assert memory.parse_bytes(text) == size


@pytest.mark.parametrize(
    "size",
    [
        "",
        "lots",
        "4 GB please",
        "-1GB",
        "1.2.3GB",
        "GB",
        0,
        -5,
        "0GB",
        True,
        float("nan"),
        float("inf"),
        [1],
        f"1{'0' * 400} GB",
    ],
)
def test_a_size_that_is_none_is_named_with_an_example(size):
    with pytest.raises(OptionError, match="memory budget of .* was asked for; give a positive size"):
        memory.parse_bytes(size)


@given(st.integers(min_value=1, max_value=10**15))
def test_a_shown_size_reads_back_within_its_rounding(count):
    shown = memory.format_bytes(count).replace(",", "").replace("bytes", "").replace("byte", "")
    assert memory.parse_bytes(shown) == pytest.approx(count, rel=0.051)


def test_the_free_memory_of_this_machine_is_a_plausible_count():
    assert 2**20 < memory.free_bytes() < 2**50


def test_arrays_in_containers_are_measured_by_their_data():
    value = [np.zeros((2, 3)), (np.zeros(4, dtype=np.int8),), {"mask": np.zeros(10, dtype=np.float16)}]
    assert memory.measure_bytes(value) == 48 + 4 + 20


def test_an_object_held_twice_is_measured_once():
    array = np.zeros(100)
    assert memory.measure_bytes([array, array, {"again": array}]) == 800


def test_numbers_and_strings_are_not_free():
    assert memory.measure_bytes([float(number) for number in range(1000)]) >= 24_000
    assert memory.measure_bytes("x" * 1000) >= 1000


def test_a_list_that_holds_itself_is_measured():
    endless = [np.zeros(2)]
    endless.append(endless)
    assert memory.measure_bytes(endless) == 16


def test_an_object_that_answers_to_every_name_is_not_asked_for_its_size():
    class Proxy:
        def __getattr__(self, name):
            raise AssertionError(name)

    assert 0 < memory.measure_bytes(Proxy()) < 1000


def test_an_object_that_cannot_tell_its_bytes_is_measured_as_if_dense():
    class Sparse:
        @property
        def nbytes(self):
            raise RuntimeError

        def numel(self):
            return 6

        def element_size(self):
            return 4

    assert memory.measure_bytes(Sparse()) == 24


def test_an_object_that_knows_nothing_of_its_size_counts_as_a_bare_object():
    class Unknown:
        @property
        def nbytes(self):
            raise RuntimeError

    assert 0 < memory.measure_bytes(Unknown()) < 1000
