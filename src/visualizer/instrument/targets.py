"""From what a user points at to the Python function beneath it.

Decorators, static, class and partial methods, properties, partials, bound methods, classes, instances and
compiled modules are unwrapped; nothing is called and no attribute with side effects is read.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from visualizer.errors import TargetError

Accepts = Callable[[Any], bool]


@dataclass(frozen=True)
class Target:
    """A function, and which of its calls are meant.

    Attributes
    ----------
    functions
        The function beneath all decorators first, then others that its wrappers hold.
    accepts
        None for every call, or a predicate on the call's first argument.
    """

    functions: tuple[FunctionType, ...]
    accepts: Accepts | None


def resolve(target: object) -> Target:
    """Find the Python function beneath ``target``.

    Raises
    ------
    TargetError
        If there is none; the message says what is there.

    Examples
    --------
    >>> import textwrap
    >>> resolve("textwrap:TextWrapper.fill").functions[0] is textwrap.TextWrapper.fill
    True
    """
    if isinstance(target, str):
        target = _named(target)
    found, accepts = _method(target)
    functions = tuple(_beneath(found))
    if not functions:
        raise TargetError(_refusal(target))
    return Target(functions, accepts)


def _named(name: str) -> object:
    """Import ``pkg.module:Qual.name`` and return what it names, unbound."""
    module_name, colon, qualname = name.partition(":")
    if not (colon and module_name and qualname):
        raise TargetError(f"{name!r} is not of the form 'package.module:Qualified.name'")
    try:
        found: object = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise TargetError(f"{name!r} cannot be watched: there is no module {error.name!r}") from error
    except (ImportError, TypeError, ValueError) as error:
        raise TargetError(
            f"{name!r} cannot be watched: {module_name!r} cannot be imported ({error})"
        ) from error
    for part in qualname.split("."):
        found = _member(found, part, name)
    return found


def _member(owner: object, part: str, name: str) -> object:
    """Return an attribute without binding it to its class."""
    missing = object()
    found = inspect.getattr_static(owner, part, missing)
    if found is missing and isinstance(owner, ModuleType):
        found = getattr(owner, part, missing)  # a lazy module's own __getattr__
    if found is missing:
        found = getattr(next(_beneath(owner), None), part, missing)
    if found is missing:
        present = [key for key in dir(owner) if not key.startswith("__")]
        label = getattr(owner, "__qualname__", None) or getattr(owner, "__name__", repr(owner))
        raise TargetError(f"{name!r} cannot be watched: {label} has no {part!r}{nearest(part, present)}")
    return found


def nearest(name: str, present: list[str]) -> str:
    """Say what is there and what may have been meant.

    Examples
    --------
    >>> nearest("atn", ["q", "attn"])
    '; it has q, attn; did you mean attn?'
    """
    shown = ", ".join(present[:30]) + (", …" if len(present) > 30 else "")
    return (f"; it has {shown}" if present else "") + meant(name, present)


def meant(name: str, present: list[str]) -> str:
    """Name the nearest of what is there, if anything is near.

    Examples
    --------
    >>> meant("sofmax", ["softmax", "sqrt"])
    '; did you mean softmax?'
    """
    close = get_close_matches(name, present, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _method(target: object) -> tuple[object, Accepts | None]:
    """Choose the method of a class or instance that is meant, and the filter for its calls."""
    if isinstance(target, type):
        return _class_method(target)
    if isinstance(target, MethodType):
        return target.__func__, _same(target.__self__)
    if (
        inspect.isroutine(target)
        or isinstance(target, _TRANSPARENT)
        or inspect.getattr_static(target, "__wrapped__", None) is not None
    ):
        return target, None
    return _instance_method(target)


def _class_method(cls: type) -> tuple[object, Accepts | None]:
    for name, base in ((name, base) for name in ("forward", "__call__") for base in cls.__mro__):
        function = next(_beneath(vars(base).get(name)), None)
        if function is None:
            continue
        if function.__name__ == "_forward_unimplemented":  # torch's stand-in, which only raises
            break
        return vars(base)[name], None if base is cls else lambda first: isinstance(first, cls)
    raise TargetError(
        f"class {cls.__qualname__} has no forward and no __call__ written in Python"
        f"{_python_methods(cls)}; name the method, as in {cls.__qualname__}.method"
    )


def _python_methods(cls: type) -> str:
    names = [name for name, value in vars(cls).items() if isinstance(value, FunctionType)]
    return f"; it has {', '.join(names)}" if names else ""


def _instance_method(target: object) -> tuple[object, Accepts]:
    if any(base.__name__ in _COMPILED for base in type(target).__mro__):
        raise TargetError(_refusal(target))
    inner = inspect.getattr_static(target, "_modules", {})
    if isinstance(inner, dict) and "_orig_mod" in inner:  # torch.compile(module)
        target = inner["_orig_mod"]
    own = getattr(target, "__dict__", {})
    for name in ("forward", "__call__"):
        if name in own:
            found = own[name]
            if isinstance(found, MethodType) and found.__self__ is not target:
                return _method(found)  # type: ignore[return-value]  # a bound method always has a filter
            return found, _same(target) if isinstance(found, MethodType) else _no_other(target)
    found, _ = _class_method(type(target))
    return found, _same(target)


def _same(owner: object) -> Accepts:
    """Return the filter for one object's calls; it does not keep the object alive where that can be had."""
    try:
        owned: Callable[[], object] = weakref.ref(owner)
    except TypeError:  # slots without __weakref__

        def owned() -> object:
            return owner

    return lambda first: first is owned()


def _no_other(owner: object) -> Accepts:
    """Return the filter for what was put into one object: others of its class are not meant."""
    same, cls = _same(owner), type(owner)
    return lambda first: same(first) or not isinstance(first, cls)


_TRANSPARENT = (property, functools.partial, functools.partialmethod, functools.cached_property, ModuleType)


def _beneath(found: object, seen: set[int] | None = None) -> Iterator[FunctionType]:
    """Yield the Python functions beneath wrappers, the innermost first, each before those that it holds."""
    seen = set() if seen is None else seen
    for function in reversed(list(_chain(found))):
        if id(function) not in seen:
            seen.add(id(function))
            yield function
            for held in _held(function):
                yield from _beneath(held, seen)


def _chain(found: object) -> Iterator[FunctionType]:
    seen: set[int] = set()
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        if isinstance(found, FunctionType):
            yield found
        found = _under(found)


def _under(found: object) -> object:
    """Take one wrapper off."""
    if isinstance(found, property):
        return found.fget
    for attribute in ("__wrapped__", "_torchdynamo_orig_callable", "__func__"):
        inner = inspect.getattr_static(found, attribute, None)
        if inner is not None and not isinstance(found, type):
            return getattr(found, attribute)
    if isinstance(found, functools.partial | functools.partialmethod | functools.cached_property):
        return getattr(found, "func", None)
    return None


def _held(wrapper: FunctionType) -> Iterator[object]:
    """Yield callables that a wrapper made without ``functools.wraps`` keeps in its closure."""
    for cell in wrapper.__closure__ or ():
        try:
            content = cell.cell_contents
        except ValueError:  # not filled yet
            continue
        if callable(content) and not isinstance(content, type):
            yield content


_COMPILED = {"ScriptFunction", "ScriptMethod", "ScriptModule"}


def _refusal(target: object) -> str:
    kind = type(target).__name__
    name = getattr(target, "__qualname__", None) or getattr(target, "__name__", None) or repr(target)
    if isinstance(target, BuiltinFunctionType) or kind in {"method_descriptor", "wrapper_descriptor"}:
        return f"{name} is written in C and has no Python locals; watch the Python function that calls it"
    if any(base.__name__ in _COMPILED for base in type(target).__mro__):
        return (
            f"this {kind} is compiled by torch.jit and runs no Python; watch what was compiled, before that"
        )
    return f"{name} is a {kind}, not a Python function, method, class or instance with forward or __call__"
