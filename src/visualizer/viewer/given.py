"""What a user gave to be shown, or else one sentence that says what is wanted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from operator import index
from typing import Any

from visualizer.errors import OptionError, TargetError
from visualizer.run import Run


def runs_given(runs: Any) -> list[Run]:
    """Return one run or two as a list.

    Raises
    ------
    TargetError
        If something among them is no run.
    OptionError
        If there is none, or more than two.

    Examples
    --------
    >>> len(runs_given(Run([])))
    1
    """
    found = list(runs) if isinstance(runs, list | tuple) else [runs]
    for one in found:
        if not isinstance(one, Run):
            raise TargetError(
                f"{one!r:.60} ({type(one).__name__}) was to be shown, but it is no run: give what "
                "visualizer.capture, from_arrays or load returned"
            )
    if not 1 <= len(found) <= 2:
        raise OptionError(f"{len(found)} runs were to be shown: give one, or two to compare")
    return found


def modules_given(modules: Any) -> list[str]:
    """Return a path or pattern, or several, as a list.

    Raises
    ------
    OptionError
        If they are no texts, or none.

    Examples
    --------
    >>> modules_given("blocks.*")
    ['blocks.*']
    """
    found = [modules] if isinstance(modules, str) else modules
    if not isinstance(found, Sequence) or not found or not all(isinstance(one, str) for one in found):
        raise OptionError(
            f"modules={modules!r:.60} was asked for; give a path or a pattern, as run.paths has them, or a "
            "list of these"
        )
    return list(found)


def heads_given(heads: Any) -> Collection[int] | None:
    """Return numbers of heads; None, all of them, as it is.

    Raises
    ------
    OptionError
        If they are no whole numbers, or none.

    Examples
    --------
    >>> heads_given(range(2))
    [0, 1]
    """
    if heads is None:
        return None
    try:
        found = [index(one) for one in heads]
    except TypeError:
        found = []
    if not found:
        raise OptionError(
            f"heads={heads!r:.60} was asked for; give a list of heads from 0 on, such as [0, 3]"
        )
    return found
