"""What `get_local` can be put on, and that it leaves it as it is."""

import copy
import functools
import gc
import inspect
import pickle
import sys
import types
import weakref

import pytest

from visualizer.classic import get_local
from visualizer.errors import TargetError
from visualizer.notices import RecordingWarning


def plain(x):
    a = x + 1
    return a * 2


class Owner:
    def __call__(self, x):
        a = x
        return a


def untouched(function):
    return types.FunctionType(function.__code__.replace(), function.__globals__, function.__name__)


def keeping_wraps(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


def forgetting_wraps(function):
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


def test_inactive_the_function_is_the_same_object_with_the_same_code():
    def f(x):
        a = x
        return a

    code, attributes = f.__code__, dict(vars(f))
    assert get_local("a")(f) is f
    assert f.__code__ is code
    assert vars(f) == attributes


def test_inactive_a_call_leaves_nothing_in_the_cache():
    @get_local("a")
    def f(x):
        a = x
        return a

    f(1)
    assert get_local.cache == {}


def test_active_the_function_is_the_same_object_too(active):
    def f(x: int, *, y=2) -> int:
        "Doc."
        a = x + y
        return a

    signature, name = inspect.signature(f), f.__qualname__
    assert get_local("a")(f) is f
    assert (inspect.signature(f), f.__qualname__, f.__doc__) == (signature, name, "Doc.")
    assert f(1) == 3


def test_deactivating_puts_back_the_very_code_object():
    def f(x):
        a = x
        return a

    code = f.__code__
    get_local("a")(f)
    get_local.activate()
    assert f.__code__ is not code
    get_local.deactivate()
    assert f.__code__ is code


def test_a_function_decorated_before_activation_is_recorded():
    f = get_local("a")(untouched(plain))
    get_local.activate()
    f(1)
    assert get_local.cache == {f.__qualname__: [2]}


def test_a_function_decorated_after_activation_is_recorded(active):
    f = get_local("a")(untouched(plain))
    f(1)
    assert get_local.cache == {f.__qualname__: [2]}


def test_a_method_is_recorded_under_its_qualified_name(active):
    class Attention:
        @get_local("attn")
        def forward(self, x):
            attn = x * 2
            return attn

    Attention().forward(3)
    (key,) = get_local.cache
    assert key.endswith("Attention.forward")
    assert get_local.cache[key] == [6]


@pytest.mark.parametrize("kind", [staticmethod, classmethod])
@pytest.mark.parametrize("above", [True, False])
def test_static_and_class_methods_are_recorded_above_and_below(active, kind, above):
    def method(*args):
        a = args[-1]
        return a

    def decorated(function):
        made = get_local("a")(kind(function)) if above else kind(get_local("a")(function))
        assert isinstance(made, kind)
        return made

    owner = type("Owner", (), {"method": decorated(method)})
    owner.method(4)
    assert get_local.cache[method.__qualname__] == [4]


def test_above_a_static_method_the_same_object_comes_back():
    method = staticmethod(plain)
    assert get_local("a")(method) is method


def test_a_property_is_recorded(active):
    class Owner:
        @get_local("a")
        @property
        def value(self):
            a = 5
            return a

    Owner().value
    assert list(get_local.cache.values()) == [[5]]


@pytest.mark.parametrize("wrap", [keeping_wraps, forgetting_wraps, functools.lru_cache, functools.partial])
@pytest.mark.parametrize("above", [True, False])
def test_under_and_above_other_decorators_the_function_beneath_is_recorded(active, wrap, above):
    f = untouched(plain)
    wrapped = get_local("a")(wrap(f)) if above else wrap(get_local("a")(f))
    assert wrapped(1) == 4
    assert get_local.cache == {f.__qualname__: [2]}


@pytest.mark.parametrize(
    "point_at", [lambda owner: owner, lambda owner: owner.__call__], ids=["instance", "method"]
)
def test_an_instance_or_bound_method_is_recorded_for_its_own_calls_only(active, point_at):
    mine, other = Owner(), Owner()
    target = point_at(mine)
    assert get_local("a")(target) is target
    mine(1)
    other(2)
    assert get_local.cache == {"Owner.__call__": [1]}


def test_several_instances_share_a_key_in_the_order_of_their_calls(active):
    owners = [Owner(), Owner(), Owner()]
    get_local("a")(owners[0])
    get_local("a")(owners[2])
    for number, owner in enumerate([*owners, owners[0]]):
        owner(number)
    assert get_local.cache == {"Owner.__call__": [0, 2, 3]}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 0), (0, 0, 2), (2, 2, 1)])
def test_a_call_that_is_asked_for_in_several_ways_is_recorded_once(active, order):
    owner = Owner()
    targets = [owner, Owner, Owner.__call__]
    for index in order:
        get_local("a")(targets[index])
    owner(1)
    assert list(get_local.cache.values()) == [[1]]


def test_a_class_is_recorded_through_its_forward(active):
    @get_local("a")
    class Module:
        def forward(self, x):
            a = x
            return a

        def __call__(self, x):
            return self.forward(x)

    assert isinstance(Module, type)
    Module()(1)
    assert list(get_local.cache.values()) == [[1]]


def test_a_dotted_name_is_recorded_and_comes_back(active):
    name = "textwrap:TextWrapper._split"
    assert get_local("chunks")(name) == name
    import textwrap

    textwrap.fill("two words")
    assert get_local.cache == {"TextWrapper._split": [["two", " ", "words"]]}
    get_local.deactivate()


def test_a_lambda_and_executed_source_are_recorded(active):
    space = {}
    exec("def f(x):\n    a = x\n    return a", space)
    get_local("a")(space["f"])(1)
    get_local("x")(lambda x: x)(2)
    assert sorted(map(str, get_local.cache.values())) == ["[1]", "[2]"]


def test_a_function_that_dies_is_forgotten():
    dead = weakref.ref(get_local("a")(untouched(plain)))
    gc.collect()
    assert dead() is None
    get_local.activate()
    assert get_local.cache == {}


def test_a_function_that_is_recorded_can_die(active):
    f = get_local("a")(untouched(plain))
    f(1)
    dead = weakref.ref(f)
    del f
    gc.collect()
    assert dead() is None
    assert get_local.cache == {"plain": [2]}


def test_an_instance_that_was_asked_for_can_die():
    owner = Owner()
    get_local("a")(owner)
    get_local("a")(owner.__call__)
    dead = weakref.ref(owner)
    del owner
    gc.collect()
    assert dead() is None


def test_a_function_recorded_and_released_can_die():
    f = untouched(plain)
    get_local("a")(f)
    get_local.activate()
    f(1)
    get_local.deactivate()
    dead = weakref.ref(f)
    del f
    gc.collect()
    assert dead() is None


def test_the_same_name_asked_for_twice_is_recorded_once(active):
    f = get_local("a")(get_local("a", "a")(untouched(plain)))
    f(1)
    assert get_local.cache == {f.__qualname__: [2]}


def test_closures_that_share_code_stay_apart(active):
    def make(number):
        def f():
            a = number
            return a

        return f

    first, second = make(1), make(2)
    get_local("a")(first)
    first(), second()
    assert list(get_local.cache.values()) == [[1]]


def test_a_recorded_function_is_pickled_and_deep_copied_as_before(active):
    get_local("a")(plain)
    assert pickle.loads(pickle.dumps(plain)) is plain
    assert copy.deepcopy(plain) is plain


@pytest.mark.parametrize("names", [(), (plain,), ("a", 1)])
def test_without_names_the_way_to_write_it_is_shown(names):
    with pytest.raises(TargetError, match=r"needs names of locals, as in @get_local\('attn'\); it was given"):
        get_local(*names)


def test_a_decorator_shows_its_names():
    assert repr(get_local("a", "b", "a")) == "get_local('a', 'b')"


def test_inactive_a_target_without_python_code_comes_back_in_silence():
    assert get_local("a")(len) is len


def test_active_a_target_without_python_code_comes_back_with_a_warning(active):
    with pytest.warns(RecordingWarning, match="len is written in C") as said:
        assert get_local("a")(len) is len
    assert said[0].filename == __file__


def test_a_target_without_python_code_is_reported_on_activation():
    get_local("a")(sys.getsizeof)
    with pytest.warns(RecordingWarning, match="getsizeof is written in C"):
        get_local.activate()


def test_a_target_that_is_not_there_is_told_once():
    get_local("a")("nosuchmod:f")
    with pytest.warns(RecordingWarning, match="nosuchmod"):
        get_local.activate()
    get_local.deactivate()
    get_local.activate()


def test_a_target_that_was_told_on_decorating_is_not_told_again(active):
    with pytest.warns(RecordingWarning, match="nosuchmod"):
        get_local("a")("nosuchmod:f")
    get_local.activate()


def test_where_warnings_are_errors_each_target_that_is_not_there_is_told_once():
    for name in ("one", "two"):
        get_local("a")(f"nosuchmod_{name}:f")
    for name in ("one", "two"):
        with pytest.raises(RecordingWarning, match=f"nosuchmod_{name}"):
            get_local.activate()
    get_local.activate()


@pytest.mark.parametrize("wrap", [keeping_wraps, forgetting_wraps])
def test_a_wrong_name_under_another_decorator_is_reported(active, wrap):
    with pytest.warns(RecordingWarning, match="has no local `wrong`"):
        get_local("wrong")(wrap(untouched(plain)))
