"""Values without a name: ``call:softmax#1`` and ``expr:q @ k``, found and hooked in the syntax tree."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from visualizer.errors import NameNotBoundError
from visualizer.instrument.source import FunctionNode
from visualizer.instrument.syntax import first_evaluated, hook_call
from visualizer.instrument.targets import meant

_REQUEST = re.compile(r"(?P<kind>call|expr):(?P<what>.*?)(?:#(?P<number>\d+))?\s*", re.DOTALL)


@dataclass(frozen=True)
class _Request:
    """A parsed request: ``call:`` by the callee's last part or full name, ``expr:`` by equal syntax."""

    text: str
    kind: str
    what: str
    number: int | None

    def matches(self, node: ast.expr) -> bool:
        if self.kind == "expr":
            return _same_syntax(node, self.what)
        return isinstance(node, ast.Call) and self.what in _callee_names(node)


def parse(text: str) -> _Request:
    """Read ``call:name#n`` or ``expr:expression#n``.

    Raises
    ------
    NameNotBoundError
        If the expression is not valid Python.
    """
    found = _REQUEST.fullmatch(text)
    what = found["what"].strip() if found else ""
    if found is None or not what:
        raise NameNotBoundError(
            f"{text!r} names nothing: write 'call:softmax', 'call:softmax#2' or 'expr:q @ k'"
        )
    if found["kind"] == "expr":
        try:
            what = ast.dump(ast.parse(what, mode="eval").body)
        except SyntaxError as error:
            raise NameNotBoundError(f"{text!r} is not a Python expression: {error.msg}") from None
    return _Request(text, found["kind"], what, int(found["number"]) if found["number"] else None)


def tap_expressions(function: FunctionNode, hooks: Mapping[str, Sequence[str]], label: str) -> None:
    """Wrap the requested expressions of ``function`` in calls of their hooks, in place.

    Raises
    ------
    NameNotBoundError
        If a request matches nothing, or several expressions and has no ``#n``.
    """
    chosen: dict[int, list[str]] = {}
    for text, names in hooks.items():
        node = _chosen(function, parse(text), label)
        chosen.setdefault(id(node), []).extend(names)
    _Wrapping(chosen).generic_visit(function)


def _chosen(function: FunctionNode, request: _Request, label: str) -> ast.expr:
    expressions = [node for statement in function.body for node in _expressions(statement)]
    matches = [node for node in expressions if request.matches(node)]
    number = request.number or (1 if len(matches) == 1 else None)
    if number is not None and 1 <= number <= len(matches):
        return matches[number - 1]
    raise NameNotBoundError(_explained(request, label, matches, expressions))


def _explained(request: _Request, label: str, matches: list[ast.expr], expressions: list[ast.expr]) -> str:
    if matches:
        asked = request.text.partition("#")[0]
        lines = ", ".join(f"{asked}#{i} (line {node.lineno})" for i, node in enumerate(matches, 1))
        return f"{label} evaluates {asked} at {len(matches)} places: choose one of {lines}"
    if request.kind == "expr":
        return f"{label} evaluates no expression {request.text[5:]!r}; it must be written as in the source"
    calls = [node for node in expressions if isinstance(node, ast.Call)]
    named = [call for call in calls if _callee_names(call)]
    present = dict.fromkeys(f"{_callee_names(call)[0]} (line {call.lineno})" for call in named)
    listed = f"it calls {', '.join(present)}" if present else "it calls nothing"
    close = meant(request.what, [name for call in named for name in _callee_names(call)])
    return f"{label} has no call of {request.what!r}; {listed}{close}"


def _callee_names(node: ast.Call) -> list[str]:
    """Return the callee's last part and its full dotted name."""
    if isinstance(node.func, ast.Name):
        return [node.func.id]
    if isinstance(node.func, ast.Attribute):
        return [node.func.attr, ast.unparse(node.func)]
    return []


def _same_syntax(node: ast.expr, dump: str) -> bool:
    return not isinstance(getattr(node, "ctx", None), ast.Store | ast.Del) and ast.dump(node) == dump


def _expressions(node: ast.AST) -> Iterator[ast.expr]:
    """Yield a function's own expressions in the order of the source, nested functions' bodies left out."""
    if isinstance(node, ast.pattern):  # only literals may stand there
        return
    if isinstance(node, ast.expr):
        yield node
    for child in _evaluated_here(node):
        yield from _expressions(child)


def _evaluated_here(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield from (*node.decorator_list, node.args)
    elif isinstance(node, ast.ClassDef):
        yield from (*node.decorator_list, *node.bases, *node.keywords)
    elif isinstance(node, ast.Lambda):
        yield node.args
    else:
        yield from ast.iter_child_nodes(node)


class _Wrapping(ast.NodeTransformer):
    """Wraps chosen nodes, inner ones first."""

    def __init__(self, chosen: Mapping[int, Sequence[str]]) -> None:
        self.chosen = chosen

    def visit(self, node: ast.AST) -> ast.AST:
        hooks = self.chosen.get(id(node), ())
        start = first_evaluated(node) if isinstance(node, ast.expr) else node
        node = self.generic_visit(node)
        for hook in hooks:
            node = hook_call(hook, node, start, node)  # type: ignore[arg-type]  # only expressions are chosen
        return node
