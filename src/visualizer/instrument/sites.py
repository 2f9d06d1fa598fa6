"""Where in a function a hook is called, and the parsing of what users ask for."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Kind = Literal["enter", "bind", "node", "return", "leave", "raise"]
Hook = Callable[..., Any]


@dataclass(frozen=True)
class Site:
    """One kind of place in a function.

    Attributes
    ----------
    kind
        ``enter``: the body begins, ``hook()``. ``bind``: a name was bound (a parameter is bound at entry),
        ``hook(value)``. ``node``: an unnamed expression was evaluated, ``hook(value)``, which must give the
        value back.
        ``return``: a value is about to be returned, ``hook(value)``. ``leave``: the call is about to return,
        ``hook(*values of loads)``. ``raise``: an exception leaves the call, ``hook()``.
    name
        The local's name (``bind``), or the request, ``call:…`` or ``expr:…`` (``node``).
    loads
        Names handed to a ``leave`` hook; each must be bound wherever the function returns.
    """

    kind: Kind
    name: str = ""
    loads: tuple[str, ...] = ()


class Tap(Protocol):
    """What is put into a function: some sites, and a hook for each of them."""

    @property
    def sites(self) -> Sequence[Site]:
        """The places wanted."""

    def hook(self, site: Site) -> Hook:
        """Return what is called at ``site``; it must not raise."""


@dataclass(frozen=True)
class Wire:
    """A site joined to the name under which compiled code finds its hook."""

    site: Site
    hook: str


def normalized(name: str) -> str:
    """Return a local's name as Python's compiler spells it (NFKC).

    Examples
    --------
    >>> normalized("ﬂow")
    'flow'
    """
    return name if ":" in name else unicodedata.normalize("NFKC", name)


def site_of(request: str) -> Site:
    """Turn what a user asks for into a site.

    Examples
    --------
    >>> site_of("attn")
    Site(kind='bind', name='attn', loads=())
    >>> site_of("call:softmax#1").kind, site_of("expr:q @ k").kind, site_of("return:").kind
    ('node', 'node', 'return')
    """
    if request.startswith(("call:", "expr:")):
        return Site("node", request)
    if request == "return:":
        return Site("return", request)
    return Site("bind", request)
