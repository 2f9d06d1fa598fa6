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
import warnings
from collections.abc import Iterable, Iterator
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
    """The way from a top-level statement down to a function's node, and the imports compiled with it."""

    path: tuple[ast.AST, ...]
    imports: tuple[ast.stmt, ...]
    code: CodeType

    def node(self) -> FunctionNode:
        """Return a copy of the function's node, free to be edited."""
        return _copied(self.path[-1])  # type: ignore[no-any-return]  # the last of the path is the function

    def compiled(self, node: FunctionNode) -> CodeType:
        """Return the function's code object as an edited node gives it."""
        return _compiled(_replaced(self.path, node), self.imports, self.code)


def find(code: CodeType) -> Source:
    """Find the source of ``code`` among the lines that Python has read or can read.

    Raises
    ------
    NoSourceError
        If there is none, or it gives another code object.
    """
    if code.co_name == "<lambda>":
        raise NoSourceError("it is a lambda")
    text = "".join(linecache.getlines(code.co_filename))
    if not text:
        raise NoSourceError(f"its source ({code.co_filename}) is not to be had")
    statements, imports = _parsed(text)
    path = _path(statements, code)
    if path is None:
        raise NoSourceError(f"{code.co_filename} does not define it at line {code.co_firstlineno}")
    source = Source(path, imports, code)
    if not same_code(source.compiled(path[-1]), code):  # type: ignore[arg-type]  # a function's node
        raise NoSourceError(f"{code.co_filename} does not compile to the function that is running")
    return source


@functools.lru_cache(maxsize=16)
def _parsed(text: str) -> tuple[tuple[ast.stmt, ...], tuple[ast.stmt, ...]]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the module has said its own when it was imported
            module = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        raise NoSourceError("its source file is no longer valid Python") from error
    return tuple(module.body), tuple(_imports(module.body))


def _imports(nodes: Iterable[ast.AST]) -> Iterator[ast.stmt]:
    """Yield what changes how functions compile, if it stands at module level.

    From Python 3.11 on calls on imported names, and from 3.12 on calls of ``super`` where the module itself
    speaks of that name, are compiled in another way.
    """
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom) and getattr(node, "module", None) != "__future__":
            yield node
        elif isinstance(node, ast.Name) and node.id == "super":
            yield ast.copy_location(ast.Expr(node), node)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield from _imports(ast.iter_child_nodes(node))


def _first_line(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(each.lineno for each in decorators)])


def _path(nodes: Iterable[ast.AST], code: CodeType) -> tuple[ast.AST, ...] | None:
    """Return the nodes from the top down to the function that begins where ``code`` does."""
    for node in nodes:
        if isinstance(node, ast.expr):
            continue
        if isinstance(node, ast.stmt) and not _first_line(node) <= code.co_firstlineno <= (
            node.end_lineno or 0
        ):
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _begins(node, code):
            return (node,)
        below = _path(ast.iter_child_nodes(node), code)
        if below is not None:
            return (node, *below)
    return None


def _begins(node: FunctionNode, code: CodeType) -> bool:
    return node.name == code.co_name and _first_line(node) == code.co_firstlineno


def _replaced(path: tuple[ast.AST, ...], last: ast.AST) -> ast.stmt:
    """Return the first node of ``path`` with ``last`` in the place of its last, the tree itself unchanged.

    Other members of a class on the way are left out: they have no part in a method's code, and large
    classes take long to compile.
    """
    for parent, child in zip(path[-2::-1], path[:0:-1], strict=True):
        changed = copy.copy(parent)
        for field, value in ast.iter_fields(parent):
            if isinstance(value, list) and any(each is child for each in value):
                kept = [child] if isinstance(parent, ast.ClassDef) else value
                setattr(changed, field, [last if each is child else each for each in kept])
        last = changed
    return last  # type: ignore[return-value]  # the first of a path is a statement


def _copied(value: Any) -> Any:
    """Copy a syntax tree; `copy.deepcopy` does the same in ten times the time."""
    if isinstance(value, list):
        return [_copied(each) for each in value]
    if not isinstance(value, ast.AST):
        return value
    made = type(value).__new__(type(value))
    made.__dict__.update({name: _copied(each) for name, each in vars(value).items()})
    return made


def _compiled(statement: ast.stmt, imports: tuple[ast.stmt, ...], code: CodeType) -> CodeType:
    module = ast.Module(body=[*imports, statement], type_ignores=[])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiled = compile(module, code.co_filename, "exec", code.co_flags & _FUTURE, dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        raise NoSourceError(f"its source does not compile by itself ({error})") from error
    found = [each for each in with_nested(compiled) if _named_alike(each, code)]
    if len(found) != 1:
        raise NoSourceError(f"{code.co_filename} does not compile to one function of that name and line")
    return found[0]


def with_nested(code: CodeType) -> Iterator[CodeType]:
    """Yield a code object and all those within it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from with_nested(constant)


def _named_alike(one: CodeType, other: CodeType) -> bool:
    return (one.co_name, one.co_firstlineno) == (other.co_name, other.co_firstlineno)


_ATTRIBUTES = (
    "co_code",
    "co_names",
    "co_varnames",
    "co_cellvars",
    "co_freevars",
    "co_flags",
    "co_name",
    "co_qualname",
    "co_argcount",
    "co_posonlyargcount",
    "co_kwonlyargcount",
    "co_firstlineno",
    "co_stacksize",
    "co_linetable",
    "co_exceptiontable",
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
