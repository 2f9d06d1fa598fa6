"""A tapped function looks as before to tracebacks, tracers, debuggers, coverage, signatures and picklers."""

import copy
import inspect
import io
import multiprocessing
import os
import pdb
import pickle
import subprocess
import sys
import textwrap
import traceback

import cloudpickle
import coverage
import pytest

from visualizer import watch
from visualizer.instrument.codes import bound_names

PROGRAM = '''
import contextlib

class Base:
    def total(self):
        return 100

class Derived(Base):
    def total(self):
        before = super().total()
        return before + (
            1
        )

def decorate(function):
    return function

def f(x, *rest, key=None):
    """Documentation."""
    a = b = (
        x
        if x
        else
        -1
    )
    (c,
     d) = (
        1,
        2)
    if x == 1:
        a = 2
        return a
    for i in range(
        3
    ):
        if i == x: continue
        e = i
    else:
        e = 'else'
    try:
        if x == 2:
            raise KeyError(
                "two"
            )
        if x == 3:
            1 / (x -
                 3)
    except KeyError as error:
        h = error
    finally:
        j = 1
    with contextlib.nullcontext(1) as k, \\
         contextlib.nullcontext(
             2) as m:
        if x == 4:
            return (
                k, m
            )
    @decorate
    @decorate
    def inner():
        nonlocal d
        d = 5
    @decorate
    class Inner(
        Base
    ):
        n = 1
    inner()
    match x:
        case [o, *p]:
            q = o
        case int(r) if r > 5:
            q = r
        case _:
            q = None
    if (
        s := x
    ) and (t :=
           s): u = 1
    import os.path as v, sys
    from math import (
        pi as v2)
    if (v3 := [
        each for each in [
            x]]): v4 = {
                "key": x}["key"]
    wide = [x,                                                                                                                                                                          v]
    w = [y for y in range(2)]
    z = [lambda: y for y in range(2)]
    while True:
        if x > 6:
            break
        x += 1
    if x:
        pass
    else:
        last = 1

def g(x):
    if x:
        a = 1
    elif x is None:
        b = 2

def h(n):
    total = 0
    for i in range(n):
        got = yield (
            i
        )
        total += i
    return total

def one_line(x): y = x; return y
'''


def traced(call, code_name, filename):
    """Return the events that a tracer sees in the frames of one function."""
    events = []

    def tracer(frame, event, argument):
        if frame.f_code.co_filename != filename or frame.f_code.co_name != code_name:
            return None
        shown = type(argument).__name__ if event in ("exception", "return") else None
        events.append((event, frame.f_lineno, shown, sorted(frame.f_locals)))
        return tracer

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        call()
    except Exception as error:
        events.append(repr(error))
    finally:
        sys.settrace(before)
    return events


CALLS = {
    **{f"f({x!r})": ("f", lambda m, x=x: m.f(x)) for x in (0, 1, 2, 3, 4, 5, 6, 7, [8, 9])},
    **{f"g({x!r})": ("g", lambda m, x=x: m.g(x)) for x in (0, 1, None)},
    "h exhausted": ("h", lambda m: list(m.h(3))),
    "h closed": ("h", lambda m: [g := m.h(3), next(g), next(g), g.close()]),
    "h thrown into": ("h", lambda m: [g := m.h(3), next(g), g.throw(KeyError("x"))]),
    "one_line": ("one_line", lambda m: m.one_line(1)),
    "total": ("total", lambda m: m.Derived().total()),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_tracer_sees_the_same_events_and_locals(name, module, front_end):
    made = module(PROGRAM)
    function_name, call = CALLS[name]
    function = made.Derived.total if function_name == "total" else getattr(made, function_name)
    plain = traced(lambda: call(made), function_name, made.__file__)
    with watch(function, *bound_names(function.__code__), "return:", each_binding=True) as seen:
        tapped = traced(lambda: call(made), function_name, made.__file__)
    if name == "h closed" and sys.version_info >= (
        3,
        13,
    ):  # close() used to resume the frame, and does so for taps
        assert [event for event, *_ in tapped[len(plain) :]] == ["call", "exception", "return"]
        del tapped[len(plain) :]
    assert tapped == plain
    assert len(seen) > 0 or name in ("g(0)",) or function_name == "g"


def test_line_numbers_of_all_instructions_come_from_the_source(module, front_end):
    made = module(PROGRAM)
    code = made.f.__code__
    with watch(made.f, *bound_names(code)):
        tapped = made.f.__code__
        assert tapped is not code
        assert {line for *_, line in tapped.co_lines()} - {None} == {line for *_, line in code.co_lines()} - {
            None
        }


@pytest.mark.parametrize("x", [2, 3])
def test_tracebacks_are_the_same_to_the_column(x, module, front_end):
    function = module("""
        def f(x):
            a = x
            try:
                if x == 2:
                    raise KeyError("two") from ValueError(a)
            except KeyError as error:
                b = error; raise RuntimeError(
                    "raised"
                )
            for c in range(2):
                d = (a +
                     1) / (x - 3)
    """).f

    plain = report(function, x)
    with watch(function, "a", "b", "c", "d", "return:"):
        tapped = report(function, x)
    assert tapped == plain


def report(function, *arguments):
    """What a traceback shows of the exception that a function raises itself, and where that is."""
    try:
        function(*arguments)
    except Exception as error:
        frames = traceback.TracebackException.from_exception(error)
        entry = inspect.trace()[-1]
        assert error.__traceback__.tb_next.tb_next is None
        return "".join(frames.format()), entry.lineno, getattr(entry, "positions", None)


@pytest.mark.parametrize(
    "statement",
    [
        "assert (a := x)",
        "assert (a :=\n        x), (b := 'told')",
        "assert (a := x) or (b := x)",
        "assert not (a := 1)",
        "(a := x).real.none",
        "match x:\n        case a if (b := a) / x: pass",
    ],
)
def test_a_traceback_through_an_assignment_expression_is_the_same_to_the_column(statement, module, front_end):
    function = module(f"def f(x):\n    {statement}\n    b = 1").f
    plain = report(function, 0)
    assert plain
    names = [name for name in ("a", "b") if name in bound_names(function.__code__)]
    with watch(function, *names, each_binding=True):
        assert report(function, 0) == plain


def test_signature_source_and_documentation_stay(module, front_end):
    function = module(PROGRAM).f
    names = function.__code__.co_varnames
    plain = (
        inspect.signature(function),
        inspect.getdoc(function),
        inspect.getsource(function),
        function.__dict__,
    )
    with watch(function, "a"):
        tapped = (
            inspect.signature(function),
            inspect.getdoc(function),
            inspect.getsource(function),
            function.__dict__,
        )
        assert inspect.getfullargspec(function).args == ["x"]
        assert function.__code__.co_varnames == names
    assert tapped == plain


def test_the_order_of_locals_stays(module, front_end):
    function = module("def f(z, y):\n    x = 1\n    a = 2\n    g = lambda: a\n    return list(locals())").f
    plain = function(1, 2)
    with watch(function, "a", "x", "z", "return:"):
        assert function(1, 2) == plain


def test_breakpoints_stop_and_step_over_lines_where_they_did(module, front_end):
    made = module("def f(x):\n    a = x\n    b = a + 1\n    return b\ndef outer():\n    return f(1)\n")

    def session():
        commands, output = "continue\np a\nnext\np b\nnext\nwhere 1\ncontinue\n", io.StringIO()
        debugger = pdb.Pdb(stdin=io.StringIO(commands), stdout=output, nosigint=True)
        debugger.set_break(made.__file__, 3)
        try:
            debugger.runcall(made.outer)
        finally:
            debugger.clear_all_breaks()
        return output.getvalue()

    plain = session()
    assert "-> b = a + 1" in plain
    assert "->2" in plain
    with watch(made.f, "a", "b", "return:"):
        assert session() == plain


def test_coverage_measures_the_same_lines_and_branches(module, front_end):
    made = module(PROGRAM)

    def measure():
        measured = coverage.Coverage(data_file=None, branch=True, include=[made.__file__], config_file=False)
        with measured.collect():
            for x in (1, 4, 6):
                made.f(x)
            made.g(0), list(made.h(2))
        data = measured.get_data()
        return set(data.lines(made.__file__)), set(data.arcs(made.__file__))

    plain = measure()
    assert len(plain[1]) > 10
    with (
        watch(made.f, *bound_names(made.f.__code__)),
        watch(made.g, "a", "b"),
        watch(made.h, "i", "got", "total"),
    ):
        assert measure() == plain


def test_functions_are_pickled_by_name_and_copied_as_themselves(front_end):
    with watch(textwrap.dedent, "text") as seen:
        assert pickle.loads(pickle.dumps(textwrap.dedent)) is textwrap.dedent
        assert copy.deepcopy(textwrap.dedent) is textwrap.dedent
        copy.deepcopy(textwrap.dedent)("  a")
    assert len(seen) == 1


def test_code_pickled_by_value_is_the_original(module, front_end, tmp_path):
    made = module("def f(x):\n    a = x\n    def g():\n        return a\n    return g\n")
    cloudpickle.register_pickle_by_value(made)
    try:
        with watch(made.f, "a") as seen:
            sent = cloudpickle.dumps(made.f)
            closure = cloudpickle.dumps(made.f(3))
            again = cloudpickle.loads(sent)
            assert again(5)() == 5
            assert len(seen) == 1
    finally:
        cloudpickle.unregister_pickle_by_value(made)
    script = (
        "import pickle, sys; f, g = [pickle.load(open(p, 'rb')) for p in sys.argv[1:]]; print(f(4)(), g())"
    )
    paths = [tmp_path / "f", tmp_path / "g"]
    for path, content in zip(paths, (sent, closure)):
        path.write_bytes(content)
    done = subprocess.run([sys.executable, "-c", script, *paths], capture_output=True, text=True, check=True)
    assert done.stdout == "4 3\n"


def test_records_are_pickled(front_end):
    with watch(textwrap.dedent, "text") as seen:
        textwrap.dedent(" a")
    assert pickle.loads(pickle.dumps(list(seen))) == list(seen)


def test_a_forked_child_records_into_its_own_memory(module, front_end):
    function = module("def f(x):\n    a = x\n    return a").f
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    with watch(function, "a") as seen:
        function(1)

        def child():
            function(2)
            sender.send([record.value for record in seen])
            os._exit(0)

        process = context.Process(target=child)
        process.start()
        assert receiver.recv() == [1, 2]
        process.join()
        function(3)
    assert [record.value for record in seen] == [1, 3]


def test_a_profiler_sees_the_function_called_and_left_once(module, front_end):
    function = module("def f(x):\n    a = x\n    return a").f
    events = []

    def profile(frame, event, argument):
        if frame.f_code.co_name == "f":
            events.append((event, argument))

    with watch(function, "a"):
        sys.setprofile(profile)
        try:
            function(1)
        finally:
            sys.setprofile(None)
    assert [event for event in events if event[0] in ("call", "return")] == [("call", None), ("return", 1)]
