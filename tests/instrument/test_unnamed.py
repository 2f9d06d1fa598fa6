"""Values without a name: calls, expressions, returned values."""

import pytest

from visualizer import watch
from visualizer.errors import NameNotBoundError

ATTENTION = """
    import math
    class F:
        @staticmethod
        def softmax(x): return [v / sum(x) for v in x]
    def softmax(x): return x
    def forward(q, k):
        if q:
            scores = F.softmax([q * k, 1])
        return softmax(
            math.sqrt(q * k)
        ), F.softmax([1, 1]), [abs(z) for z in (q, k)]
"""


@pytest.fixture
def forward(module):
    return module(ATTENTION).forward


def record(function, *names, calls=((2, 8),)):
    with watch(function, *names, each_binding=True) as seen:
        for arguments in calls:
            function(*arguments)
    return [each.value for each in seen]


def test_a_call_is_named_by_the_last_part_and_its_occurrence(forward):
    assert record(forward, "call:softmax#2") == [4.0]
    assert record(forward, "call:softmax#1") == [[16 / 17, 1 / 17]]


def test_a_call_is_named_in_full(forward):
    assert record(forward, "call:F.softmax#2") == [[0.5, 0.5]]
    assert record(forward, "call:math.sqrt") == [4.0]


def test_an_expression_is_found_by_its_syntax_not_its_spacing(forward):
    assert record(forward, "expr:math.sqrt(  q*k )") == [4.0]
    assert record(forward, "expr:q * k#2") == [16]


def test_an_expression_in_a_comprehension_gives_each_value(forward):
    assert record(forward, "call:abs") == [2, 8]


def test_names_and_unnamed_values_come_in_the_order_they_happen(forward):
    assert record(forward, "return:", "scores", "expr:q * k#1")[:2] == [16, [16 / 17, 1 / 17]]


def test_a_returned_value_is_recorded_by_both_front_ends(module, front_end):
    function = module("def f(x):\n    if x:\n        return x * 2\n    return 'zero'").f
    assert record(function, "return:", calls=[(1,), (0,)]) == [2, "zero"]


def test_lambdas_give_what_they_return():
    assert record(lambda x: x + 1, "return:", "x", calls=[(1,)]) == [1, 2]


def test_several_places_ask_for_a_number(forward):
    with pytest.raises(
        NameNotBoundError,
        match=r"forward evaluates call:softmax at 3 places: choose one of call:softmax#1 \(line 9\), call:softmax#2",
    ):
        record(forward, "call:softmax")


def test_a_missing_call_lists_what_is_called(forward):
    with pytest.raises(
        NameNotBoundError,
        match=r"forward has no call of 'sotmax'; it calls softmax \(line 9\), .*; did you mean softmax\?",
    ):
        record(forward, "call:sotmax")


def test_a_missing_expression_says_how_to_write_it(forward):
    with pytest.raises(
        NameNotBoundError, match=r"evaluates no expression 'q @ k'; it must be written as in the source"
    ):
        record(forward, "expr:q @ k")


@pytest.mark.parametrize("request_", ["call:", "expr:", "expr:q @", "call:#2"])
def test_an_empty_or_broken_request_is_refused(forward, request_):
    original = forward.__code__
    with pytest.raises(NameNotBoundError, match="names nothing|is not a Python expression"):
        record(forward, request_)
    assert forward.__code__ is original


def test_without_source_the_reason_is_given():
    function = eval("lambda x: abs(x)")
    with pytest.raises(
        NameNotBoundError, match=r"'call:abs' needs the source of <lambda>, but it is a lambda"
    ):
        record(function, "call:abs")


def test_the_value_itself_passes_through(module):
    function = module("def make(): return []\ndef f():\n    return make()").f
    with watch(function, "call:make", "expr:make()") as seen:
        result = function()
    assert all(each.value is result for each in seen)
    assert len(seen) == 2
