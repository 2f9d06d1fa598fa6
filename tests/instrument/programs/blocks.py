"""Random compound statements: branches, loops, ``with``, ``try`` and ``match``."""

from __future__ import annotations

import sys

from .simple_statements import SimpleStatements, same


class Blocks(SimpleStatements):
    """Writes blocks within the present scope; ``compounds`` are the methods that do."""

    compounds = ()

    def block(self, header, logged=None, first=(), before=()):
        """Write a header and a block under it; ``first`` are logged lines at its beginning."""
        if not before and self.chance(0.12):
            texts = [self.simple() for _ in range(self.random.randint(1, 2))]
            self.emit(f"{header} " + "; ".join(plain for plain, _ in texts), [logged or header])
            self.depth += 1
            self.emit(None, [*first, *(line for _, lines in texts for line in lines)])
            self.depth -= 1
            return
        self.emit(header, [logged or header])
        self.depth += 1
        if first:
            self.emit(None, first)
        for plain, lines in before:
            self.emit(plain, lines)
        self.statements(self.random.randint(1, 3))
        self.depth -= 1

    def statements(self, count):
        for _ in range(count):
            self.left -= 1
            if self.left > 0 and self.depth < 9 and self.chance(0.45):
                self.choice(self.compounds)(self)
            else:
                texts = [self.simple() for _ in range(2 if self.chance(0.1) else 1)]
                self.emit(
                    "; ".join(plain for plain, _ in texts), [line for _, lines in texts for line in lines]
                )

    def if_(self):
        self.block(f"if {self.expr()}:")
        for _ in range(self.choice([0, 0, 1])):
            self.block(f"elif {self.expr()}:")
        if self.chance(0.5):
            self.block("else:")

    def while_(self):
        counter = self.bind(f"n{self.number()}")
        self.emit(f"{counter} = 3", [f"{counter} = {self.marked(counter, '3')}"])
        with self.having(loop=True):
            if self.chance(0.3):
                less = self.marked(counter, f"{counter} - 1")
                more = self.filled(self.choice(["", " and §"]))
                self.block(f"while ({counter} :={self.br()}{less}) > 0{more}:")
            else:
                less = (f"{counter} -= 1", [f"{counter} -= 1", *self.log(counter)])
                stop = same(f"if {counter} < 0: break")
                test = self.filled(self.choice(["True", f"{counter} > 0", f"(¦{counter}¦> 0)"]))
                self.block(f"while {test}:", before=[less, stop])
        if self.chance(0.3):
            self.block("else:")

    def for_(self):
        (target,) = self.targets()
        if isinstance(target, str) and self.chance(0.4):
            items = self.filled(self.choice(["range(3)", "ITEMS(2)", "ITEMS(§)"]))
        else:
            rows = [self.fitting(target) for _ in range(self.random.randint(0, 3))]
            items = "(" + "".join(f"{row},{self.br()}" for row in rows) + ")"
        word = "for"
        if self.scope.asynchronous() and self.chance(0.4):
            word, items = "async for", f"AITEMS({items})"
        temp = f"u_{self.number()}"
        with self.having(loop=True):
            self.block(
                f"{word} {self.written(target)} in {items}:",
                f"{word} {temp} in {items}:",
                self.stored(target, temp),
            )
        if self.chance(0.3):
            self.block("else:")

    def with_(self):
        word, maker = (
            ("async with", "AMANAGER")
            if self.scope.asynchronous() and self.chance(0.5)
            else ("with", "MANAGER")
        )
        items, logged = [], []
        for _ in range(self.choice([1, 1, 2, 3])):
            target = self.targets()[0] if self.chance(0.7) else None
            value = f"{maker}({self.br()}{self.fitting(target)},{self.br()}{self.number()})"
            items.append(value if target is None else f"{value} as {self.written(target)}")
            temp = f"u_{self.number()}"
            logged.append((f"{word} {value} as {temp}:", [] if target is None else self.stored(target, temp)))
        joined = ", ".join(items)
        if self.chance(0.4):
            joined = "(" + "".join(f"{self.br()}{item}," for item in items) + f"{self.br()})"
        depth = self.depth
        for header, first in logged[:-1]:
            self.emit(None, [header])
            self.depth += 1
            self.emit(None, first)
        inner = self.depth
        self.with_block(f"{word} {joined}:", *logged[-1], depth, inner)
        self.depth = depth

    def with_block(self, header, logged, first, depth, inner):
        """Write a block that stands deeper in the logged form than in the plain one."""
        kept = self.plain, self.logged
        self.plain, self.logged, self.depth = [], [], depth
        self.block(header, logged, first)
        pad = "    " * (inner - depth)
        deeper = [pad + line for line in self.logged]
        self.plain, self.logged = kept[0] + self.plain, kept[1] + deeper

    def try_(self):
        self.block("try:")
        star = sys.version_info >= (3, 11) and self.chance(0.15)
        handlers = self.random.randint(0, 2)
        for index in range(handlers):
            self.handler(star, last=index == handlers - 1)
        if handlers and self.chance(0.25):
            self.block("else:")
        if not handlers or self.chance(0.4):
            self.block("finally:")

    def handler(self, star, last):
        kinds = ["ValueError", "(TypeError, NameError)", "Exception", f"HERE({self.number()}, KeyError)"]
        kind = self.choice(kinds if star or not last else [*kinds, "BaseException"])
        word = "except*" if star else "except"
        with self.having(in_star=star or self.in_star, in_handler=True, loop=self.loop and not star):
            if not star and last and self.chance(0.2):
                self.block("except:")
            elif self.chance(0.6):
                name = self.binding()
                self.block(f"{word} {kind} as {name}:", first=self.log(name))
            else:
                self.block(f"{word} {kind}:")

    def match_(self):
        subject = self.filled(self.choice(["§", "(§,¦§)", "{'k': §,¦'l': 2}", "XS"]))
        self.emit(f"match {subject}:")
        self.depth += 1
        for _ in range(self.random.randint(1, 3)):
            names = []
            pattern = self.pattern(names, 2)
            pairs = [f"({self.real(name)!r}, {name})" for name in names if self.scope.is_logged(name)]
            told = f"LOGS(c_, [{', '.join(pairs)}])"
            if self.chance(0.4):
                guard = self.expr()
                self.block(f"case {pattern} if {guard}:", f"case {pattern} if {told} and {guard}:")
            else:
                self.block(f"case {pattern}:", f"case {pattern} if {told}:" if pairs else None)
        if self.chance(0.4):
            self.block("case _:")
        self.depth -= 1

    def pattern(self, names, depth):
        """Return a pattern that cannot match everything, and gather what it captures in order."""
        kind = self.random.randint(0, 5) if depth else self.random.randint(0, 1)
        if kind == 0:
            return self.choice(["0", "1", "'s'", "None", "-1", "1 | 2"])
        if kind == 1:
            return f"{self.choice(['int', 'str'])}(){self.capture(names)}"
        if kind == 2:
            parts = [self.inner_pattern(names, depth) for _ in range(self.random.randint(0, 3))]
            if self.chance(0.4):
                star = self.captured(names) or "_"
                return f"[{', '.join([*parts, '*' + star])}]"
            return f"[{', '.join(parts)}]"
        if kind == 3:
            inside = f"'k': {self.inner_pattern(names, depth)}"
            rest = self.captured(names) if self.chance(0.5) else ""
            return f"{{{inside}, **{rest}}}" if rest else f"{{{inside}}}"
        if kind == 4:
            inside = self.pattern(names, depth - 1)
            return f"({inside}){self.capture(names)}"
        return f"int({self.inner_pattern(names, depth)})"

    def inner_pattern(self, names, depth):
        if self.chance(0.4):
            return self.captured(names) or "_"
        return self.pattern(names, depth - 1)

    def captured(self, names):
        name = self.binding()
        if name in names:
            return ""
        names.append(name)
        return name

    def capture(self, names):
        name = self.captured(names) if self.chance(0.4) else ""
        return f" as {name}" if name else ""
