"""Putting taps into functions and taking them out again, in any order.

A function's code object is swapped in place, so every reference to the function sees it; with the last tap
gone the very same original object is back. Each tap has hooks of its own under names of its own among the
function's builtins: a call that began under other code goes on delivering to the taps it began with. A
name disappears once the last code object that uses it has died, since threads and suspended generators may
still be inside.
"""

from __future__ import annotations

import atexit
import itertools
import os
import threading
import warnings
import weakref
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import CodeType, FunctionType
from typing import Any

from visualizer.instrument.codes import tapped
from visualizer.instrument.pickling import forget, pickle_as
from visualizer.instrument.sites import Hook, Tap, Wire
from visualizer.instrument.source import with_nested

_serial = itertools.count()


@dataclass(slots=True)  # no dict, which tools that ask who refers to a code object would find
class _Patch:
    """What is put into a function; it does not keep the function alive."""

    original: CodeType
    taps: list[tuple[Tap, tuple[Wire, ...]]] = field(default_factory=list)
    installed: CodeType | None = None
    finalizer: Any = None


_patches: dict[int, _Patch] = {}
_lock = threading.RLock()


def _new_lock() -> None:
    """Give a forked child a free lock: another thread of the parent may have held this one."""
    global _lock  # noqa: PLW0603  # a lock cannot be reset
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_lock)


@atexit.register
def restore_all() -> None:
    """Put every original code object back: while Python shuts down, the names of hooks vanish."""
    with _lock:
        for patch in list(_patches.values()):
            alive = patch.finalizer.peek()
            if alive is not None and alive[0].__code__ is patch.installed:
                alive[0].__code__ = patch.original


def original_code(function: FunctionType) -> CodeType:
    """Return a function's code object as it is without taps."""
    patch = _patches.get(id(function))
    return patch.original if patch is not None and function.__code__ is patch.installed else function.__code__


def install(function: FunctionType, tap: Tap) -> None:
    """Put a tap into a function.

    Raises
    ------
    NameNotBoundError
        If a site is not there; nothing has changed then.
    """
    with _lock:
        patch = _patches.get(id(function))
        if patch is None or function.__code__ is not patch.installed:
            patch = _Patch(function.__code__)
        wires = tuple(Wire(site, f"__visualizer_{next(_serial)}__") for site in tap.sites)
        code = _built(function, patch, [*patch.taps, (tap, wires)])
        names = _builtins(function)
        names.update({wire.hook: tap.hook(wire.site) for wire in wires})
        patch.taps.append((tap, wires))
        if patch.installed is None:
            _patches[id(function)] = patch
            patch.finalizer = weakref.finalize(function, _patches.pop, id(function), None)
            patch.finalizer.atexit = False
        _swap(function, patch, code)


def remove(function: FunctionType, tap: Tap) -> None:
    """Take a tap out of a function; with the last one, put the original code object back."""
    with _lock:
        patch = _patches.get(id(function))
        entry = next((each for each in patch.taps if each[0] is tap), None) if patch else None
        if patch is None or entry is None:
            return
        others = [each for each in patch.taps if each is not entry]
        names = _builtins(function)
        if function.__code__ is patch.installed:  # first of all, so that an interrupt finds it done
            if others:
                _swap(function, patch, _built(function, patch, others))
            else:
                function.__code__ = patch.original
        elif function.__code__ is not patch.original:
            message = f"{function.__qualname__} was given other code meanwhile, which is left as it is"
            warnings.warn(message, stacklevel=3)
            others.clear()
            _hold_names(function.__code__, names)  # it may have been made from tapped code
        patch.taps[:] = others
        names.update({wire.hook: _ignore for wire in entry[1] if wire.hook in names})
        if not patch.taps:
            del _patches[id(function)]
            patch.finalizer.detach()


def _ignore(*values: Any) -> Any:
    """Stand in for a hook whose tap is gone, and give an expression's value back."""
    return values[0] if values else None


def _built(function: FunctionType, patch: _Patch, taps: Iterable[tuple[Tap, tuple[Wire, ...]]]) -> CodeType:
    return tapped(function, patch.original, [wires for _, wires in taps])


def _swap(function: FunctionType, patch: _Patch, code: CodeType) -> None:
    """Set a function's code."""
    _hold_names(code, _builtins(function))
    pickle_as(code, patch.original)
    weakref.finalize(code, forget, id(code)).atexit = False
    patch.installed = code
    function.__code__ = code


def _builtins(function: FunctionType) -> dict[str, Hook]:
    """Return the dictionary in which the function looks up builtins."""
    found = getattr(function, "__builtins__")  # noqa: B009  # not known to every type checker
    return found if isinstance(found, dict) else vars(found)


_uses: dict[str, int] = {}


def _hold_names(code: CodeType, names: dict[str, Hook]) -> None:
    """Keep the names of hooks that a code object uses for as long as it lives."""
    for each in with_nested(code):
        for name in set(each.co_names).intersection(names):
            if name.startswith("__visualizer_"):
                _uses[name] = _uses.get(name, 0) + 1
                weakref.finalize(each, _release, name, names).atexit = False


def _release(name: str, names: dict[str, Hook]) -> None:
    _uses[name] -= 1
    if not _uses[name]:
        del _uses[name]
        names.pop(name, None)
