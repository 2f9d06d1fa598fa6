"""Hooks put into a function's syntax tree: after each binding of a name.

This is the first-choice front end: it needs no knowledge of opcodes, so nothing is ported from one Python
version to the next, and every way of binding (assignment, loop, ``with``, ``match``, walrus, import, …) comes
from the grammar. Each call stands on the line where the binding ends, so no tracer sees another line.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from visualizer.instrument.bindings import (
    SCOPES,
    bound_after,
    captured,
    declared,
    own_names,
    steps,
    target_names,
    target_steps,
)
from visualizer.instrument.source import FunctionNode, NoSourceError

Hooks = Mapping[str, Sequence[str]]
_Located = TypeVar("_Located", ast.expr, ast.stmt)


def tap_bindings(function: FunctionNode, hooks: Hooks) -> set[str]:
    """Put a call of ``hooks[name]`` after each binding of ``name`` in ``function``, in place.

    Returns
    -------
    set of str
        The names for which a binding was found (parameters are not searched).

    Raises
    ------
    NoSourceError
        If a statement goes on, and may fail, after it has bound a name: only bytecode has a place there.
    """
    taps = _BindingTaps(hooks, hooks)
    function.body = taps.body(function.body)
    return taps.found


def hook_call(hook: str, value: ast.expr, start: ast.AST, end: ast.AST) -> ast.Call:
    """Return ``hook(value)``, loaded on the line of ``start`` and called on the line of ``end``."""
    name = ast.copy_location(ast.Name(hook, ast.Load()), start)
    return ast.copy_location(ast.Call(name, [value], []), end)


class _BindingTaps(ast.NodeTransformer):
    """Walks one scope, and those nested ones that can bind its names."""

    def __init__(self, hooks: Hooks, below: Hooks) -> None:
        self.hooks = hooks  # names bound right in this scope
        self.below = below  # names that nested scopes may bind by declaring them nonlocal
        self.found: set[str] = set()

    def body(self, statements: Iterable[ast.stmt], before: Iterable[ast.stmt] = ()) -> list[ast.stmt]:
        return [*before, *(each for statement in statements for each in self._statement(statement))]

    def _statement(self, statement: ast.stmt) -> list[ast.stmt]:
        """Return a statement with hooks inside and after it."""
        self._refuse_early(steps(statement))
        after = self._taps(bound_after(statement))
        if isinstance(statement, SCOPES):
            self._visit_scope(statement)
            return [statement, *after]
        if isinstance(statement, ast.With | ast.AsyncWith):
            return [self._visit_with(statement)]
        if isinstance(statement, ast.For | ast.AsyncFor):
            taps = self._taps(target_names(statement.target))
            self._generic(statement)
            statement.body[:0] = taps
            return [statement]
        return [self._generic(statement), *after]

    def _refuse_early(self, doings: Iterable[str | None]) -> None:
        """Refuse a statement that goes on, and may fail, after it has bound a wanted name.

        Raises
        ------
        NoSourceError
            Only bytecode has a place right after that binding.
        """
        left = list(doings)
        while left:
            name = left.pop(0)
            if name in self.hooks and (None in left or name in left):
                raise NoSourceError(f"a statement goes on after it has bound `{name}`")

    def _generic(self, node: _Located) -> _Located:
        """Visit expressions by the usual walk and lists of statements by ``body``."""
        for field, value in ast.iter_fields(node):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                setattr(node, field, self.body(value))
            elif isinstance(value, list):
                setattr(
                    node, field, [self.visit(each) if isinstance(each, ast.AST) else each for each in value]
                )
            elif isinstance(value, ast.AST):
                setattr(node, field, self.visit(value))
        return node

    def _taps(self, names: Iterable[tuple[str, ast.AST]]) -> list[ast.stmt]:
        """Return statements that hand over bound names, all where the last of them was bound."""
        bound = list(names)
        taps: list[ast.stmt] = []
        for name, _ in bound:
            for hook in self.hooks.get(name, ()):
                self.found.add(name)
                at = bound[-1][1]
                value = ast.copy_location(ast.Name(name, ast.Load()), at)
                taps.append(ast.copy_location(ast.Expr(hook_call(hook, value, at, at)), at))
        return taps

    def _visit_with(self, statement: ast.With | ast.AsyncWith) -> ast.stmt:
        """Visit a ``with``; one of several items is made a ``with`` of its own if it binds a wanted name."""
        for index, item in enumerate(statement.items[:-1]):
            if item.optional_vars is not None and any(
                n in self.hooks for n, _ in target_names(item.optional_vars)
            ):
                inner = type(statement)(items=statement.items[index + 1 :], body=statement.body)
                statement.items = statement.items[: index + 1]
                statement.body = [ast.copy_location(inner, statement)]
                break
        for item in statement.items:
            self._refuse_early(target_steps(item.optional_vars))
        taps = [tap for item in statement.items for tap in self._taps(target_names(item.optional_vars))]
        statement.items = [self.visit(item) for item in statement.items]
        statement.body = self.body(statement.body, taps)
        return statement

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.ExceptHandler:
        taps = self._taps([(node.name, node)] if node.name else [])
        if node.type is not None:
            node.type = self.visit(node.type)
        node.body = self.body(node.body, [_on_first_line(tap, node) for tap in taps])
        return node

    def visit_match_case(self, node: ast.match_case) -> ast.match_case:
        """Hand captured names over before the guard, which sees them, or before the body."""
        if any(isinstance(each, ast.MatchMapping) and each.rest for each in ast.walk(node.pattern)):
            self._refuse_early(
                [*(name for name, _ in captured(node.pattern)), None]
            )  # bound in another order
        taps = self._taps(captured(node.pattern))
        if node.guard is not None:
            guard = self.visit(node.guard)
            node.guard = _one_of([*map(_call_of, taps), guard], len(taps), guard) if taps else guard
            taps = []
        node.body = self.body(node.body, taps)
        return node

    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.expr:
        """Hand the value over once it is bound: ``(name := value, hook(name))[0]``."""
        node.value = self.visit(node.value)
        taps = self._taps([(node.target.id, node.target)])
        return _one_of([node, *map(_call_of, taps)], 0, node) if taps else node

    def visit_Lambda(self, node: ast.Lambda) -> ast.Lambda:
        """Visit only the defaults: what a lambda's body binds is the lambda's own."""
        node.args = self.visit(node.args)
        return node

    def _visit_scope(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        """Visit what is evaluated in this scope, and bindings inside that are declared nonlocal."""
        node.decorator_list = [self.visit(each) for each in node.decorator_list]
        if isinstance(node, ast.ClassDef):
            node.bases = [self.visit(each) for each in node.bases]
            node.keywords = [self.visit(each) for each in node.keywords]
        else:
            node.args = self.visit(node.args)
        inner = self._within(node)
        if inner.below:
            node.body = inner.body(node.body)
            self.found |= inner.found

    def _within(self, scope: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> _BindingTaps:
        """Return the transformer for a nested scope: what it declares nonlocal is bound right in it."""
        nonlocals = set(declared(scope.body, ast.Nonlocal))
        own = set() if isinstance(scope, ast.ClassDef) else own_names(scope) - nonlocals
        below = {name: hooks for name, hooks in self.below.items() if name not in own}
        return _BindingTaps({name: hooks for name, hooks in below.items() if name in nonlocals}, below)


_EVALUATED_FIRST: dict[type[ast.expr], str] = {
    **dict.fromkeys((ast.BinOp, ast.Compare), "left"),
    **dict.fromkeys((ast.Attribute, ast.Subscript, ast.Starred, ast.Await, ast.NamedExpr), "value"),
    **dict.fromkeys((ast.Tuple, ast.List, ast.Set), "elts"),
    ast.BoolOp: "values",
    ast.Call: "func",
    ast.IfExp: "test",
    ast.UnaryOp: "operand",
}


def first_evaluated(node: ast.expr) -> ast.expr:
    """Return the part of an expression that is evaluated first, whose line a tracer sees first."""
    child = getattr(node, _EVALUATED_FIRST.get(type(node), ""), None)
    if isinstance(child, list):
        child = child[0] if child else None
    return node if child is None else first_evaluated(child)


def _on_first_line(statement: ast.stmt, node: ast.AST) -> ast.stmt:
    """Make a statement end on the first line of ``node``, whose own end is far below."""
    for each in ast.walk(statement):
        if hasattr(each, "end_lineno"):
            each.end_lineno, each.end_col_offset = node.lineno, node.col_offset  # type: ignore[attr-defined]
    return statement


def _one_of(values: list[ast.expr], index: int, at: ast.expr) -> ast.expr:
    """Return an expression that evaluates all ``values`` and gives one of them."""
    row = ast.copy_location(ast.Tuple(values, ast.Load()), at)
    return ast.copy_location(ast.Subscript(row, ast.copy_location(ast.Constant(index), at), ast.Load()), at)


def _call_of(tap: ast.stmt) -> ast.expr:
    return tap.value  # type: ignore[attr-defined,no-any-return]  # an expression statement
