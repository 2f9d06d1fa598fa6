"""Random programs around one function, each in two forms.

The plain form is what users write. The logged form does the same and tells of every binding by itself, by
calls of ``LOG`` that the generator writes while it knows what it binds: an oracle that owes nothing to the
engine. Between ``‹name|`` and ``›`` stands an expression whose value is bound to ``name``; the plain form drops
the marks, the logged form makes them calls. Helpers in capitals come from `worlds`.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass

from .nested import Nested
from .pen import OUTSIDE, POOL, Scope

FLAVOURS = ("function", "function", "generator", "coroutine", "async generator")
FORMS = ("plain", "plain", "method", "closure", "decorated", "conditional", "generic")


@dataclass(frozen=True)
class Program:
    plain: str
    logged: str


class Writer(Nested):
    """Writes one program; ``random`` is anything with the methods of `random.Random`."""

    def program(self):
        form = self.choice(FORMS)
        if form == "generic" and sys.version_info < (3, 12):
            form = "plain"
        if self.chance(0.2):
            self.emit("from __future__ import annotations")
        self.emit("import math")
        self.emit(self.choice(["from math import floor", "if True: from math import floor"]))
        self.emit("def before(x): return x")
        getattr(self, f"as_{form}")()
        self.emit(f"INPUTS = [{', '.join(self.inputs() for _ in range(3))}]")
        return Program(_rendered(self.plain, logged=False), _rendered(self.logged, logged=True))

    def inputs(self):
        return f"({self.random.randint(0, 9)}, {self.choice(['0', '3', 'None', '(1, 2)'])})"

    def as_plain(self):
        self.function()
        self.emit("CALL = target")

    def as_conditional(self):
        self.emit(self.choice(["if math:", "try:", "with MANAGER(1, 2):", "for _ in range(1):"]))
        opener = self.plain[-1]
        self.depth += 1
        self.function()
        self.depth -= 1
        if opener == "try:":
            self.emit("finally: pass")
        self.emit("CALL = target")

    def as_decorated(self):
        self.emit("@DECORATE")
        self.emit("@WRAPPED")
        self.function()
        self.emit("CALL = target")

    def as_generic(self):
        self.function(generic="[T: int, *Ts]")
        self.emit("CALL = target")

    def as_method(self):
        self.emit("class Owner(BASE):")
        self.depth += 1
        self.emit("other = 1")
        self.emit("def method(self): return self.other")
        with self.having(owner="Owner", method=True):
            self.function(receiver="self, ")
        self.depth -= 1
        self.emit("target = Owner.target")
        self.emit("CALL = Owner().target")

    def as_closure(self):
        names = self.random.sample(POOL, 2)
        self.emit(f"def factory({', '.join(names)}):")
        self.depth += 1
        with self.having(scope=Scope("function", None, names)):
            self.function(shared=names[: self.random.randint(0, 2)])
        self.emit("return target")
        self.depth -= 1
        self.emit("target = CALL = factory(1, 2)")

    def function(self, receiver="", generic="", shared=()):
        flavour = self.choice(FLAVOURS)
        target = Scope(flavour, self.scope, is_target=True)
        word = "async def" if target.asynchronous() else "def"
        names = self.random.sample(POOL, 4)
        shapes = [
            "{0}, {1}=2",
            "{0}=1, /, {1}=3",
            "{0}, *{2}, {3}=1",
            "{0}, {1}=1, *{2}, {3}=4, **kw",
            "*{2}",
        ]
        shape = self.choice(shapes).format(*names)
        target.bound = [name for name in [*names, "kw"] if re.search(rf"(?<!\w){name}(?!\w)", shape)]
        with self.having(scope=target):
            parameters = re.findall(r"[^\W\d]\w*", shape)
            self.emit(f"{word} target{generic}({receiver}{shape}):")
            self.depth += 1
            for name in (each for each in shared if each not in target.bound):
                target.shared[name] = OUTSIDE
                target.bound.append(name)
                self.emit(f"nonlocal {name}")
            if self.chance(0.2):
                target.outside.add("g1")
                self.emit("global g1")
            if flavour in {"generator", "async generator"}:
                self.emit("if 0: yield")
            self.emit(None, ["c_ = ENTER()"])
            ordered = self.parameters(shape)
            for name in [*(["self"] if receiver else []), *ordered]:
                self.emit(None, [f"LOG(c_, {self.real(name)!r}, {name})"])
            self.emit(None, ["try:"])
            kept, self.logged = self.logged, []
            self.statements(self.random.randint(3, 7))
            self.logged = kept + ["    " + line for line in self.logged]
            self.emit(None, ["finally: END(c_)"])
            self.depth -= 1

    def parameters(self, shape):
        """Return the parameters in the order of the code object: variadic ones last."""
        parts = [part.strip() for part in shape.split(",") if part.strip() != "/"]
        plain = [part.partition("=")[0] for part in parts if not part.startswith("*")]
        return [*plain, *(part.lstrip("*") for part in parts if part.startswith("*"))]


def _rendered(lines, *, logged):
    text = "\n".join(lines) + "\n"
    if not logged:
        return re.sub(r"‹\w+\||›", "", text)
    return re.sub(r"‹(\w+)\|", r"LOG(c_, '\1', ", text).replace("›", ")")
