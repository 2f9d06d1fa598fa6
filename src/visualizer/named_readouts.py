"""Read-outs of attention maps by name, and which names there are."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from visualizer.errors import OptionError

if TYPE_CHECKING:
    from visualizer.attention import AttentionMap


def check_readout(name: Any, **options: Any) -> None:
    """Refuse what is no read-out of a map, or is none with these options.

    Raises
    ------
    OptionError
        If maps have no such read-out, or it takes other options.
    """
    from visualizer.attention import AttentionMap

    names = [name for name in dir(AttentionMap) if not name.startswith("_")]
    if name not in names:
        near = difflib.get_close_matches(str(name), names, 1, 0)
        raise OptionError(
            f"the read-out {name!r} was asked for; did you mean {near[0]!r}? There are entropy, received, "
            "mass, rest and the others that help(AttentionMap) lists; a function of a map can be given too"
        )
    try:
        inspect.signature(_function(name)).bind(None, **options)
    except TypeError as error:
        raise OptionError(
            f"the read-out {name!r} was asked for with {options or 'no options'}, but {error}: give what it "
            f"takes, or a function of a map, such as lambda a: a.{name}(...)"
        ) from None


def read_out(map_: AttentionMap, name: str, **options: Any) -> Any:
    """Return what a map's method, or property, of this name gives."""
    found = getattr(map_, name)
    return found(**options) if inspect.ismethod(found) else found


def _function(name: str) -> Callable[..., Any]:
    from visualizer.attention import AttentionMap

    member: Any = inspect.getattr_static(AttentionMap, name)
    return cast("Callable[..., Any]", member.fget if isinstance(member, property) else member)
