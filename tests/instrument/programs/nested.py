"""Random functions and classes inside the target, with variables shared by ``nonlocal``."""

from __future__ import annotations

from .blocks import Blocks
from .pen import OUTSIDE, Scope

NESTED = ("function", "function", "generator", "coroutine")


class Nested(Blocks):
    """Writes nested scopes."""

    def declarations(self):
        """Write nonlocal and global lines at the head of a nested scope."""
        inner = self.scope
        names = {name: owner for name, owner in self.reachable(inner) if name not in inner.bound}
        for name in names:
            if self.chance(0.35):
                inner.shared[name] = names[name]
                inner.bound.append(name)
                self.emit(f"nonlocal {name}")
                scope = inner.outer
                while scope is not names[name] and not scope.is_target:
                    scope.taboo.add(name)
                    scope = scope.outer
        if self.chance(0.1):
            inner.outside.add("g1")
            self.emit("global g1")

    def reachable(self, inner):
        """Yield names that a nested scope may declare nonlocal, and the scope that they belong to."""
        seen = set()
        scope = inner.outer
        while scope is not None and scope.flavour != "module":
            if scope.flavour != "class":
                for name in scope.bound:
                    owner = scope.shared.get(name, scope if scope.outer else OUTSIDE)
                    mangled = name.startswith("__") and (self.method or self.inside_class(inner))
                    if name not in seen and name not in scope.outside and not mangled:
                        seen.add(name)
                        yield name, owner
            scope = scope.outer

    def inside_class(self, scope):
        while scope is not None and not scope.is_target:
            if scope.flavour == "class":
                return True
            scope = scope.outer
        return False

    def def_(self):
        if self.depth > 6:
            return self.if_()
        flavour = self.choice(NESTED)
        name = self.binding(0.7)
        for _ in range(self.choice([0, 0, 1, 2])):
            self.emit(self.filled(self.choice(["@DECORATE", "@DECORATOR(¦§)"])))
        default, note = self.expr(1), self.atom()
        inner = Scope(flavour, self.scope, ["p", "q"])
        word = "async def" if flavour == "coroutine" else "def"
        arrow = f" -> {self.expr(0)}" if self.chance(0.2) else ""
        self.emit(f"{word} {name}(p: {note},{self.br()}q={default}){arrow}:")
        self.body(inner)
        for line in self.log(name):
            self.emit(None, [line])
        if self.chance(0.8):
            self.emit(self.filled(self.running(flavour)).replace("NAME", name))

    def running(self, flavour):
        """Return a template of a statement that calls a nested function and runs what it gives to its end."""
        if flavour == "generator" and self.scope.flavour == "generator" and self.chance(0.5):
            return "yield from NAME(§)"
        if flavour == "coroutine" and self.scope.asynchronous() and self.chance(0.7):
            return "await NAME(§)"
        return "DRIVE(NAME(§))"

    def body(self, inner):
        quiet = {"iterating": [], "loop": False, "in_star": False, "in_handler": False}
        with self.having(scope=inner, **quiet):
            self.depth += 1
            if inner.flavour == "generator":
                self.emit("if 0: yield")
            self.declarations()
            self.statements(self.random.randint(1, 3))
            self.depth -= 1

    def class_(self):
        if self.depth > 6:
            return self.for_()
        name = self.binding(0.7)
        if self.chance(0.3):
            self.emit("@DECORATE")
        self.emit(f"class {name}({self.choice(['', 'BASE', 'BASE, metaclass=META'])}):")
        inner = Scope("class", self.scope)
        self.body(inner)
        self.depth += 1
        self.emit("def method(self, p, q=1):")
        with self.having(scope=Scope("class", self.scope)):
            self.emit("    super().__init__()")
            self.body(Scope("function", self.scope, ["p", "q"]))
        self.depth -= 1
        for line in self.log(name):
            self.emit(None, [line])
        if self.chance(0.8):
            self.emit(f"{name}().method({self.expr(1)})")


Nested.compounds = (
    Nested.if_,
    Nested.if_,
    Nested.while_,
    Nested.for_,
    Nested.for_,
    Nested.with_,
    Nested.try_,
    Nested.try_,
    Nested.match_,
    Nested.def_,
    Nested.class_,
)
