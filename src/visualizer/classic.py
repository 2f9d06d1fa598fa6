"""`get_local`, the classic: any local of any function, by a decorator.

Off, it costs nothing: the decorated function is the very object that was decorated, with its own code. On,
the function object is still the same; only its code is another, until `get_local.deactivate` puts back the
old one. A forked process goes on recording, into its own memory.

Limits: `torch.jit.script` compiles the source and records nothing.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar

from visualizer.cache import Cache
from visualizer.errors import TargetError
from visualizer.notices import warn_user
from visualizer.recordings import Recordings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

T = TypeVar("T")

_cache = Cache()
_recordings = Recordings(_cache)

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_cache.renew_lock)
    os.register_at_fork(after_in_child=_recordings.renew_lock)


class Switchboard(type):
    """What can be read and set on the class `get_local` itself."""

    @property
    def is_activate(cls) -> bool:
        """Whether recording is on; setting it switches recording on or off."""
        return _recordings.active

    @is_activate.setter
    def is_activate(cls, wanted: object) -> None:
        if wanted and not _recordings.active:
            get_local.activate()
        elif not wanted and _recordings.active:
            get_local.deactivate()

    @property
    def cache(cls) -> dict[str, list[Any]]:
        """The one dict of recorded values: qualified name → list, one value a call.

        Raises
        ------
        MemoryBudgetError
            Once, if recording stopped at its budget.
        """
        _cache.speak()
        return _cache.values

    @cache.setter
    def cache(cls, values: Mapping[str, list[Any]]) -> None:
        _cache.replace(values)


class get_local(metaclass=Switchboard):  # noqa: N801 - the name that code written for the original uses
    """Record locals of a function while active; inactive, leave it untouched.

    Parameters
    ----------
    *names
        Locals, whose last value in each call is recorded; or ``"call:softmax#1"`` for the value of the first
        call of ``softmax``, ``"expr:q @ k"`` for an expression, ``"return:"`` for what is returned.

    Raises
    ------
    TargetError
        If no name is given.

    Notes
    -----
    ``get_local.cache`` is one dict for the life of the process: the function's ``__qualname__`` → list of
    numpy arrays, one for each call, in the order in which calls end. The name applied first (left in one
    decorator, lowest in a stack) has the plain key, each further one ``qualname.name``.

    Examples
    --------
    >>> @get_local("attn")
    ... def attend(q, k):
    ...     attn = q * k
    ...     return float(attn.sum())
    >>> get_local.activate()
    >>> import numpy
    >>> attend(numpy.ones(2), 3)
    6.0
    >>> get_local.cache["attend"]
    [array([3., 3.])]
    >>> get_local.deactivate()
    """

    if TYPE_CHECKING:
        is_activate: bool
        cache: dict[str, list[Any]]
    else:  # reachable on instances too
        is_activate = Switchboard.is_activate
        cache = Switchboard.cache

    def __init__(self, *names: str) -> None:
        if not names or not all(isinstance(name, str) for name in names):
            found = ", ".join(map(repr, names)) or "nothing"
            raise TargetError(
                f"get_local needs names of locals, as in @get_local('attn'); it was given {found}"
            )
        self.names = tuple(dict.fromkeys(names))

    def __call__(self, target: T) -> T:
        """Ask for the names in ``target`` and return ``target`` itself.

        Parameters
        ----------
        target
            A function, method, class (its ``forward`` or ``__call__``), instance or bound method (only its
            own calls), under any decorators, or ``"package.module:Qualified.name"``.

        Warns
        -----
        RecordingWarning
            If active, and something of it cannot be recorded.
        """
        _warn(_recordings.add(target, self.names))
        return target

    def __repr__(self) -> str:
        return f"get_local({', '.join(map(repr, self.names))})"

    @staticmethod
    def activate(keep: str = "numpy", budget: str | int | None = None) -> None:
        """Record all that was and will be asked for; called again, it changes how.

        Parameters
        ----------
        keep
            ``"numpy"``: copies, every tensor as a numpy array. ``"tensor"``: the tensors themselves, with
            their graph. ``"reference"``: the very objects, of any type.
        budget
            How many bytes of values may be kept, as a number or a text such as "4GB" or "512 MiB"; by default
            half of the free memory of the machine, or of the container if that is less.

        Raises
        ------
        OptionError
            If either is not one of its options; nothing has changed then.

        Warns
        -----
        RecordingWarning
            For each name that its function does not bind, and each target that is no Python function.
        """
        _cache.configure(keep, budget)
        _warn(_recordings.activate())

    @staticmethod
    def deactivate() -> None:
        """Put every function's own code back; what was recorded stays.

        Raises
        ------
        MemoryBudgetError
            If recording had stopped at its budget and reading the cache has not said so yet.
        """
        _recordings.deactivate()
        _cache.speak()

    @staticmethod
    def clear() -> None:
        """Put a new empty list under every key; lists that were taken from the cache stay as they are.

        A stop at the memory budget that has not been told yet is told by what would have told it before.
        """
        _cache.clear()


def _warn(problems: Iterable[str]) -> None:
    for problem in problems:
        warn_user(problem)
