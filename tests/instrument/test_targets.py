"""What can be pointed at, which calls are meant, and what the refusals say."""

import dataclasses
import functools
import math
import re

import pytest

from visualizer import watch
from visualizer.errors import NameNotBoundError, TargetError


def values(seen):
    return [record.value for record in seen]


def plain_wrapper(function):
    def wrapper(*arguments, **options):
        result = function(*arguments, **options)
        return result

    return wrapper


def good_wrapper(function):
    @functools.wraps(function)
    def wrapper(*arguments, **options):
        a = "the wrapper's own"
        return function(*arguments, **options)

    return wrapper


class Base:
    def __init__(self, bias=0):
        self.bias = bias

    def forward(self, x):
        a = x + self.bias
        return a

    def __call__(self, x):
        return self.forward(x)


class Child(Base):
    pass


class Owner:
    @staticmethod
    def static(x):
        a = x
        return a

    @classmethod
    def by_class(cls, x):
        a = x
        return a

    @property
    def prop(self):
        a = 7
        return a

    @functools.cached_property
    def cached(self):
        a = 8
        return a

    def method(self, x):
        a = x
        return a

    partial = functools.partialmethod(method, 11)

    @plain_wrapper
    def wrapped_plainly(self, x):
        a = x
        return a

    @good_wrapper
    @plain_wrapper
    @good_wrapper
    def wrapped_thrice(self, x):
        a = x
        return a

    class Inner:
        def deep(self, x):
            a = x
            return a


@dataclasses.dataclass
class Data:
    x: int

    def double(self):
        a = self.x * 2
        return a


@functools.lru_cache
def remembered(x):
    a = x
    return a


TARGETS = {
    "static method": (lambda: Owner.static, lambda: Owner.static(1), [1]),
    "static method object": (lambda: vars(Owner)["static"], lambda: Owner.static(1), [1]),
    "class method, bound": (lambda: Owner.by_class, lambda: Owner.by_class(1), [1]),
    "class method object": (lambda: vars(Owner)["by_class"], lambda: Owner.by_class(1), [1]),
    "property": (lambda: Owner.prop, lambda: Owner().prop, [7]),
    "cached property": (lambda: Owner.cached, lambda: Owner().cached, [8]),
    "partial": (lambda: functools.partial(Owner.static, 5), lambda: Owner.static(1), [1]),
    "partial method": (lambda: vars(Owner)["partial"], lambda: Owner().partial(), [11]),
    "under a plain wrapper": (lambda: Owner.wrapped_plainly, lambda: Owner().wrapped_plainly(1), [1]),
    "under three wrappers": (lambda: Owner.wrapped_thrice, lambda: Owner().wrapped_thrice(1), [1]),
    "lru_cache": (lambda: remembered, lambda: [remembered.cache_clear(), remembered(1), remembered(1)], [1]),
    "dataclass method": (lambda: Data.double, lambda: Data(4).double(), [8]),
    "class with forward": (lambda: Base, lambda: [Base()(1), Child()(2)], [1, 2]),
    "class that inherits forward": (lambda: Child, lambda: [Base()(1), Child()(2)], [2]),
    "name": (lambda: f"{__name__}:Owner.Inner.deep", lambda: Owner.Inner().deep(1), [1]),
    "name of a static method": (lambda: f"{__name__}:Owner.static", lambda: Owner.static(1), [1]),
    "name of a class": (lambda: f"{__name__}:Base", lambda: Base()(1), [1]),
}


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or _this_module())


def _this_module():
    import types

    module = types.ModuleType(__name__)
    module.__dict__.update(globals())
    return module


@pytest.mark.parametrize("name", TARGETS)
def test_the_function_beneath_is_found(name):
    target, call, expected = TARGETS[name]
    with watch(target(), "a") as seen:
        call()
    assert values(seen) == expected


def test_only_the_calls_of_an_instance_are_meant():
    one, other = Base(10), Base(20)
    with watch(one, "a") as seen:
        one(1), other(1), Base.forward(one, 2), one.forward(x=3)
    assert values(seen) == [11, 12, 13]
    assert [record.call for record in seen] == [0, 1, 2]


def test_only_the_calls_of_a_bound_methods_instance_are_meant():
    one, other = Base(10), Base(20)
    with watch(one.forward, "a") as seen:
        other(1), one(1)
    assert values(seen) == [11]


def test_an_instance_inside_another_of_its_class_is_told_apart():
    class Nested:
        def __init__(self, inner):
            self.inner = inner

        def __call__(self, x):
            a = x
            if self.inner:
                self.inner(x + 1)
            return [b for b in [a]]

    inner = Nested(None)
    outer = Nested(inner)
    with watch(inner, "a", each_binding=True) as of_inner, watch(outer, "a", each_binding=True) as of_outer:
        outer(1)
    assert (values(of_inner), values(of_outer)) == ([2], [1])


def test_an_instance_is_neither_changed_nor_kept_alive():
    import weakref

    one = Base(1)
    before = dict(vars(one))
    with watch(one, "a") as seen:
        assert vars(one) == before
        gone = weakref.ref(one)
        del one
        assert gone() is None
        Base(2)(3)
    assert values(seen) == []


def test_an_instance_with_a_forward_of_its_own_is_watched_there():
    def forward(x):
        a = x * 100
        return a

    one = Base()
    one.forward = forward
    with watch(one, "a") as seen:
        one(1), Base()(2)
    assert values(seen) == [100]


@pytest.mark.parametrize("wrap", ["update_wrapper", "closure"])
def test_a_forward_put_around_the_old_one_is_that_instances_alone(wrap):
    one, other = Base(10), Base(20)
    old = one.forward
    if wrap == "closure":
        one.forward = lambda x: old(x)
    else:
        one.forward = functools.update_wrapper(functools.partial(lambda module, x: old(x), one), old)
    with watch(one, "a") as seen:
        one(1), other(2)
    assert values(seen) == [11]


def test_names_are_spelled_as_the_compiler_spells_them():
    names = {}
    exec("def f(x):\n    ﬂow = x\n    return ﬂow", names)
    with watch(names["f"], "ﬂow") as seen:
        names["f"](1)
    assert [(record.name, record.value) for record in seen] == [("flow", 1)]


def test_positional_variadic_self_is_told_apart():
    class Odd:
        def __call__(*arguments, **options):
            a = arguments[1]
            return a

    one, other = Odd(), Odd()
    with watch(one, "a") as seen:
        one(1), other(2)
    assert values(seen) == [1]


def test_closures_that_share_code_stay_apart():
    def make(n):
        def inner(x):
            a = x * n
            return a

        return inner

    one, other = make(2), make(3)
    with watch(one, "a") as seen:
        one(1), other(1)
        with watch(other, "a") as also:
            one(1), other(1)
    assert (values(seen), values(also)) == ([2, 2], [3])


def test_lambdas_and_executed_source_are_watched():
    names = {}
    exec("def made(x):\n    a = x\n    return a", names)
    with watch(names["made"], "a") as seen:
        names["made"](1)
    function = lambda x, y=2: [z := x + y, z]
    with watch(function, "z", "y") as also:
        function(1)
    assert (values(seen), values(also)) == ([1], [3, 2])


def test_functions_with_builtins_of_their_own_are_watched():
    names = {"__builtins__": {"len": len}}
    exec("def made(x):\n    a = len(x)\n    return a", names)
    with watch(names["made"], "a") as seen:
        names["made"]([1])
    assert values(seen) == [1]
    del names["made"]
    assert not [name for name in names["__builtins__"] if "visualizer" in name]


REFUSALS = {
    "a wrong name": (Base, "atn", NameNotBoundError, r"Base.forward has no local `atn`; it has self, x, a"),
    "a near name": (
        re.compile,
        "flag",
        NameNotBoundError,
        "did you mean flags",
    ),
    "an attribute": (
        Base,
        "bias",
        NameNotBoundError,
        "has no local `bias`, only a global or attribute of that name",
    ),
    "a C function": (math.sqrt, "x", TargetError, "sqrt is written in C and has no Python locals"),
    "a C method": (list.append, "x", TargetError, "append is written in C"),
    "a class without forward": (
        Data,
        "x",
        TargetError,
        r"class Data has no forward and no __call__ written in Python; it has .*double.*name the method",
    ),
    "an instance without forward": (Data(1), "x", TargetError, "class Data has no forward"),
    "a builtin class": (dict, "x", TargetError, "class dict has no forward"),
    "a number": (3, "x", TargetError, "class int has no forward and no __call__"),
    "a module": (math, "x", TargetError, "math is a module, not a Python function"),
    "a bad string": ("math.sqrt", "x", TargetError, "not of the form 'package.module:Qualified.name'"),
    "a missing module": ("no_such_module:f", "x", TargetError, "there is no module 'no_such_module'"),
    "a missing member": ("textwrap:TextWraper", "x", TargetError, "did you mean TextWrapper"),
    "a broken module name": ("..x:f", "x", TargetError, "cannot be imported"),
    "a number for a name": (Base, 3, NameNotBoundError, "watch needs names of locals.*it was given 3"),
    "no name": (Base, None, NameNotBoundError, "watch needs names of locals"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals_say_what_is_there(name):
    target, asked, error, message = REFUSALS[name]
    codes = Base.forward.__code__, re.compile.__code__
    with pytest.raises(error, match=message), watch(target, *([asked] if asked else [])):
        pass
    assert Base.forward.__code__ is codes[0]
    assert re.compile.__code__ is codes[1]


def test_a_free_variable_that_is_only_read_is_refused():
    outer = 1

    def function():
        return outer

    with pytest.raises(
        NameNotBoundError, match="reads `outer` from the function around it and never binds it"
    ):
        watch(function, "outer")


def test_a_comprehensions_variable_is_refused():
    def function(x):
        return [only for only in x]

    with pytest.raises(NameNotBoundError, match="only"):
        watch(function, "only")


def test_a_global_is_refused():
    def function():
        global REBOUND
        REBOUND = 1

    with pytest.raises(NameNotBoundError, match="has no local `REBOUND`, only a global"):
        watch(function, "REBOUND")
