"""Random simple statements: the plain text and the lines that do the same and tell of it."""

from __future__ import annotations

from .expressions import Expressions
from .pen import POOL


class SimpleStatements(Expressions):
    """Writes statements of one line of logic; each method returns the plain text and the logged lines."""

    def targets(self, count=1):
        """Return targets without a name twice: Python 3.13 leaves out a store that another follows."""
        before = list(self.scope.bound)
        found = [self.tree() for _ in range(count)]
        names = [name for target in found for name in _leaves(target)]
        if len(names) == len(set(names)):
            return found
        self.scope.bound = before
        return [self.binding()]

    def tree(self, depth=2):
        """Return a target: a name, other text in a list, or a tuple of targets."""
        roll = self.random.random()
        if depth <= 0 or roll < 0.6:
            return self.binding(0.1)
        if roll < 0.7:
            return [self.filled(self.choice(["OBJ.x", "XS[§]", "OBJ.at(§).x"]))]
        parts = [self.tree(depth - 1) for _ in range(self.random.randint(1, 3))]
        if self.chance(0.3):
            parts.insert(self.random.randint(0, len(parts)), f"*{self.binding()}")
        return tuple(parts)

    def written(self, target):
        if isinstance(target, tuple):
            inside = ",".join(self.br() + self.written(part) for part in target)
            return f"({inside},{self.br()})" if self.chance(0.7) else f"[{inside}]"
        return target[0] if isinstance(target, list) else target

    def stored(self, target, value):
        """Return the lines that do the same as ``target = value`` and tell of each binding."""
        if isinstance(target, list):
            return [f"{target[0]} = {value}"]
        if isinstance(target, str):
            return [f"{target} = {self.marked(target, value)}"]
        temps = [f"u_{self.number()}" for _ in target]
        stars = ["*" if isinstance(part, str) and part.startswith("*") else "" for part in target]
        lines = [", ".join(map(str.__add__, stars, temps)) + f", = {value}"]
        for part, temp in zip(target, temps):
            lines += self.stored(part.lstrip("*") if isinstance(part, str) else part, temp)
        return lines

    def fitting(self, target):
        """Return an expression whose value can be unpacked into ``target``, most of the time."""
        if not isinstance(target, tuple):
            return self.expr(2)
        parts = [self.fitting(part) for part in target if not str(part).startswith("*")]
        if len(parts) < len(target):
            parts += [self.expr(1) for _ in range(self.random.randint(0, 2))]
        elif self.chance(0.05):
            parts.append(self.expr(1))
        return "(" + "".join(f"{part},{self.br()}" for part in parts) + ")"

    def simple(self):
        return self.choice(_SIMPLE)(self)

    def assign(self):
        targets = self.targets(self.choice([1, 1, 1, 2]))
        fit = next((each for each in targets if isinstance(each, tuple)), targets[0])
        value = self.fitting(fit)
        plain = "".join(f"{self.written(each)} = " for each in targets) + value
        if len(targets) == 1 and isinstance(targets[0], str):
            return plain, self.stored(targets[0], value)
        temp = f"u_{self.number()}"
        return plain, [f"{temp} = {value}", *(line for each in targets for line in self.stored(each, temp))]

    def augment(self):
        name = self.binding()
        plain = f"{name} {self.choice(['+=', '-=', '//=', '|='])} {self.random.randint(0, 5)}"
        if self.chance(0.3):
            plain = f"{name} += ({self.br()}{self.random.randint(0, 5)}{self.br()}- 1)"
        return plain, [plain, *self.log(name)]

    def annotate(self):
        name = self.binding()
        if name in {*self.scope.outside, *self.scope.shared}:
            return self.assign()
        if self.chance(0.2):
            return f"{name}: int", [f"{name}: int"]
        value = self.expr()
        return f"{name}: {self.atom()} = {value}", [f"{name}: int = {self.marked(name, value)}"]

    def evaluate(self):
        return same(self.expr(3))

    def effect_only(self):
        return same(self.effect(2))

    def delete(self):
        options = [name for name in self.scope.bound if name in POOL]
        return same(f"del {self.choice(options)}") if options and self.chance(0.5) else self.effect_only()

    def leave(self):
        if self.scope.flavour == "class" or self.in_star or self.chance(0.4):
            return self.assign()
        if self.scope.flavour == "async generator":
            return same("return")
        return same(
            self.filled(self.choice(["return", "return 7", "return §", "return §", "return §, 1"]), 2)
        )

    def jump(self):
        if self.loop and self.chance(0.7):
            return same(self.choice(["break", "continue"]))
        return self.effect_only()

    def raise_(self):
        if self.in_handler and self.chance(0.5):
            return same("raise")
        return same(
            self.filled(self.choice(["raise ValueError(§)", "raise KeyError(1) from None", "assert §"]))
        )

    def import_(self):
        name = self.binding()
        kind = self.random.randint(0, 5)
        if kind == 0:
            return f"import math as {name}", [f"import math as {name}", *self.log(name)]
        if kind == 1:
            self.bind("os")
            plain = f"import os.path, math as {name}"
            return plain, ["import os.path", *self.log("os"), f"import math as {name}", *self.log(name)]
        if kind == 2:
            plain = f"from math import pi as {name},{self.choice([' nothing', ' tau'])}"
            last = plain.rpartition(" ")[2]
            self.bind(last)
            first = f"from math import pi as {name}"
            return plain, [first, *self.log(name), f"from math import {last}", *self.log(last)]
        plain = f"from math import ({self.br()}floor as {name}{self.br()})"
        return plain, [plain, *self.log(name)]

    def look(self):
        return same(f"HANDLED({self.number()})")

    def nothing(self):
        return same(self.choice(["pass", "...", "'text'"]))


def _leaves(target):
    """Yield the names in a target."""
    if isinstance(target, tuple):
        for part in target:
            yield from _leaves(part)
    elif isinstance(target, str):
        yield target.lstrip("*")


def same(text):
    """Return a statement that binds nothing, for both texts."""
    return text, [text]


_SIMPLE = (
    SimpleStatements.assign,
    SimpleStatements.assign,
    SimpleStatements.assign,
    SimpleStatements.augment,
    SimpleStatements.annotate,
    SimpleStatements.evaluate,
    SimpleStatements.effect_only,
    SimpleStatements.delete,
    SimpleStatements.leave,
    SimpleStatements.jump,
    SimpleStatements.raise_,
    SimpleStatements.import_,
    SimpleStatements.look,
    SimpleStatements.nothing,
)
