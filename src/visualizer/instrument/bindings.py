"""What statements, targets and patterns bind, and in which order, read off the syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def bound_after(statement: ast.stmt) -> Iterator[tuple[str, ast.AST]]:
    """Yield the names that a simple statement, def or class binds, in order."""
    if isinstance(statement, ast.Assign):
        for target in statement.targets:
            yield from target_names(target)
    elif isinstance(statement, ast.AugAssign) or (isinstance(statement, ast.AnnAssign) and statement.value):
        yield from target_names(statement.target)
    elif isinstance(statement, ast.Import | ast.ImportFrom):
        for alias in statement.names:
            yield alias.asname or alias.name.partition(".")[0], header(statement)
    elif isinstance(statement, SCOPES):
        yield statement.name, header(statement)
    elif type(statement).__name__ == "TypeAlias":  # Python 3.12 and later
        yield from target_names(statement.name)  # type: ignore[attr-defined]


def steps(statement: ast.stmt) -> Iterator[str | None]:
    """Yield what a statement does, in order: a name for each plain binding, None for what may fail."""
    if isinstance(statement, ast.Assign):
        for target in statement.targets:
            yield from target_steps(target)
    elif isinstance(statement, ast.For | ast.AsyncFor):
        yield from target_steps(statement.target)
    elif isinstance(statement, ast.Import | ast.ImportFrom):
        for name, _ in bound_after(statement):
            yield from (None, name)


def target_steps(target: ast.AST | None) -> Iterator[str | None]:
    """Yield what assigning to a target does, in order, as `steps` does."""
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, ast.Starred):
        yield from target_steps(target.value)
    elif isinstance(target, ast.Tuple | ast.List):
        yield None  # unpacking
        for element in target.elts:
            yield from target_steps(element)
    elif target is not None:
        yield None  # an attribute or item is set


def header(statement: ast.stmt) -> ast.AST:
    """Return a node on the line where a def, class or import binds names: that of the keyword."""
    line, column = statement.lineno, statement.col_offset
    return ast.Pass(lineno=line, col_offset=column, end_lineno=line, end_col_offset=column)


def target_names(target: ast.AST | None) -> Iterator[tuple[str, ast.AST]]:
    """Yield the plain names in an assignment's target, left to right."""
    if isinstance(target, ast.Name):
        yield target.id, target
    elif isinstance(target, ast.Starred):
        yield from target_names(target.value)
    elif isinstance(target, ast.Tuple | ast.List):
        for element in target.elts:
            yield from target_names(element)


def captured(pattern: ast.pattern) -> Iterator[tuple[str, ast.AST]]:
    """Yield the names that a pattern captures, in the order of the text."""
    for child in ast.iter_child_nodes(pattern):
        if isinstance(child, ast.pattern):
            yield from ((name, pattern) for name, _ in captured(child))
    name = getattr(pattern, "name", None) or getattr(pattern, "rest", None)
    if name and isinstance(pattern, ast.MatchAs | ast.MatchStar | ast.MatchMapping):
        yield name, pattern


def declared(body: Iterable[ast.AST], kind: type[ast.Global | ast.Nonlocal]) -> Iterator[str]:
    """Yield names declared global or nonlocal in a scope, not in those nested in it."""
    for node in body:
        if isinstance(node, kind):
            yield from node.names
        elif not isinstance(node, (*SCOPES, ast.Lambda)):
            yield from declared(ast.iter_child_nodes(node), kind)


def own_names(scope: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Return the names that a nested function binds for itself, or takes from the module."""
    args = scope.args
    every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
    own = {arg.arg for arg in every if arg is not None}
    own.update(declared(scope.body, ast.Global))
    own.update(_bound_within(scope.body))
    return own


def _bound_within(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            yield node.name
        elif isinstance(node, ast.MatchMapping) and node.rest:
            yield node.rest
        if isinstance(node, ast.stmt):
            yield from (name for name, _ in bound_after(node))
        if not isinstance(node, (*SCOPES, ast.Lambda)):
            yield from _bound_within(ast.iter_child_nodes(node))
