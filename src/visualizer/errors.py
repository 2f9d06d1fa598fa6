"""What can go wrong, as a tree.

::

    VisualizerError                        everything this package raises on purpose
    ├── TargetError (TypeError)            neither a Python function to record nor an array to draw
    ├── NameNotBoundError (NameError)      the function binds no such name, or holds no such expression
    ├── ShapeError (ValueError)            an array has another shape than needed, or not the place named
    ├── OptionError (ValueError)           an option was given a value that is none of its choices
    ├── CallsError (LookupError)           a run holds no call, or several, where one map was asked for
    ├── MemoryBudgetError (MemoryError)    recording stopped at its memory budget
    ├── StoreError (ValueError)             what is on disk is no run, is damaged, or cannot be written
    ├── ModelNotFoundError (LookupError)   a model's name, folder or weights cannot be found or loaded
    └── MissingExtraError (ImportError)    an optional package is missing or too old; names the pip line

Each message says in one sentence what was asked, what was found and what to do.
"""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType


class VisualizerError(Exception):
    """Base of every error that this package raises on purpose."""


class TargetError(VisualizerError, TypeError):
    """What was given cannot be used: it is no Python function to record, no array to draw, or no run."""


class NameNotBoundError(VisualizerError, NameError):
    """The function binds no such name, or holds no such expression."""


class ShapeError(VisualizerError, ValueError):
    """An array has another shape than the one needed, or does not have the place that is named."""


class OptionError(VisualizerError, ValueError):
    """An option was given a value that is none of its choices."""


class CallsError(VisualizerError, LookupError):
    """A run holds no call, or more than one, where one map was asked for."""


class MemoryBudgetError(VisualizerError, MemoryError):
    """Recording stopped because its memory budget was used up."""


class StoreError(VisualizerError, ValueError):
    """What is on disk is no run, is damaged or newer, or cannot be written."""


class ModelNotFoundError(VisualizerError, LookupError):
    """A model's name, folder or weights cannot be found or loaded."""


class MissingExtraError(VisualizerError, ImportError):
    """An optional package is missing, or older than what is needed."""


def require(module: str, extra: str, purpose: str, floor: str = "") -> ModuleType:
    """Import ``module`` or say which extra brings it, or from which release on, ``"2.6"``, it will do.

    Raises
    ------
    MissingExtraError
        If it is not installed, or older.

    Examples
    --------
    >>> require("json", "plots", "Drawing").__name__
    'json'
    """
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != package:
            raise
        message = (
            f"{purpose} needs {package}, which is not installed: pip install 'attention-visualizer[{extra}]'"
        )
        raise MissingExtraError(message, name=package) from None
    if floor:
        _refuse_older(found, floor, purpose)
    return found


def _refuse_older(found: ModuleType, floor: str, purpose: str) -> None:
    package, version = found.__name__, found.__version__
    if _release(version) < _release(floor):
        message = (
            f"{purpose} needs {package} {floor} or later, and {version} is installed: "
            f"pip install --upgrade '{package}>={floor}'"
        )
        raise MissingExtraError(message, name=package)


def _release(version: str) -> tuple[int, ...]:
    """Return the first two numbers of a version: what builds of that release add to it does not count."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])
