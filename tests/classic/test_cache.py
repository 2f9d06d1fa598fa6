"""Lists of recorded values by key, under a memory budget."""

import threading
import warnings

import numpy as np
import pytest

from visualizer.cache import Cache
from visualizer.errors import MemoryBudgetError, OptionError
from visualizer.notices import RecordingWarning


@pytest.fixture
def cache():
    cache = Cache()
    cache.configure("numpy", "1MB")
    return cache


def kilobytes(count):
    return np.zeros(count * 1000, dtype=np.uint8)


def record_all(cache, key, values):
    for value in values:
        cache.record(key, value)


def test_values_stand_under_their_key_in_the_order_of_arrival(cache):
    for key, value in [("f", 1), ("g", 2), ("f", 3)]:
        cache.record(key, value)
    assert cache.values == {"f": [1, 3], "g": [2]}


def test_an_opened_key_has_an_empty_list_and_keeps_a_full_one(cache):
    cache.record("f", 1)
    cache.open("f")
    cache.open("g")
    assert cache.values == {"f": [1], "g": []}


def test_clearing_puts_new_lists_under_all_keys(cache):
    cache.record("f", 1)
    held = cache.values["f"]
    cache.clear()
    assert (cache.values, held) == ({"f": []}, [1])


def test_a_deleted_key_comes_back_with_the_next_value(cache):
    cache.record("f", 1)
    del cache.values["f"]
    cache.record("f", 2)
    assert cache.values == {"f": [2]}


def test_replacing_fills_the_one_dict_anew(cache):
    values = cache.values
    cache.record("f", 1)
    cache.replace({"g": [2]})
    cache.replace(cache.values)
    assert values is cache.values
    assert values == {"g": [2]}


def test_a_value_past_the_budget_and_all_after_it_are_left_out(cache):
    for size in (600, 600, 1):
        cache.record("f", kilobytes(size))
    assert [len(value) for value in cache.values["f"]] == [600_000]


def test_the_budget_is_told_once_with_the_biggest_keys_and_the_remedy(cache):
    for key, size in [("small", 100), ("big", 300), ("big", 300), ("big", 900)]:
        cache.record(key, kilobytes(size))
    sentence = (
        r"stopped at its memory budget of 1.0 MB: 900.0 kB for 'big' did not fit beside "
        r"'big' \(600.0 kB in 2 values\), 'small' \(100.0 kB in 1 values\); "
        r"give get_local.activate\(budget=...\) more, call get_local.clear\(\) between batches"
    )
    with pytest.raises(MemoryBudgetError, match=sentence):
        cache.speak()
    cache.record("big", kilobytes(1))
    cache.speak()
    assert len(cache.values["big"]) == 2


def test_a_copy_wider_than_its_value_is_held_to_the_budget_too(cache):
    class Half:
        nbytes = 600_000

        def __array__(self, dtype=None, copy=None):
            return kilobytes(1200)

    cache.record("f", Half())
    assert cache.values == {}
    with pytest.raises(MemoryBudgetError):
        cache.speak()


def test_a_value_far_too_large_is_not_even_copied(cache):
    class Huge:
        nbytes = 10**15

        def __array__(self, dtype=None, copy=None):
            raise AssertionError("copied")

    cache.record("f", Huge())
    with pytest.raises(MemoryBudgetError, match="1.0 PB for 'f' did not fit; give"):
        cache.speak()


def test_clearing_frees_the_budget(cache):
    for _ in range(3):
        cache.record("f", kilobytes(900))
        cache.clear()
    cache.speak()


def test_replacing_frees_the_budget(cache):
    for _ in range(3):
        cache.record("f", kilobytes(900))
        cache.replace({})
    cache.speak()


EMPTY = {"clear": lambda cache: cache.clear(), "replace": lambda cache: cache.replace({})}


@pytest.mark.parametrize("empty", EMPTY.values(), ids=EMPTY)
def test_a_stop_at_the_budget_is_told_once_though_the_cache_was_emptied_since(cache, empty):
    for _ in range(2):
        cache.record("f", kilobytes(900))
    empty(cache)
    cache.record("f", kilobytes(900))
    with pytest.raises(MemoryBudgetError, match=r"900\.0 kB for 'f' did not fit"):
        cache.speak()
    empty(cache)
    cache.speak()


def test_lists_emptied_by_hand_make_room_before_the_budget_is_used_up(cache):
    for _ in range(5):
        cache.record("f", kilobytes(900))
        cache.values["f"] = []
    cache.speak()


def test_lists_emptied_by_hand_make_room_after_recording_stopped(cache):
    cache.record("f", kilobytes(900))
    cache.record("f", kilobytes(900))
    with pytest.raises(MemoryBudgetError):
        cache.speak()
    cache.values["f"] = []
    cache.record("f", kilobytes(900))
    assert len(cache.values["f"]) == 1


def test_a_larger_budget_lets_recording_go_on_and_the_gap_is_still_told(cache):
    cache.record("f", kilobytes(900))
    cache.record("f", kilobytes(900))
    cache.configure("numpy", "3MB")
    cache.record("f", kilobytes(900))
    assert len(cache.values["f"]) == 2
    with pytest.raises(MemoryBudgetError, match=r"budget of 1\.0 MB"):
        cache.speak()


def test_what_is_held_already_counts_against_a_new_budget(cache):
    cache.record("f", kilobytes(900))
    cache.configure("numpy", "1MB")
    cache.record("f", kilobytes(900))
    assert len(cache.values["f"]) == 1


def test_one_object_kept_by_reference_many_times_is_paid_for_once(cache):
    cache.configure("reference", "1MB")
    weight = kilobytes(500)
    for _ in range(10):
        cache.record("f", weight)
    cache.speak()
    assert len(cache.values["f"]) == 10


def test_the_budget_is_half_of_the_free_memory_by_default(cache, monkeypatch):
    monkeypatch.setattr("visualizer.cache.free_bytes", lambda: 1_000_000)
    cache.configure("numpy", None)
    cache.record("f", kilobytes(400))
    cache.record("f", kilobytes(101))
    with pytest.raises(MemoryBudgetError, match=r"budget of 500\.0 kB"):
        cache.speak()


@pytest.mark.parametrize(
    ("keep", "budget", "sentence"),
    [
        ("torch", "1GB", "keep='torch' was asked for; choose 'numpy', 'tensor', 'reference'"),
        (["numpy"], "1GB", r"keep=\['numpy'\] was asked for"),
        ("numpy", "much", "budget of 'much' was asked for"),
    ],
)
def test_a_wrong_option_changes_nothing(cache, keep, budget, sentence):
    with pytest.raises(OptionError, match=sentence):
        cache.configure(keep, budget)
    cache.record("f", kilobytes(500))
    cache.record("f", kilobytes(501))
    with pytest.raises(MemoryBudgetError, match="budget of 1.0 MB"):
        cache.speak()


def test_a_value_without_a_copy_is_left_out_with_one_warning_for_its_key(cache):
    with pytest.warns(RecordingWarning, match=r"cache\['f'\].*holds a object.*keep=\"reference\"") as said:
        record_all(cache, "f", [object(), object(), 1])
    assert len(said) == 1
    assert cache.values == {"f": [1]}


def test_a_warning_that_is_an_error_waits_for_the_next_reading(cache):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cache.record("f", object())
        with pytest.raises(RecordingWarning, match=r"cache\['f'\]"):
            cache.speak()
        cache.speak()


def test_a_warning_points_at_the_line_outside_the_package(cache):
    with pytest.warns(RecordingWarning) as said:
        cache.record("f", object())
    assert said[0].filename == __file__


def test_something_else_than_a_list_under_a_key_never_stops_the_recorded_function(cache):
    cache.values["f"] = ()
    with pytest.warns(RecordingWarning, match=r"cache\['f'\] was not recorded: .*append"):
        cache.record("f", 1)


def test_a_copy_that_records_in_turn_does_not_wait_for_itself(cache):
    class Recording:
        def __array__(self, dtype=None, copy=None):
            cache.record("inner", 1)
            return np.zeros(1)

    cache.record("outer", Recording())
    assert sorted(cache.values) == ["inner", "outer"]


def test_many_threads_lose_no_value(cache):
    def work():
        for number in range(500):
            cache.record("f", number)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(cache.values["f"]) == sorted(8 * list(range(500)))


def test_a_lock_held_elsewhere_does_not_outlive_its_renewal(cache):
    taken, done = threading.Event(), threading.Event()

    class Slow:
        def __array__(self, dtype=None, copy=None):
            taken.set()
            done.wait(60)
            return np.zeros(1)

    thread = threading.Thread(target=cache.record, args=("slow", Slow()))
    thread.start()
    taken.wait(60)
    cache.renew_lock()
    cache.record("f", 1)
    assert cache.values == {"f": [1]}
    done.set()
    thread.join()
