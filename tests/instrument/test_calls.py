"""When a call begins and ends: returns, exceptions, generators, coroutines, recursion, threads, tasks."""

import asyncio
import gc
import threading

import pytest

from visualizer import watch


def values(seen):
    return [record.value for record in seen]


def test_each_of_several_returns_ends_the_call(module, front_end):
    function = module("""
        def f(x):
            a = x
            if x == 0:
                return "early"
            try:
                if x == 1:
                    return "in try"
                if x == 2:
                    raise ValueError
            except ValueError:
                return "in except"
            finally:
                a = -x
            with open(__file__) as file:
                if x == 3:
                    return "in with"
            for a in range(3):
                if x == 4:
                    return "in loop"
            while True:
                a = 100
                return "at the end"
    """).f
    with watch(function, "a") as seen:
        results = [function(x) for x in range(6)]
    assert results == ["early", "in try", "in except", "in with", "in loop", "at the end"]
    assert values(seen) == [0, -1, -2, -3, 0, 100]
    assert [record.call for record in seen] == [0, 1, 2, 3, 4, 5]


def test_an_exception_ends_the_call(module, front_end):
    function = module("def f(x):\n    a = x\n    b = 1 / x\n    return b").f
    with watch(function, "a", "b") as seen:
        with pytest.raises(ZeroDivisionError):
            function(0)
        function(1)
    assert [(r.name, r.value, r.call) for r in seen] == [("a", 0, 0), ("a", 1, 1), ("b", 1.0, 1)]


def test_recursion_ends_inner_calls_first(module, front_end):
    function = module("def f(n):\n    a = n\n    if n:\n        f(n - 1)\n    a = n * 10\n    return a").f
    with watch(function, "a") as seen:
        function(2)
    assert [(r.value, r.call) for r in seen] == [(0, 2), (10, 1), (20, 0)]


GENERATOR = """
    def f(n):
        a = 'started'
        try:
            for i in range(n):
                a = i
                sent = yield i
                if sent:
                    a = sent
        finally:
            b = 'finished'
        return a
"""


def test_an_exhausted_generator_ends_its_call(module, front_end):
    function = module(GENERATOR).f
    with watch(function, "a", "return:") as seen:
        assert list(function(3)) == [0, 1, 2]
    assert [(r.name, r.value) for r in seen] == [("a", 2), ("return:", 2)]


def test_generators_take_turns_and_keep_apart(module, front_end):
    function = module(GENERATOR).f
    with watch(function, "a", each_binding=True) as seen:
        one, other = function(2), function(5)
        next(other), next(one), next(other), next(one), next(one, None), other.close()
    assert [(r.value, r.call) for r in seen] == [
        *(("started", 0), (0, 0), ("started", 1), (0, 1), (1, 0), (1, 1)),
    ]


def test_a_value_sent_to_a_generator_is_bound(module, front_end):
    function = module(GENERATOR).f
    with watch(function, "sent", "a") as seen:
        generator = function(1)
        next(generator)
        with pytest.raises(StopIteration):
            generator.send("hello")
    assert [(r.name, r.value) for r in seen] == [("sent", "hello"), ("a", "hello")]


PLAIN_GENERATOR = "def f(n):\n    for a in range(n):\n        yield a\n"


@pytest.mark.parametrize("source", [GENERATOR, PLAIN_GENERATOR], ids=["with finally", "plain"])
def test_closing_a_generator_ends_its_call(source, module, front_end):
    function = module(source).f
    with watch(function, "a") as seen:
        generator = function(3)
        next(generator), next(generator)
        assert len(seen) == 0
        generator.close()
        assert values(seen) == [1]
    with pytest.raises(StopIteration):
        next(generator)


def test_throwing_into_a_generator_ends_its_call(module, front_end):
    function = module(PLAIN_GENERATOR).f
    with watch(function, "a") as seen:
        generator = function(3)
        next(generator)
        with pytest.raises(KeyError):
            generator.throw(KeyError("thrown"))
    assert values(seen) == [0]


def test_dropping_a_generator_ends_its_call(module, front_end):
    function = module(PLAIN_GENERATOR).f
    with watch(function, "a") as seen:
        generator = function(3)
        next(generator)
        del generator
        gc.collect()
        assert values(seen) == [0]


def test_a_generator_left_open_is_said(module, front_end):
    function = module(PLAIN_GENERATOR).f
    with watch(function, "a") as seen:
        generator = function(3)
        next(generator)
    assert values(seen) == []
    assert "; 1 call had not ended" in repr(seen)
    assert list(generator) == [1, 2], "it goes on after the block"
    assert values(seen) == []


def test_yield_from_and_delegation_keep_their_values(module, front_end):
    function = module("""
        def f(n):
            a = yield from inner(n)
            return a
        def inner(n):
            got = yield n
            return got
    """).f
    with watch(function, "a") as seen:
        generator = function(1)
        next(generator)
        with pytest.raises(StopIteration) as stop:
            generator.send("x")
    assert stop.value.value == "x"
    assert values(seen) == ["x"]


def test_coroutines_are_calls(module, front_end):
    function = module("""
        import asyncio
        async def f(x):
            a = x
            await asyncio.sleep(0)
            a = a + 1
            return a
    """).f

    async def main():
        return await asyncio.gather(*(function(x) for x in (10, 20, 30)))

    with watch(function, "a", each_binding=True) as seen:
        assert asyncio.run(main()) == [11, 21, 31]
    assert [(r.value, r.call) for r in seen] == [(10, 0), (20, 1), (30, 2), (11, 0), (21, 1), (31, 2)]


def test_a_cancelled_task_ends_its_call(module, front_end):
    function = module("import asyncio\nasync def f():\n    a = 1\n    await asyncio.sleep(60)\n    a = 2").f

    async def main():
        task = asyncio.ensure_future(function())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with watch(function, "a") as seen:
        asyncio.run(main())
    assert values(seen) == [1]


def test_async_generators_loops_and_withs_are_followed(module, front_end):
    function = module("""
        class Manager:
            async def __aenter__(self): return "entered"
            async def __aexit__(self, *error): pass
        async def numbers(n):
            for i in range(n):
                yield i
        async def f(n):
            async with Manager() as m, Manager() as k:
                async for a in numbers(n):
                    b = [c async for c in numbers(a)]
                    yield b
    """).f

    async def main():
        collected = [each async for each in function(3)]
        closed = function(3)
        await closed.__anext__()
        await closed.aclose()
        return collected

    with watch(function, "m", "k", "a", "b") as seen:
        assert asyncio.run(main()) == [[], [0], [0, 1]]
    assert [(r.name, r.value, r.call) for r in seen] == [
        *(("m", "entered", 0), ("k", "entered", 0), ("a", 2, 0), ("b", [0, 1], 0)),
        *(("m", "entered", 1), ("k", "entered", 1), ("a", 0, 1), ("b", [], 1)),
    ]


def test_threads_are_told_apart(module, front_end):
    function = module("def f(x):\n    a = x\n    for _ in range(100):\n        a = a + 1\n    return a").f
    together = threading.Barrier(4)  # identifiers of threads that have ended are used again

    def work(x):
        together.wait()
        for _ in range(50):
            function(x)
        together.wait()

    with watch(function, "a") as seen:
        threads = [threading.Thread(target=work, args=(x,)) for x in range(0, 4000, 1000)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(seen) == 200
    assert sorted(record.call for record in seen) == list(range(200))
    for thread, x in zip(threads, range(0, 4000, 1000)):
        assert {record.value for record in seen if record.thread == thread.ident} == {x + 100}


def test_an_unnamed_result_of_an_implicit_return_is_none(module, front_end):
    function = module("def f(x):\n    if x:\n        return x\n").f
    with watch(function, "return:") as seen:
        function(0), function(7)
    assert values(seen) == [None, 7]
