"""What stands in the cache after calls: which keys, which values, in which order."""

import asyncio
import contextlib
import pickle
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

from visualizer.classic import get_local
from visualizer.notices import RecordingWarning


def named(name):
    """A function `name` that binds `a` to its argument and `b` to twice that."""
    space = {}
    exec(f"def {name}(x):\n    a = x\n    b = 2 * x\n    return a + b\n", space)
    return space[name]


def only():
    (values,) = get_local.cache.values()
    return values


def test_each_call_adds_one_value(active):
    f = get_local("a")(named("f"))
    for number in range(3):
        f(number)
    assert get_local.cache == {"f": [0, 1, 2]}


def test_the_key_is_there_from_decoration_on(active):
    get_local("a")(named("f"))
    assert get_local.cache == {"f": []}


def test_the_key_is_there_from_activation_on():
    f = get_local("a")(named("f"))
    assert get_local.cache == {}
    get_local.activate()
    assert get_local.cache == {"f": []}


def test_functions_of_equal_qualified_name_share_a_key(active):
    first, second = get_local("a")(named("f")), get_local("a")(named("f"))
    first(1), second(2), first(3)
    assert get_local.cache == {"f": [1, 2, 3]}


def test_a_function_defined_anew_goes_on_with_its_key(active):
    get_local("a")(named("f"))(1)
    get_local("a")(named("f"))(2)
    assert get_local.cache == {"f": [1, 2]}


def test_the_leftmost_name_has_the_plain_key(active):
    get_local("b", "a")(named("f"))(1)
    assert get_local.cache == {"f": [2], "f.a": [1]}


def test_the_lowest_decorator_of_a_stack_has_the_plain_key(active):
    @get_local("b", "return:")
    @get_local("a")
    def f(x):
        a = x
        b = 2 * x
        return a + b

    f(1)
    prefix = f.__qualname__
    assert get_local.cache == {prefix: [1], f"{prefix}.b": [2], f"{prefix}.return:": [3]}


def test_keys_are_the_same_whether_activated_before_or_after():
    f = get_local("a")(get_local("b")(named("f")))
    get_local.activate()
    f(1)
    assert get_local.cache == {"f": [2], "f.a": [1]}


def test_the_last_value_of_a_name_is_recorded(active):
    @get_local("a")
    def f(x):
        for a in range(x):
            a = a * 10
        return None

    f(3)
    assert only() == [20]


@pytest.mark.parametrize(("x", "value"), [(0, "early"), (1, "late")])
def test_every_return_is_recorded(active, x, value):
    @get_local("a")
    def f(x):
        a = "early"
        if not x:
            return a
        a = "late"
        return 0

    f(x)
    assert only() == [value]


def test_a_return_before_the_name_is_bound_records_nothing(active):
    @get_local("a")
    def f(x):
        if not x:
            return None
        a = x
        return a

    f(0), f(1), f(0)
    assert only() == [1]


def test_none_is_a_value(active):
    get_local("x")(lambda x: x)(None)
    assert only() == [None]


def test_a_parameter_is_recorded(active):
    get_local("x")(named("f"))(7)
    assert get_local.cache == {"f": [7]}


def test_a_call_that_an_exception_ends_is_recorded(active):
    @get_local("a")
    def f(x):
        a = x
        raise KeyError(a)

    with pytest.raises(KeyError):
        f(1)
    assert only() == [1]


def test_an_exception_before_the_name_is_bound_records_nothing(active):
    @get_local("a")
    def f(x):
        a = 1 // x
        return a

    with pytest.raises(ZeroDivisionError):
        f(0)
    f(1)
    assert only() == [1]


def test_recursive_calls_are_recorded_in_the_order_in_which_they_end(active):
    @get_local("a")
    def f(x):
        a = x
        return f(x - 1) if x else 0

    f(3)
    assert only() == [0, 1, 2, 3]


def test_a_generator_is_recorded_at_its_end(active):
    @get_local("a")
    def f(x):
        for a in range(x):
            yield a

    running = f(3)
    next(running), next(running)
    assert only() == []
    list(running)
    assert only() == [2]


def test_a_generator_that_is_closed_is_recorded(active):
    @get_local("a")
    def f(x):
        for a in range(x):
            yield a

    with contextlib.closing(f(3)) as running:
        next(running), next(running)
    assert only() == [1]


def test_coroutines_are_recorded_in_the_order_in_which_they_end(active):
    @get_local("a")
    async def f(x):
        a = x
        for _ in range(x):
            await asyncio.sleep(0)

    async def all_at_once():
        await asyncio.gather(*map(f, [3, 1, 2]))

    asyncio.run(all_at_once())
    assert only() == [1, 2, 3]


@pytest.mark.parametrize(
    ("name", "value"), [("call:abs#1", 1), ("call:abs#2", 8), ("expr:x - 9", -8), ("return:", 9)]
)
def test_a_value_without_a_name_is_recorded(active, name, value):
    @get_local(name)
    def f(x):
        return abs(x) + abs(x - 9)

    f(1)
    assert only() == [value]


def test_a_value_without_a_name_that_is_not_unique_is_reported_with_the_choices(active):
    def f(x):
        return abs(x) + abs(x - 9)

    with pytest.warns(RecordingWarning, match="call:abs#1 .*, call:abs#2"):
        get_local("call:abs")(f)


def test_arrays_are_copies(active):
    @get_local("a")
    def f(x):
        a = x
        return a

    array = np.zeros(3)
    f(array)
    array[:] = 1
    assert only()[0].tolist() == [0, 0, 0]


def test_containers_are_copied_all_the_way_down(active):
    @get_local("a")
    def f(x):
        a = {"maps": [x, (x, None)]}
        return a

    result = f(np.zeros(1))
    result["maps"][0][0] = 1
    result["maps"].append(2)
    assert str(only()) == "[{'maps': [array([0.]), (array([0.]), None)]}]"


def test_by_reference_any_object_is_kept(active):
    get_local.activate(keep="reference")
    f = get_local("x")(lambda x: x)
    anything = object()
    f(anything)
    assert only()[0] is anything


def test_a_value_that_cannot_be_copied_leaves_the_function_alone(active):
    f = get_local("x")(lambda x: x)
    anything = object()
    with pytest.warns(RecordingWarning, match='keep="reference"'):
        assert f(anything) is anything
    f(1)
    assert only() == [1]


def test_a_list_made_by_hand_is_filled(active):
    f = get_local("a")(named("f"))
    f(1)
    get_local.cache["f"] = mine = []
    f(2)
    assert mine == [2]


def test_a_deleted_key_comes_back(active):
    f = get_local("a")(named("f"))
    f(1)
    del get_local.cache["f"]
    f(2)
    assert get_local.cache == {"f": [2]}


def test_many_threads_lose_no_call(active):
    f = get_local("a")(named("f"))
    threads = [threading.Thread(target=lambda: [f(number) for number in range(200)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(only()) == sorted(8 * list(range(200)))


def test_threads_are_recorded_in_the_order_in_which_calls_end(active):
    events = [threading.Event() for _ in range(3)]

    @get_local("a")
    def f(x):
        a = x
        events[x].wait(60)

    threads = [threading.Thread(target=f, args=(x,)) for x in range(3)]
    for thread in threads:
        thread.start()
    for x in (2, 0, 1):
        events[x].set()
        threads[x].join()
    assert only() == [2, 0, 1]


def test_the_cache_is_read_where_this_package_is_not(active):
    class Mapping(dict):
        pass

    f = get_local("a")(named("f"))
    f(np.ones(2, dtype=np.float16))
    f((np.float32(1), Mapping(x=[np.zeros(1)])))
    pickled = pickle.dumps(get_local.cache)
    assert b"visualizer" not in pickled
    assert str(pickle.loads(pickled)) == str(get_local.cache)


SCRIPT = textwrap.dedent("""
    import os, sys, threading
    from visualizer.classic import get_local

    @get_local("a")
    def f(x):
        a = x
        return a

    get_local.activate()
    f(1)
    child = os.fork()
    if not child:
        f(2)
        print(get_local.cache)
        get_local.deactivate()
        f(3)
        print(get_local.cache, flush=True)
        os._exit(0)
    os.waitpid(child, 0)
    print(get_local.cache)
""")


def test_a_forked_process_records_into_its_own_memory():
    result = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines() == ["{'f': [1, 2]}", "{'f': [1, 2]}", "{'f': [1]}"]
