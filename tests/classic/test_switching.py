"""Switching on and off, and what a user is told."""

import threading
import warnings
import weakref

import numpy as np
import pytest

from visualizer import visualizer as original_place
from visualizer.classic import get_local
from visualizer.errors import MemoryBudgetError, VisualizerError
from visualizer.notices import RecordingWarning


def make(name="f"):
    space = {}
    exec(f"def {name}(x):\n    a = x\n    return a\n", space)
    return space[name]


def kilobytes(count):
    return np.zeros(count * 1000, dtype=np.uint8)


def test_the_original_place_has_the_same_object():
    assert original_place.get_local is get_local


def test_a_flag_set_to_true_activates():
    f = get_local("a")(make())
    assert get_local.is_activate is False
    get_local.is_activate = True
    assert get_local.is_activate is True
    f(1)
    assert get_local.cache == {"f": [1]}


def test_a_flag_set_to_false_deactivates(active):
    f = make()
    code = f.__code__
    get_local("a")(f)
    get_local.is_activate = False
    assert f.__code__ is code
    assert not get_local.is_activate


def test_a_flag_set_to_what_it_is_changes_nothing():
    get_local.is_activate = False
    get_local.activate(keep="reference")
    get_local.is_activate = True
    f = get_local("a")(make())
    anything = object()
    f(anything)
    assert get_local.cache["f"][0] is anything


def test_flag_and_cache_are_reachable_on_a_decorator(active):
    decorator = get_local("a")
    decorator(make())(1)
    assert decorator.is_activate
    assert decorator.cache is get_local.cache
    decorator.clear()
    assert get_local.cache == {"f": []}
    decorator.deactivate()
    assert not get_local.is_activate


def test_a_subclass_shares_the_switch_and_the_cache():
    class mine(get_local):
        pass

    f = mine("a")(make())
    mine.activate()
    f(1)
    assert get_local.is_activate
    assert mine.cache is get_local.cache


def test_after_deactivation_nothing_is_added_and_what_there_was_stays(active):
    f = get_local("a")(make())
    f(1)
    get_local.deactivate()
    f(2)
    assert get_local.cache == {"f": [1]}


def test_activation_and_deactivation_can_be_repeated():
    f = get_local("a")(make())
    code = f.__code__
    for number in range(5):
        get_local.activate()
        get_local.activate()
        f(number)
        get_local.deactivate()
        get_local.deactivate()
        assert f.__code__ is code
    assert get_local.cache == {"f": [0, 1, 2, 3, 4]}


def test_activating_again_changes_what_is_kept(active):
    f = get_local("a")(make())
    array = np.zeros(1)
    f(array)
    get_local.activate(keep="reference")
    f(array)
    assert [value is array for value in get_local.cache["f"]] == [False, True]


@pytest.mark.parametrize("options", [{"keep": "all"}, {"budget": "much"}, {"budget": 0}])
def test_a_wrong_option_is_an_error_and_leaves_recording_off(options):
    f = make()
    code = f.__code__
    get_local("a")(f)
    with pytest.raises(VisualizerError, match="was asked for") as caught:
        get_local.activate(**options)
    assert isinstance(caught.value, ValueError)
    assert not get_local.is_activate
    assert f.__code__ is code


def test_the_cache_is_one_dict_for_life(active):
    cache = get_local.cache
    f = get_local("a")(make())
    f(1)
    get_local.clear()
    get_local.cache = {"mine": [0]}
    get_local.deactivate()
    get_local.activate()
    f(2)
    assert get_local.cache is cache
    assert cache == {"mine": [0], "f": [2]}
    assert type(cache) is dict


def test_clearing_leaves_a_list_that_was_taken_out(active):
    f = get_local("a")(make())
    f(1)
    held = get_local.cache["f"]
    get_local.clear()
    f(2)
    assert (held, get_local.cache) == ([1], {"f": [2]})


def test_a_wrong_name_is_a_warning_with_the_candidates_at_the_users_line(active):
    def f(query):
        attn = query
        return attn

    code = f.__code__
    with pytest.warns(
        RecordingWarning, match=r"get_local\('atn'\).*\.f has no local `atn`.*query, attn"
    ) as said:
        assert get_local("atn")(f) is f
    assert said[0].filename == __file__
    assert f.__code__ is code
    assert get_local.cache == {}


def test_a_wrong_name_is_reported_at_activation_and_the_others_are_recorded():
    first, second = make("first"), make("second")
    get_local("wrong", "a")(first)
    get_local("a")(second)
    with pytest.warns(RecordingWarning, match="'wrong'") as said:
        get_local.activate()
    assert [warning.filename for warning in said] == [__file__]
    first(1), second(2)
    assert get_local.cache == {"first.a": [1], "second": [2]}


def test_where_warnings_are_errors_everything_else_is_recorded_all_the_same():
    f = get_local("wrong", "a")(make())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RecordingWarning, match="'wrong'"):
            get_local.activate()
    f(1)
    assert get_local.cache == {"f.a": [1]}


def test_a_wrong_name_is_no_matter_while_inactive():
    f = make()
    assert get_local("wrong")(f) is f


def test_past_the_budget_the_function_goes_on_and_the_next_reading_says_so():
    get_local.activate(budget="1MB")
    f = get_local("a")(make())
    for _ in range(3):
        assert f(kilobytes(600)).size == 600_000
    with pytest.raises(MemoryBudgetError, match=r"'f' \(600.0 kB in 1 values\)"):
        get_local.cache
    assert len(get_local.cache["f"]) == 1


def test_past_the_budget_deactivating_says_so_and_puts_everything_back():
    functions = [make(), make("g")]
    codes = [function.__code__ for function in functions]
    for function in functions:
        get_local("a")(function)
    get_local.activate(budget=1000)
    functions[0](kilobytes(2))
    with pytest.raises(MemoryBudgetError, match=r"get_local\.clear\(\) between batches"):
        get_local.deactivate()
    assert all(function.__code__ is code for function, code in zip(functions, codes))
    assert not get_local.is_activate
    get_local.deactivate()


def test_clearing_between_batches_stays_within_the_budget():
    get_local.activate(budget="1MB")
    f = get_local("a")(make())
    for _ in range(5):
        f(kilobytes(900))
        assert len(get_local.cache["f"]) == 1
        get_local.clear()


def test_a_budget_counts_what_is_kept_over_all_keys():
    get_local.activate(budget="1MB")
    for name in ("f", "g", "h"):
        get_local("a")(make(name))(kilobytes(400))
    with pytest.raises(MemoryBudgetError, match=r"400.0 kB for 'h' did not fit"):
        get_local.cache
    assert sum(map(len, get_local.cache.values())) == 2


def test_one_function_that_refuses_to_be_put_back_does_not_keep_the_others_from_it(active):
    functions = [make("f"), make("g"), make("h")]
    codes = [function.__code__ for function in functions]
    for function in functions:
        get_local("a")(function)
    functions[1].__code__ = make("other").__code__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="given other code"):
            get_local.deactivate()
    assert functions[0].__code__ is codes[0]
    assert functions[2].__code__ is codes[2]


def test_switching_while_other_threads_run_the_function_leaves_it_whole():
    f = make()
    code = f.__code__
    get_local("a")(f)
    stop = threading.Event()
    wrong = []

    def work():
        while not stop.is_set():
            if f(7) != 7:
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(50):
        get_local.activate()
        get_local.deactivate()
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong
    assert f.__code__ is code
    assert set(get_local.cache["f"]) <= {7}


def test_a_kept_value_is_let_go_of_by_clearing():
    class Value:
        pass

    get_local.activate(keep="reference")
    f = get_local("a")(make())
    value = Value()
    f(value)
    dead = weakref.ref(value)
    del value
    assert dead() is not None
    get_local.clear()
    assert dead() is None
