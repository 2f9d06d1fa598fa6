"""What a writer of programs holds in its hand: chances, names and the two texts that it writes."""

from __future__ import annotations

import contextlib
import unicodedata
from dataclasses import dataclass, field

POOL = ("a", "b", "c", "d", "e", "list", "id", "ﬁ", "__x")
"""Names to bind: plain, built-in, not normalised, and mangled in methods."""


@dataclass
class Scope:
    """Where a name is looked up: the target, or a function, class or lambda in it."""

    flavour: str
    outer: Scope | None = None
    bound: list[str] = field(default_factory=list)
    shared: dict[str, Scope] = field(default_factory=dict)  # declared nonlocal, and whose they are
    outside: set[str] = field(default_factory=set)  # declared global
    taboo: set[str] = field(default_factory=set)  # never to be bound here: inner scopes reach past
    is_target: bool = False

    def is_logged(self, name):
        if name in self.shared:
            return self.shared[name].is_target
        return self.is_target and name not in self.outside

    def readable(self):
        names = list(self.bound)
        scope = self.outer
        while scope is not None:
            names += scope.bound if scope.flavour != "class" else []
            scope = scope.outer
        return names

    def asynchronous(self):
        return self.flavour in {"coroutine", "async generator"}


OUTSIDE = Scope("function", is_target=True)
"""Whose a variable around the target is: bindings of it inside the target are the target's."""


class Pen:
    """Writes lines of both texts; ``random`` is anything with the methods of `random.Random`."""

    def __init__(self, random, size=25):
        self.random = random
        self.left = size
        self.serial = 0
        self.depth = 0
        self.plain = []
        self.logged = []
        self.scope = Scope("module")
        self.owner = ""
        self.iterating = []  # variables of the comprehensions that are being written
        self.walrus_allowed = True
        self.one_line = False
        self.loop = False
        self.in_star = False
        self.in_handler = False
        self.method = False

    def chance(self, share):
        return self.random.random() < share

    def choice(self, options):
        return self.random.choice(list(options))

    def number(self):
        self.serial += 1
        return self.serial

    def br(self):
        """Return a blank, or now and then a new line inside brackets."""
        if not self.one_line and self.chance(0.12):
            return "\n" + " " * self.random.randint(0, 12)
        return " "

    def emit(self, plain, logged=None):
        pad = "    " * self.depth
        if plain is not None:
            self.plain.append(pad + plain)
        for line in [plain] if logged is None else logged:
            self.logged.append(pad + line)

    def real(self, name):
        """Return the name that the compiler gives a local."""
        name = unicodedata.normalize("NFKC", name)
        return f"_{self.owner}{name}" if self.owner and name.startswith("__") else name

    @contextlib.contextmanager
    def having(self, **changes):
        before = {name: getattr(self, name) for name in changes}
        self.__dict__.update(changes)
        yield
        self.__dict__.update(before)

    def binding(self, fresh=0.0):
        """Choose a name to bind in the present scope."""
        options = [name for name in POOL if name not in self.scope.taboo]
        if self.scope.outside and self.chance(0.1):
            options = sorted(self.scope.outside)
        name = f"v{self.number()}" if self.chance(fresh) else self.choice(options)
        return self.bind(name)

    def bind(self, name):
        if name not in self.scope.bound:
            self.scope.bound.append(name)
        return name

    def log(self, name):
        """Return the line that tells of a binding that has just happened, if it is the target's."""
        return [f"LOG(c_, {self.real(name)!r}, {name})"] if self.scope.is_logged(name) else []

    def marked(self, name, value):
        return f"‹{self.real(name)}|{value}›" if self.scope.is_logged(name) else value
