"""Random expressions, walruses and comprehensions among them, broken into lines anywhere."""

from __future__ import annotations

import re

from .pen import POOL, Pen, Scope


class Expressions(Pen):
    """Writes expressions; what they evaluate is mostly a small number."""

    def expr(self, depth=2):
        if depth <= 0 or self.chance(0.25):
            return self.atom()
        return self.choice(_EXPRESSIONS)(self, depth - 1)

    def atom(self):
        names = [*self.scope.readable(), *self.iterating]
        if names and self.chance(0.7):
            return self.choice(names)
        return (
            str(self.random.randint(0, 9))
            if self.chance(0.8)
            else self.choice(["None", "'s'", "1.5", "True"])
        )

    def binary(self, depth):
        operator = self.choice(["+", "-", "*", "<", "==", "and", "or", "is not", "//"])
        if operator == "is not":
            return f"({self.choice(self.scope.readable() or ['XS'])}{self.br()}is not{self.br()}None)"
        left, right = self.expr(depth), self.expr(depth)
        joined = f"({left}{self.br()}{operator}{self.br()}{right})"
        return f"({joined}{self.br()}% 97)" if operator == "*" else joined

    def conditional(self, depth):
        return f"({self.expr(depth)}{self.br()}if {self.expr(depth)}{self.br()}else{self.br()}{self.expr(depth)})"

    def chain(self, depth):
        return f"({self.expr(depth)}{self.br()}<= {self.expr(depth)}{self.br()}< {self.expr(depth)})"

    def unary(self, depth):
        return f"({self.choice(['-', 'not ', '+'])}{self.expr(depth)})"

    def effect(self, depth):
        helper = self.choice(["EFFECT", "EFFECT", "BOOM", "HERE"])
        return f"{helper}({self.br()}{self.number()},{self.br()}{self.expr(depth)}{self.br()})"

    def filled(self, template, depth=1):
        """Put an expression for each § and a blank or line break for each ¦; unused chances leave no trace."""
        return re.sub("[§¦]", lambda mark: self.expr(depth) if mark[0] == "§" else self.br(), template)

    def call(self, depth):
        return self.filled(self.choice(_CALLS), depth)

    def display(self, depth):
        return self.filled(self.choice(_DISPLAYS), depth)

    def fstring(self, depth):
        if self.one_line:
            return self.expr(depth)
        with self.having(one_line=True):
            return f'SIZE(f"{{{self.expr(depth)}!r:>5}} {{{self.expr(depth)}}}")'

    def walrus(self, depth):
        if not self.walrus_allowed:
            return self.expr(depth)
        name = self.choice(name for name in POOL if name not in {*self.scope.taboo, *self.iterating})
        self.bind(name)
        return f"({name} :={self.br()}{self.marked(name, self.expr(depth))})"

    def lambda_(self, depth):
        default = self.expr(depth)
        inner = Scope("lambda", self.scope, ["p", "q"])
        with self.having(scope=inner, iterating=[], walrus_allowed=True):
            body = self.expr(depth)
        return f"(lambda p,{self.br()}q={default}:{self.br()}{body})({self.expr(depth)})"

    def comprehension(self, depth):
        variables, clauses = [], []
        is_async = self.scope.asynchronous() and not self.iterating and self.chance(0.3)
        for _ in range(self.random.randint(1, 2)):
            with self.having(iterating=[*self.iterating, *variables], walrus_allowed=False):
                items = self.choice(["range(2)", f"({self.atom()}, {self.atom()})", "XS"])
            variables.append(self.choice(["i", "j", *POOL]))
            clause = f"for {variables[-1]} in {items}"
            clauses.append(f"async for {variables[-1]} in AITEMS({items})" if is_async else clause)
        in_class = self.scope.flavour == "class"
        allowed = self.walrus_allowed and not in_class
        with self.having(iterating=[*self.iterating, *variables], walrus_allowed=allowed):
            if self.chance(0.4):
                clauses.append(f"if{self.br()}{self.expr(depth)}")
            around = self.choice(
                ["SIZE([§¦∀])", "SIZE({§:¦§¦∀})", "TOTAL([§¦∀])" if is_async else "TOTAL((§¦∀))"]
            )
            around = self.filled(around, depth)
        return around.replace("∀", self.br().join(clauses), 1)

    def pausing(self, depth):
        """Yield or await, where the function can."""
        if self.iterating:
            return self.expr(depth)
        if self.scope.flavour in {"generator", "async generator"} and self.chance(0.7):
            return f"(yield{self.br()}{self.expr(depth)})"
        if self.scope.asynchronous():
            return f"(await{self.br()}PAUSE({self.expr(depth)}))"
        return self.expr(depth)

    def recursion(self, depth):
        return f"(DRIVE(CALL({self.expr(depth)})) if FUEL() else {self.expr(0)})"


_CALLS = (
    "math.floor(§)",
    "floor(¦§)",
    "[].count(§)",
    "OBJ.method(¦§,¦k=§)",
    "SIZE(*[§,¦§],¦**{'k': §})",
    "SIZE(KEYS(locals()),¦§)",
)
_DISPLAYS = (
    "SIZE((§,¦§))",
    "SIZE([§,¦*(§,¦§)])",
    "SIZE({§:¦§,¦**{}})",
    "SIZE({§,¦§})",
    "XS[§]",
    "XS[§:§][§]",
    "OBJ.x",
)
_EXPRESSIONS = (
    Expressions.binary,
    Expressions.binary,
    Expressions.conditional,
    Expressions.chain,
    Expressions.unary,
    Expressions.effect,
    Expressions.effect,
    Expressions.call,
    Expressions.display,
    Expressions.fstring,
    Expressions.walrus,
    Expressions.walrus,
    Expressions.lambda_,
    Expressions.comprehension,
    Expressions.pausing,
    Expressions.pausing,
    Expressions.recursion,
)
