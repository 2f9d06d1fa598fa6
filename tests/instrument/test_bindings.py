"""Every way in which a name is bound, by both front ends: (source, calls of f, names, bindings in order)."""

import asyncio
import sys

import pytest

from visualizer import watch
from visualizer.instrument import codes
from visualizer.instrument.stores import tap_stores as stores

CASES = {
    "assignment": ("def f(x):\n    a = x\n    return a", "a", [(3,)], [3]),
    "chained": ("def f(x):\n    a = b = x\n    return a", "ab", [(3,)], [3, 3]),
    "unpacking": ("def f(x):\n    a, (b, *c) = x\n    return a", "abc", [((1, (2, 3, 4)),)], [1, 2, [3, 4]]),
    "augmented": ("def f(x):\n    a = 1\n    a += x\n    return a", "a", [(3,)], [1, 4]),
    "annotated": ("def f(x):\n    a: int = x\n    b: int\n    return a", "a", [(3,)], [3]),
    "parameters": ("def f(a, *b, c=5, **d):\n    return a", "abcd", [(1, 2, 3)], [1, (2, 3), 5, {}]),
    "parameter rebound": ("def f(a):\n    a = a + 1\n    return a", "a", [(1,)], [1, 2]),
    "for": ("def f(x):\n    for a in x:\n        pass\n    return a", "a", [([1, 2],)], [1, 2]),
    "for with else": (
        "def f(x):\n    for a in x: pass\n    else: a = 9\n    return a",
        "a",
        [([1],)],
        [1, 9],
    ),
    "while": ("def f(x):\n    while x:\n        x -= 1\n        a = x\n    return x", "a", [(2,)], [1, 0]),
    "with": (
        "from contextlib import nullcontext as n\ndef f(x):\n    with n(x) as a, n(a + 1) as b:\n        pass\n    return b",
        "ab",
        [(1,)],
        [1, 2],
    ),
    "with unpacking": (
        "from contextlib import nullcontext as n\ndef f(x):\n    with n(x) as (a, b): return a",
        "ab",
        [((1, 2),)],
        [1, 2],
    ),
    "walrus": ("def f(x):\n    if (a := x) and (b := a + 1):\n        return b", "ab", [(1,)], [1, 2]),
    "walrus in a comprehension": (
        "def f(x):\n    r = [(a := y) for y in x]\n    return a",
        "a",
        [([1, 2],)],
        [1, 2],
    ),
    "walrus in a generator expression": (
        "def f(x):\n    return any((a := y) > 1 for y in x)",
        "a",
        [([1, 2, 3],)],
        [1, 2],
    ),
    "comprehension variable of the same name": (
        "def f(x):\n    a = 0\n    b = [a for a in x]\n    a = 9\n    return b",
        "a",
        [([1, 2],)],
        [0, 9],
    ),
    "except": (
        "def f(x):\n    try:\n        1 / x\n    except ZeroDivisionError as a:\n        return 5",
        "a",
        [(0,)],
        ["ZeroDivisionError('division by zero')"],
    ),
    "import": ("def f(x):\n    import os.path, sys as a\n    return a", "a", [(0,)], [repr(sys)]),
    "from import": (
        "def f(x):\n    from math import pi as a, tau\n    return a",
        "a",
        [(0,)],
        [3.141592653589793],
    ),
    "def": ("def f(x):\n    def a(): return 1\n    a = a()\n    return a", "a", [(0,)], [..., 1]),
    "decorated def": (
        "def f(x):\n    @staticmethod\n    def a(): return 1\n    a = a()\n    return a",
        "a",
        [(0,)],
        [..., 1],
    ),
    "class": ("def f(x):\n    class a: b = 1\n    a = a.b\n    return a", "a", [(0,)], [..., 1]),
    "match": (
        "def f(x):\n    match x:\n        case [a, *b]: return a\n        case {'k': _, **b}: return b\n        case {'m': a}: pass\n        case int() as a: return a",
        "ab",
        [([1, 2],), ({"k": 3, "l": 4},), ({"m": 6},), (5,)],
        [1, [2], {"l": 4}, 6, 5],
    ),
    "match with a guard": (
        "def f(x):\n    match x:\n        case [a] if a > 1: return a\n        case [a]: a = -a\n    return a",
        "a",
        [([2],), ([1],)],
        [2, 1, 1, -1],
    ),
    "nonlocal from within": (
        "def f(x):\n    a = x\n    def g():\n        nonlocal a\n        a = a + 1\n    g(); g()\n    return a",
        "a",
        [(1,)],
        [1, 2, 3],
    ),
    "nonlocal two levels down": (
        "def f(x):\n    a = x\n    def g():\n        def h():\n            nonlocal a\n            a = 7\n        h()\n    g()\n    return a",
        "a",
        [(1,)],
        [1, 7],
    ),
    "the same name in a nested function is another": (
        "def f(x):\n    a = x\n    def g():\n        a = 8\n        def h():\n            nonlocal a\n            a = 9\n        h()\n    g()\n    b = lambda: a\n    return a",
        "a",
        [(1,)],
        [1],
    ),
    "a method that declares nonlocal": (
        "def f(x):\n    a = x\n    class C:\n        a = 5\n        def m(self):\n            nonlocal a\n            a = 6\n    C().m()\n    return a",
        "a",
        [(1,)],
        [1, 6],
    ),
    "cell": ("def f(x):\n    a = x\n    g = lambda: a\n    a = 2\n    return g()", "a", [(1,)], [1, 2]),
    "cell parameter": ("def f(a):\n    g = lambda: a\n    return g()", "a", [(1,)], [1]),
    "deleted": ("def f(x):\n    a = x\n    del a\n    a = 2\n    del a", "a", [(1,)], [1, 2]),
    "finally": ("def f(x):\n    try:\n        return x\n    finally:\n        a = 4", "a", [(1,)], [4]),
    "several on a line": ("def f(x): a = x; b = a + 1; return b", "ab", [(1,)], [1, 2]),
    "semicolons and one-line if": (
        "def f(x):\n    if x: a = 1; b = 2\n    else: a = 3",
        "ab",
        [(1,), (0,)],
        [1, 2, 3],
    ),
}
if sys.version_info >= (3, 12):
    CASES["type alias"] = ("def f(x):\n    type a = int\n    return a", "a", [(0,)], [...])
    CASES["generic"] = ("def f[T](x: T) -> T:\n    a = x\n    return a", "a", [(1,)], [1])
    CASES["method of a generic class"] = (
        "class C[T]:\n    def f(self, x: T):\n        a = x\nf = C().f",
        "a",
        [(1,)],
        [1],
    )


@pytest.mark.parametrize("name", CASES)
def test_every_binding_is_recorded_in_order(name, module, front_end):
    source, names, calls, expected = CASES[name]
    function = module(source).f
    plain = [function(*arguments) for arguments in calls]
    with watch(function, *names, each_binding=True) as seen:
        tapped = [function(*arguments) for arguments in calls]
    assert [repr(value).split(" at 0x")[0] for value in plain] == [
        repr(value).split(" at 0x")[0] for value in tapped
    ]
    values = [record.value for record in seen]
    assert len(values) == len(expected)
    for value, wanted in zip(values, expected):
        assert wanted is ... or value == wanted or repr(value) == wanted


@pytest.mark.parametrize("name", CASES)
def test_the_last_binding_of_each_call_is_recorded_when_it_ends(name, module, front_end):
    source, names, calls, _ = CASES[name]
    function = module(source).f
    with watch(function, *names, each_binding=True) as bindings:
        for arguments in calls:
            function(*arguments)
    with watch(function, *names) as seen:
        for arguments in calls:
            function(*arguments)
    last = {(record.call, record.name): repr(record.value).split(" at 0x")[0] for record in bindings}
    assert {(r.call, r.name): repr(r.value).split(" at 0x")[0] for r in seen} == last
    assert len(seen) == len(last)
    assert [record.call for record in seen] == sorted(record.call for record in seen)


def test_values_are_the_very_objects(module, front_end):
    function = module("def f(x):\n    a = x\n    return a").f
    with watch(function, "a") as seen:
        result = function([1])
    assert seen[0].value is result


def test_copies_do_not_show_later_changes(module, front_end):
    function = module("def f(x):\n    a = [x]\n    return a").f
    with watch(function, "a", copy=True) as seen:
        function(1).append(2)
    assert seen[0].value == [1]


def test_the_final_value_shows_changes_made_within_the_call(module, front_end):
    function = module("def f(x):\n    a = [x]\n    a.append(2)\n    return len(a)").f
    with watch(function, "a", copy=True) as seen:
        function(1)
    assert seen[0].value == [1, 2]


def test_a_name_bound_on_another_path_gives_nothing(module, front_end):
    function = module("def f(x):\n    if x:\n        return 0\n    a = 1\n    return a").f
    with watch(function, "a") as seen:
        function(1), function(0), function(1)
    assert [(record.value, record.call) for record in seen] == [(1, 1)]


def test_mangled_names_are_found(module, front_end):
    method = module("class C:\n    def f(self, x):\n        __a = x\n        return __a").C.f
    with watch(method, "_C__a") as seen:
        method(None, 5)
    assert [record.value for record in seen] == [5]


def test_a_comprehension_over_a_free_variables_name_leaves_it_alone(module, front_end):
    function = module("""
        def outer(a):
            def f(b):
                nonlocal a
                a = a + 1
                h = lambda: a
                c = [(a, lambda: a)[0] for a in b]
                return c, h(), a
            return f
    """).outer
    plain, function = function(5)([1, 2]), function(5)
    with watch(function, "a", "c", each_binding=True) as seen:
        assert function([1, 2]) == plain
    assert [(r.name, r.value) for r in seen] == [("a", 6), ("c", [1, 2])]


COMPREHENSIONS = """
import contextlib, visualizer
from visualizer.instrument import codes

codes.front_ends = ("bytecode",)

def f(x):
    a = 0; b = [a for a in x]; a = 1; c = {a: b for a, b in zip(x, x)}; b = 2
    b = [[a for a in a] for a in [[a for a in x]]]; a = b = [a for a in x]; a = {a for a in x for b in x}
    with contextlib.suppress(ZeroDivisionError): a = [a / 0 for a in x]
    try: b = [a.none for a in x]
    except AttributeError: a = 3
    d = [lambda: a for a in x]; a = d[0](); return a, b

with visualizer.watch(f, "a", "b", each_binding=True) as seen:
    f([4, 5])
print([(record.name, record.value) for record in seen])
"""


@pytest.mark.parametrize("positions", [(), ("-X", "no_debug_ranges")], ids=["positions", "lines"])
def test_on_one_line_comprehensions_are_told_from_bindings_beside_them(python, positions):
    result = python(*positions, "-c", COMPREHENSIONS)
    lists = [("b", [[4, 5]]), ("a", [4, 5]), ("b", [4, 5]), ("a", {4, 5})]
    found = [("a", 0), ("b", [4, 5]), ("a", 1), ("b", 2), *lists, ("a", 3), ("a", 5)]
    assert (result.stderr, result.stdout) == ("", f"{found}\n")


def test_a_comprehension_over_what_comes_later_is_told_from_bindings_beside_it(module, front_end):
    function = module("""
        async def f(x):
            a = 0; b = [a async for a in x if a]; a = 1; return a, b
    """).f

    async def numbers():
        yield 0
        yield 2

    with watch(function, "a", "b", each_binding=True) as seen:
        assert asyncio.run(function(numbers())) == (1, [2])
    assert [(r.name, r.value) for r in seen] == [("a", 0), ("b", [2]), ("a", 1)]


def test_a_constant_is_left_alone(module, front_end):
    function = module("def f():\n    a = 'zero\\0'\n    return a").f
    with watch(function, "a") as seen:
        assert function() == "zero\0"
    assert seen[0].value == "zero\0"


HALFWAY = {
    "unpacking, then an attribute": "def f():\n    a, None.x = 1, 2",
    "chained, then an attribute": "def f():\n    a = None.x = 1",
    "unpacking within unpacking": "def f():\n    a, [b, c] = 1, 2",
    "import of several": "def f():\n    from math import pi as a, nothing",
    "import of several modules": "def f():\n    import math as a, nothing",
    "for": "def f():\n    for a, None.x in [(1, 2)]: pass",
    "with": "from contextlib import nullcontext as n\ndef f():\n    with n((1, 2)) as (a, None.x): pass",
}


@pytest.mark.parametrize("name", HALFWAY)
def test_a_binding_before_a_failure_in_the_same_statement_is_recorded(name, module):
    function = module(HALFWAY[name]).f
    with watch(function, "a") as seen, pytest.raises((AttributeError, ImportError, TypeError)):
        function()
    assert len(seen) == 1


def test_the_same_name_bound_twice_in_a_statement_is_recorded_twice(module):
    function = module("def f():\n    a, a = 1, 2").f
    with watch(function, "a", each_binding=True) as seen:
        function()
    # from 3.13 on the compiler drops the first
    assert [record.value for record in seen] == ([1, 2] if sys.version_info < (3, 13) else [2])


def test_expressions_and_halfway_bindings_are_recorded_together(module):
    function = module("def f(x):\n    a, [b] = x * 2, [abs(x)]\n    return a").f
    with watch(function, "a", "call:abs", each_binding=True) as seen:
        function(-3)
    assert [(r.name, r.value) for r in seen] == [("call:abs", 3), ("a", -6)]


@pytest.mark.parametrize("name", CASES)
def test_the_syntax_front_end_is_used_wherever_it_has_a_place(name, module, monkeypatch):
    source, names, *_ = CASES[name]
    function = module(source).f
    by_bytecode = []
    monkeypatch.setattr(
        codes, "tap_stores", lambda code, hooks: by_bytecode.append(code) or stores(code, hooks)
    )
    with watch(function, *names):
        pass
    assert bool(by_bytecode) == (name in {"unpacking", "from import", "match"})
