"""Code objects with hooks in them: which front end makes them, and a cache of what was made.

Hooks are compiled in under placeholder names; `renamed` gives a copy its own names. So functions that share a
code object (closures) are compiled once and stay apart.
"""

from __future__ import annotations

import contextlib
import functools
import linecache
from collections.abc import Mapping, Sequence
from types import CodeType, FunctionType
from typing import Any, Literal

from bytecode import Bytecode

from visualizer.errors import NameNotBoundError
from visualizer.instrument.assembly import assembled
from visualizer.instrument.edges import tap_edges
from visualizer.instrument.expressions import parse, tap_expressions
from visualizer.instrument.flow import always_bound
from visualizer.instrument.sites import Site, Wire
from visualizer.instrument.source import NoSourceError, find
from visualizer.instrument.stores import bound_names, decoded, tap_stores
from visualizer.instrument.syntax import tap_bindings
from visualizer.instrument.targets import nearest

FrontEnd = Literal["syntax", "bytecode"]

front_ends: tuple[FrontEnd, ...] = ("syntax", "bytecode")
"""The ways of finding bindings, in order of preference; tests take one away."""


class ById:
    """A dictionary key for an object that equals others: code objects compare by content."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ById) and other.value is self.value


def check_names(function: FunctionType, code: CodeType, names: Sequence[str]) -> None:
    """Raise if ``function`` binds no such name.

    Raises
    ------
    NameNotBoundError
        The message lists the function's names and the nearest.
    """
    bound = _bound_names(ById(code))
    for name in names:
        if name.startswith(("call:", "expr:")):
            parse(name)
        elif name != "return:" and name not in bound:
            raise NameNotBoundError(
                f"{function.__qualname__} {_lack(name, code)}{nearest(name, list(bound))}"
            )


@functools.lru_cache(maxsize=4096)
def _bound_names(key: ById) -> tuple[str, ...]:
    return bound_names(key.value)


def _lack(name: str, code: CodeType) -> str:
    if name in code.co_freevars:
        return f"reads `{name}` from the function around it and never binds it"
    if name in code.co_varnames:
        return f"binds `{name}` only inside a comprehension"
    if name in code.co_names:
        return f"has no local `{name}`, only a global or attribute of that name"
    return f"has no local `{name}`"


def tapped(function: FunctionType, code: CodeType, taps: Sequence[Sequence[Wire]]) -> CodeType:
    """Return ``code`` with the hooks of all ``taps`` in it.

    Raises
    ------
    NameNotBoundError
        If an unnamed expression is not there, or the source for it is not.
    """
    sites = tuple(tuple(wire.site for wire in wires) for wires in taps)
    linecache.getlines(
        code.co_filename, function.__globals__
    )  # read now, as a module's loader may have to do it
    template = _template(ById(code), sites, function.__qualname__, front_ends)
    names = {_placeholder(t, s): wire.hook for t, wires in enumerate(taps) for s, wire in enumerate(wires)}
    return renamed(template, names)


def _placeholder(tap: int, site: int) -> str:
    return f"__visualizer_tap_{tap}_{site}__"


def renamed(code: CodeType, names: Mapping[str, str]) -> CodeType:
    """Return a copy of ``code`` that looks up other global names, in nested code too."""
    consts = tuple(renamed(each, names) if isinstance(each, CodeType) else each for each in code.co_consts)
    changed = tuple(names.get(name, name) for name in code.co_names)
    if changed == code.co_names and all(a is b for a, b in zip(consts, code.co_consts, strict=True)):
        return code
    return code.replace(co_names=changed, co_consts=consts)


@functools.lru_cache(maxsize=4096)
def _template(
    key: ById, sites: tuple[tuple[Site, ...], ...], label: str, allowed: tuple[FrontEnd, ...]
) -> CodeType:
    code: CodeType = key.value
    wires = [Wire(site, _placeholder(t, s)) for t, tap in enumerate(sites) for s, site in enumerate(tap)]
    body = _with_bindings(code, label, wires, allowed)
    return assembled(tap_edges(body, code, wires), code)


def _with_bindings(
    code: CodeType, label: str, wires: Sequence[Wire], allowed: Sequence[FrontEnd]
) -> Bytecode:
    """Put in the hooks for bindings and expressions, bindings by syntax if that has a place for all."""
    bindings, nodes = _hooks(wires, "bind"), _hooks(wires, "node")
    if not bindings and not nodes:
        return decoded(code)
    if "syntax" in allowed:
        with contextlib.suppress(NoSourceError):
            return decoded(_by_syntax(code, label, bindings, nodes))
    if nodes:
        try:
            code = _by_syntax(code, label, {}, nodes)
        except NoSourceError as error:
            raise NameNotBoundError(
                f"{next(iter(nodes))!r} needs the source of {label}, but {error}"
            ) from None
    return tap_stores(code, bindings)


def _by_syntax(
    code: CodeType,
    label: str,
    bindings: Mapping[str, Sequence[str]],
    nodes: Mapping[str, Sequence[str]],
) -> CodeType:
    source = find(code)
    node = source.node()
    tap_expressions(node, nodes, label)
    found = tap_bindings(node, bindings)
    stored = set(bound_names(code, with_parameters=False)).intersection(bindings)
    if stored - found:  # a name found in dead code does no harm
        raise NoSourceError(f"`{', '.join(stored - found)}` is bound elsewhere than the source says")
    made = source.compiled(node)
    if (made.co_freevars, made.co_cellvars, made.co_varnames) != (
        code.co_freevars,
        code.co_cellvars,
        code.co_varnames,
    ):
        raise NoSourceError("hooks would change its variables")
    return made


def _hooks(wires: Sequence[Wire], kind: str) -> dict[str, list[str]]:
    hooks: dict[str, list[str]] = {}
    for wire in wires:
        if wire.site.kind == kind:
            hooks.setdefault(wire.site.name, []).append(wire.hook)
    return hooks


@functools.lru_cache(maxsize=4096)
def _always_bound(key: ById, names: tuple[str, ...]) -> bool:
    return always_bound(key.value, names)


def bound_at_return(code: CodeType, names: tuple[str, ...]) -> bool:
    """Tell whether each of ``names`` has a value wherever the function returns."""
    return _always_bound(ById(code), names)
