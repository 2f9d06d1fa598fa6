"""Random programs do the same while all their locals are tapped, and the taps see every binding.

The same program runs as it is, tapped by either front end, and in a form that tells of every binding by
itself; what it did, what observers saw of it and what was recorded are compared.
"""

import contextlib
import itertools
import linecache
import random
import sys
import warnings

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from visualizer import watch
from visualizer.instrument import codes, switch
from visualizer.instrument.taps import final_tap
from visualizer.instrument.targets import resolve

from .programs.observers import looking, monitoring, nobody, tracing
from .programs.program import Writer
from .programs.worlds import PLANS, World, shown

FRONT_ENDS = [("syntax",), ("bytecode",)]
DEEDS = {"effect", "enter", "exit", "keys", "call", "returned", "awaiting"}
"""Entries of the journal that are the same for both forms of a program; the others speak of lines."""


class Case:
    """One program in its two forms, and how its generators are driven."""

    numbers = itertools.count()

    def __init__(self, folder, seed, size):
        self.random = random.Random(seed)
        program = Writer(self.random, size).program()
        self.plan = self.random.choice(PLANS)
        file = folder / f"program_{next(self.numbers)}.py"
        file.write_text(program.plain, encoding="utf-8")
        self.path = str(file)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.plain = compile(program.plain, self.path, "exec")
            self.logged = compile(program.logged, "logged.py", "exec")

    def run(self, observer=nobody, tap=contextlib.nullcontext, code=None):
        """Run the program in a new world, its target tapped meanwhile."""
        world = World(self.path)
        names = world.namespace()
        with looking(world):
            exec(code or self.plain, names)
            world.function = resolve(names["target"]).functions[0]
            with tap(names["target"]) as world.records, observer(self.path, world.events):
                for arguments in names["INPUTS"]:
                    world.call(names["CALL"], arguments, self.plan)
        return world

    def oracle(self):
        return self.run(code=self.logged)

    def names(self):
        return codes.bound_names(self.run().function.__code__)

    def some_names(self):
        names = self.names()
        assume(names)
        return self.random.sample(names, self.random.randint(1, len(names)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    yield tmp_path_factory.mktemp("programs")
    linecache.clearcache()


def programs(test):
    """Run a test on programs of all sizes, the same ones every time."""
    seeds = given(seed=st.integers(0, 2**32), size=st.integers(1, 25))
    return settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])(seeds(test))


@contextlib.contextmanager
def by(front_end):
    before, codes.front_ends = codes.front_ends, front_end
    try:
        yield
    finally:
        codes.front_ends = before


def in_order(records, front_end):
    """Bring records into an order that both front ends keep, as ``(call, name, shown value)``.

    From Python 3.11 on, the compiler may swap the two stores of ``a, b = x, y``, and from 3.13 on it drops
    the first of two stores to one name: nothing can run between them.
    """
    found = [(call, name, shown(value)) for call, name, value in records]
    if front_end == ("bytecode",) and sys.version_info >= (3, 11):
        found.sort(key=lambda record: record[:2])
    if sys.version_info >= (3, 13):
        found = [record for i, record in enumerate(found) if not i or found[i - 1] != record]
    return found


def taps_of_all_kinds(case):
    every, some = case.names(), case.some_names()
    yield lambda target: watch(target, *every, each_binding=True)
    yield lambda target: watch(target, *some)
    yield lambda target: watch(target, some[0], "return:")
    yield lambda target: handed_over(target, some)


@contextlib.contextmanager
def handed_over(target, names):
    """Gather what the cheapest tap of each name hands over."""
    function = resolve(target).functions[0]
    found = []
    taps = [final_tap(function, name, lambda value, name=name: found.append((name, value))) for name in names]
    for tap in taps:
        switch.install(function, tap)
    try:
        yield found
    finally:
        for tap in taps:
            switch.remove(function, tap)


@programs
def test_the_form_that_tells_of_its_bindings_does_what_the_plain_one_does(folder, seed, size):
    case = Case(folder, seed, size)

    def deeds(world):
        entries = [entry for entry in world.journal if entry[0] in DEEDS]
        return [("keys", sorted(entry[1])) if entry[0] == "keys" else entry for entry in entries]

    assert deeds(case.run()) == deeds(case.oracle())


@programs
def test_a_tapped_program_does_what_it_did_and_a_tracer_sees_no_difference(folder, seed, size):
    case = Case(folder, seed, size)
    before = case.run(tracing)
    for front_end, tap in itertools.product(FRONT_ENDS, taps_of_all_kinds(case)):
        with by(front_end):
            tapped = case.run(tracing, tap)
        assert (front_end, tapped.journal) == (front_end, before.journal)
        assert (front_end, tapped.events) == (front_end, before.events)
        assert tapped.function.__code__ is before.function.__code__


if sys.version_info >= (3, 12):

    @programs
    def test_a_monitoring_tool_sees_no_difference(folder, seed, size):
        case = Case(folder, seed, size)
        before = case.run(monitoring)
        for front_end, tap in itertools.product(FRONT_ENDS, taps_of_all_kinds(case)):
            with by(front_end):
                tapped = case.run(monitoring, tap)
            assert (front_end, tapped.events) == (front_end, before.events)


@programs
def test_each_binding_is_recorded_once_and_in_order(folder, seed, size):
    case = Case(folder, seed, size)
    names = case.names()
    assume(names)
    told = case.oracle().bindings
    for front_end in FRONT_ENDS:
        with by(front_end):
            seen = case.run(tap=lambda target: watch(target, *names, each_binding=True)).records
        records = [(record.call, record.name, record.value) for record in seen]
        assert in_order(records, front_end) == in_order(told, front_end)


@programs
def test_the_last_values_are_recorded_as_calls_end(folder, seed, size):
    case = Case(folder, seed, size)
    names = case.some_names()
    ended = case.oracle().finals
    told = [
        (each.number, name, shown(each.last[name])) for each in ended for name in names if name in each.last
    ]
    for front_end in FRONT_ENDS:
        with by(front_end):
            seen = case.run(tap=lambda target: watch(target, *names)).records
            cheap = case.run(tap=lambda target: handed_over(target, names)).records
        assert [(record.call, record.name, shown(record.value)) for record in seen] == told
        assert [(name, shown(value)) for name, value in cheap] == [each[1:] for each in told]
