"""The helpers that random programs call, and the journal of what a program did with them."""

from __future__ import annotations

import functools
import gc
import inspect
import itertools
import sys
from dataclasses import dataclass, field

_GENERATORS = (inspect.isgenerator, inspect.iscoroutine)
_STEPS = 6

PLANS = (
    [("send", None)] * 12,
    [*[("send", None)] * 4, ("close",)],
    [("send", None), ("send", None), ("throw", lambda: ValueError(5)), ("send", None), ("send", 3)],
    [("send", None), ("throw", lambda: KeyError(1)), ("throw", GeneratorExit), ("send", None)],
    [("send", None), ("send", 2)],
    [("send", None), ("close",)],
    [("throw", lambda: ValueError(1))],
    [("close",)],
)
"""What is done to a generator, step by step; then nobody holds it any more."""


def shown(value, depth=3):
    """Return what can be compared of a value; objects of two runs are never equal themselves."""
    if value is None or isinstance(value, int | float | str):
        return value
    if isinstance(value, list | tuple) and depth:
        return type(value).__name__, [shown(each, depth - 1) for each in value[:5]]
    if isinstance(value, dict) and depth:
        return [(shown(key, 0), shown(each, depth - 1)) for key, each in value.items()]
    if isinstance(value, BaseException):
        return type(value).__name__, shown(value.args, depth - 1) if depth else ""
    return type(value).__name__, getattr(value, "__name__", "")


@dataclass
class Start:
    """One call of the target, as the logged form tells of it."""

    number: int
    last: dict = field(default_factory=dict)
    ended: bool = False


class Manager:
    def __init__(self, value, serial, journal):
        self.value, self.serial, self.journal = value, serial, journal

    def __enter__(self):
        self.journal.append(("enter", self.serial))
        return self.value

    def __exit__(self, kind, error, traceback):
        self.journal.append(("exit", self.serial, shown(error)))
        return self.serial % 3 == 0 and isinstance(error, Exception)

    async def __aenter__(self):
        return await Pause(self.value) and self.__enter__()

    async def __aexit__(self, *failure):
        await Pause(1)
        return self.__exit__(*failure)


class Pause:
    def __init__(self, value):
        self.value = value

    def __await__(self):
        sent = yield self.value
        return self.value if sent is None else sent


class Items:
    def __init__(self, items):
        self.items = iter(items if hasattr(items, "__iter__") else range(3))

    def __iter__(self):
        return self

    __aiter__ = __iter__

    def __next__(self):
        return next(self.items)

    async def __anext__(self):
        try:
            return await Pause(next(self.items))
        except StopIteration:
            raise StopAsyncIteration from None


class Thing:
    x = 1

    def method(self, value, k=None):
        return value

    def at(self, place):
        return self


class Base:
    def __init__(self, *values):
        pass


class World:
    """One run of a program: its helpers, and the journal of what it did.

    ``events`` is for an observer; ``starts``, ``bindings`` and ``finals`` are filled by the logged form only.
    """

    def __init__(self, path):
        self.path = path
        self.journal = []
        self.events = []
        self.left = 3
        self.starts = itertools.count()
        self.bindings = []
        self.finals = []

    def namespace(self):
        journal = self.journal
        helpers = {
            "__name__": "program",
            "OBJ": Thing(),
            "XS": [1, 2, 3],
            "g1": 0,
            "BASE": Base,
            "META": type("Meta", (type,), {}),
            "PAUSE": Pause,
            "ITEMS": Items,
            "AITEMS": Items,
            "MANAGER": lambda value, serial: Manager(value, serial, journal),
            "AMANAGER": lambda value, serial: Manager(value, serial, journal),
            "SIZE": lambda *values, **named: len(values) + len(named),
            "TOTAL": lambda values: len(list(values)),
            "DECORATE": lambda function: function,
            "DECORATOR": lambda value: lambda function: function,
            "WRAPPED": lambda f: functools.wraps(f)(lambda *values, **named: f(*values, **named)),
        }
        own = ("EFFECT", "BOOM", "HERE", "KEYS", "HANDLED", "FUEL", "DRIVE", "ENTER", "LOG", "LOGS", "END")
        return helpers | {name: getattr(self, name.lower()) for name in own}

    def effect(self, serial, value):
        self.journal.append(("effect", serial, shown(value)))
        return value

    def boom(self, serial, value):
        self.effect(serial, value)
        if isinstance(value, int) and value % 3 == 1:
            raise (ValueError, KeyError, TypeError)[serial % 3](serial)
        return value

    def here(self, serial, value):
        frame = sys._getframe(1)
        self.journal.append(("here", serial, frame.f_lineno, self.positions(frame.f_code, frame.f_lasti)))
        return value

    def keys(self, names):
        self.journal.append(("keys", [name for name in names if not name.startswith(("u_", "c_"))]))
        return 1

    def handled(self, serial):
        error = sys.exc_info()[1]
        self.journal.append(("handled", serial, shown(error), self.explained(error)))

    def positions(self, code, lasti):
        if sys.version_info < (3, 11):
            return None
        return next(itertools.islice(code.co_positions(), lasti // 2, None))

    def explained(self, error, depth=3):
        """Return an exception's traceback in the program's file, line by line, and what it is chained to."""
        if error is None or not depth:
            return None
        entries = []
        traceback = error.__traceback__
        while traceback is not None:
            code = traceback.tb_frame.f_code
            if code.co_filename == self.path:
                where = self.positions(code, traceback.tb_lasti)
                entries.append((code.co_name, traceback.tb_lineno, where))
            traceback = traceback.tb_next
        chained = [error.__context__, error.__cause__, *getattr(error, "exceptions", ())]
        return shown(error), entries, [self.explained(each, depth - 1) for each in chained]

    def fuel(self):
        self.left -= 1
        return self.left >= 0

    def enter(self):
        return Start(next(self.starts))

    def log(self, start, name, value):
        if not start.ended:
            self.bindings.append((start.number, name, value))
            start.last[name] = value
        return value

    def logs(self, start, pairs):
        for name, value in pairs:
            self.log(start, name, value)
        return True

    def end(self, start):
        start.ended = True
        self.finals.append(start)

    def drive(self, thing):
        """Run what a call gave, inside the program: exceptions go on to the caller."""
        if not any(kind(thing) for kind in (*_GENERATORS, inspect.isasyncgen)):
            return thing
        try:
            for _ in range(_STEPS):
                self.step(thing, "send", None)
        except (StopIteration, StopAsyncIteration) as stop:
            return getattr(stop, "value", None)
        finally:
            self.step(thing, "close")
        return None

    def step(self, thing, action, *values):
        if not inspect.isasyncgen(thing):
            return getattr(thing, action)(*values)
        pausing = getattr(thing, "a" + action)(*values)
        try:
            for number in range(_STEPS):
                self.journal.append(("awaiting", shown(pausing.send(number or None))))
        except StopIteration as stop:
            return stop.value
        finally:
            pausing.close()
        return None

    def outcome(self, act):
        try:
            return "returned", act()
        except BaseException as error:
            self.journal.append(("raised", shown(error), self.explained(error)))
            return "raised", None

    def call(self, function, arguments, plan):
        """Call the function, go through the plan with what it returns, and let go of it."""
        self.left = 3
        self.journal.append(("call", shown(arguments)))
        how, thing = self.outcome(lambda: function(*arguments))
        if any(kind(thing) for kind in (*_GENERATORS, inspect.isasyncgen)):
            for action, *values in plan:
                sent = [each() if callable(each) else each for each in values]
                how, value = self.outcome(lambda: self.step(thing, action, *sent))
                self.journal.append((how, action, shown(value)))
                del value
            if inspect.iscoroutine(thing):
                self.outcome(thing.close)
        else:
            self.journal.append((how, shown(thing)))
        del thing
        gc.collect(0)
