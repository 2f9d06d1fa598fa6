"""Putting in and taking out: restored by identity, in any order, whatever happens inside."""

import builtins
import gc
import sys
import threading
import weakref

import pytest

from visualizer import watch
from visualizer.errors import NameNotBoundError, TargetError, VisualizerError
from visualizer.instrument import switch
from visualizer.instrument.taps import final_tap


def values(seen):
    return [record.value for record in seen]


def hook_names():
    gc.collect()
    return [name for name in vars(builtins) if name.startswith("__visualizer")]


@pytest.fixture
def function(module, front_end):
    made = module("def f(x):\n    a = x\n    b = a + 1\n    return b").f
    original = made.__code__
    yield made
    assert made.__code__ is original


def test_the_very_same_code_object_is_put_back(function):
    original = function.__code__
    with watch(function, "a"):
        assert function.__code__ is not original
    assert function.__code__ is original


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_it_is_put_back_whatever_is_raised(function, error):
    with pytest.raises(error), watch(function, "a"):
        raise error


def test_sessions_may_end_in_any_order(function):
    first, second, third = watch(function, "a"), watch(function, "b"), watch(function, "a", "b")
    first.__enter__()
    function(0)
    second.__enter__()
    function(1)
    third.__enter__()
    function(2)
    first.__exit__(None, None, None)
    function(3)
    third.__exit__(None, None, None)
    function(4)
    second.__exit__(None, None, None)
    function(5)
    assert (values(first), values(second), values(third)) == ([0, 1, 2], [2, 3, 4, 5], [2, 3, 3, 4])
    assert [record.call for record in second] == [0, 1, 2, 3]


def test_a_session_that_starts_and_ends_within_a_call_does_not_disturb_another(module, front_end):
    made = module("def f(inside):\n    a = 1\n    inside()\n    a = 2\n    return a")
    inner = []

    def inside():
        with watch(made.f, "a") as seen:
            made.f(int)
        inner.extend(values(seen))

    with watch(made.f, "a", each_binding=True) as outer:
        made.f(inside)
    assert inner == [2]
    assert values(outer) == [1, 1, 2, 2]


def test_a_call_that_is_running_when_a_session_starts_is_not_seen_half(module, front_end):
    made = module("def f():\n    a = 1\n    yield\n    a = 2\n    yield\n    a = 3")
    generator = made.f()
    next(generator)
    with watch(made.f, "a", each_binding=True) as seen:
        list(generator)
        list(made.f())
    assert values(seen) == [1, 2, 3]


def test_nothing_is_left_among_the_builtins(module, front_end):
    made = module("def f(x):\n    a = x\n    def g():\n        nonlocal a\n        a = 2\n    return g")
    before = hook_names()
    with watch(made.f, "a", each_binding=True) as seen:
        inner = made.f(1)
        assert len(hook_names()) > len(before)
    inner()
    assert values(seen) == [1], "the block had ended"
    del inner
    assert hook_names() == before


def test_a_suspended_generator_goes_on_after_the_session(module, front_end):
    made = module("def f():\n    for a in range(3):\n        yield a")
    with watch(made.f, "a"):
        generator = made.f()
        next(generator)
    gc.collect()
    assert list(generator) == [1, 2]


def test_a_tapped_function_can_be_freed(module, front_end):
    def make():
        def inner(x):
            a = x
            return a

        return inner

    function, kept, before = make(), [], hook_names()
    switch.install(function, final_tap(function, "a", kept.append))
    function(1)
    gone = weakref.ref(function)
    del function
    gc.collect()
    assert gone() is None
    assert kept == [1]
    assert hook_names() == before


def test_a_wrong_name_among_right_ones_installs_nothing(function):
    original = function.__code__
    before = hook_names()
    for names in (["a", "nothing"], ["a", "call:nothing"], ["expr:nothing", "b"]):
        with pytest.raises(NameNotBoundError), watch(function, *names):
            pass
        assert function.__code__ is original
    assert hook_names() == before


def test_a_failing_second_session_leaves_the_first(function):
    with watch(function, "a") as seen:
        tapped = function.__code__
        with pytest.raises(NameNotBoundError), watch(function, "call:nothing"):
            pass
        assert function.__code__ is tapped
        function(1)
    assert values(seen) == [1]


def test_a_watch_cannot_be_entered_twice_at_once(function):
    seen = watch(function, "a")
    with seen, pytest.raises(VisualizerError, match="has already begun"):
        seen.__enter__()
    with seen:
        function(1)
    assert values(seen) == [1]


def test_a_value_that_cannot_be_copied_is_told_at_the_end(module, front_end):
    made = module("import threading\ndef f():\n    a = threading.Lock()\n    return 5")
    with (
        pytest.raises(VisualizerError, match="a value of f could not be copied"),
        watch(made.f, "a", copy=True),
    ):
        assert made.f() == 5


def test_other_code_given_meanwhile_is_left_alone(module, front_end):
    made = module("def f(x):\n    a = x\n    return a\ndef g(x):\n    return -x")
    seen = watch(made.f, "a")
    seen.__enter__()
    made.f.__code__ = made.g.__code__
    with pytest.warns(UserWarning, match="f was given other code meanwhile, which is left as it is"):
        seen.__exit__(None, None, None)
    assert made.f(1) == -1
    with watch(made.f, "x") as seen:
        made.f(2)
    assert values(seen) == [2]


def test_an_empty_watch_says_why(function):
    with watch(function, "a") as seen:
        assert repr(seen) == "<watch of a in f: 0 records; the function was not called>"
    assert len(seen) == 0


def test_a_name_bound_on_no_path_taken_is_said(module, front_end):
    made = module("def f(x):\n    if x:\n        a = 1").f
    with watch(made, "a") as seen:
        made(0)
    assert "; of 1 call none bound `a` on the way it took" in repr(seen)


def test_records_are_read_in_the_block_and_after_it(function):
    with watch(function, "a") as seen:
        function(1)
        assert seen[0].value == 1
        function(2)
    assert [record.value for record in seen[1:]] == [2]
    assert seen[-1].function == "f"
    assert seen[-1].thread == threading.get_ident()
    assert (len(seen), list(reversed(seen))[0].value) == (2, 2)


def test_installing_while_other_threads_run_the_function(module, front_end):
    made = module("def f(x):\n    a = x\n    for i in range(20):\n        a = a + i\n    return a").f
    expected = made(1)
    stop = threading.Event()
    wrong = []

    def work():
        while not stop.is_set():
            try:
                if made(1) != expected:
                    wrong.append("result")
            except BaseException as error:
                wrong.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    counts = []
    for _ in range(150):
        with watch(made, "a") as seen:
            made(1)
        counts.append(len(seen))
        assert {record.value for record in seen} == {expected}
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert sum(counts) >= 150


def test_code_that_another_tool_made_of_tapped_code_goes_on(module, front_end):
    made = module("def f(x):\n    a = x\n    return a")
    seen = watch(made.f, "a")
    seen.__enter__()
    made.f.__code__ = made.f.__code__.replace(co_firstlineno=1)
    with pytest.warns(UserWarning, match="was given other code meanwhile"):
        seen.__exit__(None, None, None)
    gc.collect()
    assert made.f(1) == 1


def test_a_watched_functions_module_can_be_freed(front_end):
    class Big:
        pass

    names = {"big": Big()}
    gone = weakref.ref(names["big"])
    exec("def f(x):\n    a = x\n    return a", names)
    with watch(names["f"], "a") as seen:
        names["f"](1)
    del names, seen
    gc.collect()
    assert gone() is None


def test_running_out_of_stack_is_the_functions_own_affair(module, front_end):
    made = module("def f(n):\n    a = n\n    return f(n + 1)")
    with watch(made.f, "a") as seen:
        with pytest.raises(RecursionError):
            made.f(0)
    assert len(seen) > 100


def test_many_nested_blocks_are_recorded_or_refused_but_never_fatal(module, front_end):
    lines = ["from contextlib import nullcontext as n", "def f(x):"]
    lines += ["    " + "  " * depth + "with n():" for depth in range(20)]
    function = module("\n".join([*lines, "    " + "  " * 20 + "a = x", "    return a"])).f
    if sys.version_info < (3, 11):
        with pytest.raises(TargetError, match="nested 20 deep"):
            watch(function, "a").__enter__()
    else:
        with watch(function, "a") as seen:
            function(1)
        assert values(seen) == [1]


def test_an_interrupt_while_installing_leaves_nothing_installed(function, monkeypatch):
    original = function.__code__
    swap = switch._swap

    def interrupted(*arguments):
        swap(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(switch, "_swap", interrupted)
    with pytest.raises(KeyboardInterrupt), watch(function, "a"):
        pass
    assert function.__code__ is original
    monkeypatch.undo()
    with watch(function, "a") as seen:
        function(1)
    assert values(seen) == [1]


def test_warnings_of_the_source_are_not_said_again(module, front_end, recwarn):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = module("def f(x):\n    a = '\\d'\n    return a is 'b'")
    with watch(made.f, "a") as seen:
        made.f(1)
    assert values(seen) == ["\\d"]
    assert not recwarn.list
