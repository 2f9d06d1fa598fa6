"""From a code object to the piece of source that compiles to exactly it.

Nothing is executed: the enclosing top-level statement is compiled, and the function's code object is dug out
of the result, so that the class cell, name mangling, closures and ``from __future__`` stay right. The
statement is used only if it gives the very code object that is there now.
"""

from __future__ import annotations
import __future__

import ast
import copy
import functools
import linecache
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import CodeType
from typing import Any

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef

_FUTURE = functools.reduce(
    int.__or__, (getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
)


class NoSourceError(Exception):
    """The source cannot be used; the message says why, as the end of a sentence."""


@dataclass(frozen=True)
class Source:
    """A top-level statement that compiles to ``code``, and the imports compiled with it."""

    statement: ast.stmt
    imports: tuple[ast.stmt, ...]
    code: CodeType

    def editable(self) -> tuple[ast.stmt, FunctionNode]:
        """Return a copy of the statement and, within it, the function's node."""
        statement = copy.deepcopy(self.statement)
        return statement, next(_nodes(statement, self.code))

    def compiled(self, statement: ast.stmt) -> CodeType:
        """Return the function's code object as an edited statement gives it."""
        return _compiled(statement, self.imports, self.code)


def find(code: CodeType, module: Mapping[str, Any]) -> Source:
    """Find the source of ``code``; ``module`` is the globals of its function.

    Raises
    ------
    NoSourceError
        If there is none, or it gives another code object.
    """
    if code.co_name == "<lambda>":
        raise NoSourceError("it is a lambda")
    text = "".join(linecache.getlines(code.co_filename, dict(module)))
    if not text:
        raise NoSourceError(f"its source ({code.co_filename}) is not to be had")
    statements, imports = _parsed(text)
    for statement in statements:
        if _first_line(statement) <= code.co_firstlineno <= (statement.end_lineno or 0):
            return _checked(statement, imports, code)
    raise NoSourceError(f"{code.co_filename} has changed since it was imported")


@functools.lru_cache(maxsize=16)
def _parsed(text: str) -> tuple[tuple[ast.stmt, ...], tuple[ast.stmt, ...]]:
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        raise NoSourceError("its source file is no longer valid Python") from error
    return tuple(module.body), tuple(_imports(module.body))


def _imports(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the imports at module level: Python 3.11+ compiles calls on imported names in another way."""
    for statement in body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            if getattr(statement, "module", None) != "__future__":
                yield statement
        elif not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            nested = [each for each in ast.walk(statement) if isinstance(each, ast.Import | ast.ImportFrom)]
            yield from _imports(nested)


def _first_line(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(each.lineno for each in decorators)])


def _nodes(statement: ast.stmt, code: CodeType) -> Iterator[FunctionNode]:
    for node in ast.walk(statement):
        if (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and node.name == code.co_name
            and _first_line(node) == code.co_firstlineno
        ):
            yield node


def _checked(statement: ast.stmt, imports: tuple[ast.stmt, ...], code: CodeType) -> Source:
    if len(list(_nodes(statement, code))) != 1:
        raise NoSourceError(f"{code.co_filename} does not define it once at line {code.co_firstlineno}")
    if not same_code(_compiled(statement, imports, code), code):
        raise NoSourceError(f"{code.co_filename} does not compile to the function that is running")
    return Source(statement, imports, code)


def _compiled(statement: ast.stmt, imports: tuple[ast.stmt, ...], code: CodeType) -> CodeType:
    module = ast.Module(body=[*imports, statement], type_ignores=[])
    try:
        compiled = compile(module, code.co_filename, "exec", code.co_flags & _FUTURE, dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        raise NoSourceError(f"its source does not compile by itself ({error})") from error
    found = [each for each in _codes(compiled) if _named_alike(each, code)]
    if len(found) != 1:
        raise NoSourceError(f"{code.co_filename} does not compile to one function of that name and line")
    return found[0]


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _named_alike(one: CodeType, other: CodeType) -> bool:
    return (one.co_name, one.co_firstlineno) == (other.co_name, other.co_firstlineno)


_ATTRIBUTES = (
    *(
        "co_code",
        "co_names",
        "co_varnames",
        "co_cellvars",
        "co_freevars",
        "co_flags",
        "co_name",
        "co_qualname",
    ),
    *("co_argcount", "co_posonlyargcount", "co_kwonlyargcount", "co_firstlineno", "co_stacksize"),
    *("co_linetable", "co_exceptiontable"),
)


def same_code(one: CodeType, other: CodeType) -> bool:
    """Tell whether two code objects are alike in everything, constants' types included."""
    return all(
        getattr(one, name, None) == getattr(other, name, None) for name in _ATTRIBUTES
    ) and _same_constant(one.co_consts, other.co_consts)


def _same_constant(one: object, other: object) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, CodeType) and isinstance(other, CodeType):
        return same_code(one, other)
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_same_constant, one, other))
    if isinstance(one, frozenset) and isinstance(other, frozenset):
        return {(type(each), each) for each in one} == {(type(each), each) for each in other}
    return repr(one) == repr(other)  # tells 0.0 from -0.0, and nan equals itself
