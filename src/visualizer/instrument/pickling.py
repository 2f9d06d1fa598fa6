"""Tapped code that is pickled by value is handed out as the original.

`cloudpickle` (and with it Ray, Dask, joblib and Spark) sends functions by the content of their code object;
tapped code would look for hooks that the other process does not have.
"""

from __future__ import annotations

import sys
from types import CodeType
from typing import Any

_originals: dict[int, CodeType] = {}
_modules_seen = 0


def pickle_as(tapped: CodeType, original: CodeType) -> None:
    """Make every pickler by value write ``original`` where it meets ``tapped``."""
    global _modules_seen  # noqa: PLW0603
    _originals[id(tapped)] = original
    if len(sys.modules) == _modules_seen:  # thousands, and none has come since
        return
    _modules_seen = len(sys.modules)
    for name, module in list(sys.modules.items()):
        if name.endswith("cloudpickle") and hasattr(module, "CloudPickler"):
            _teach(module.CloudPickler)


def forget(identity: int) -> None:
    """Forget a tapped code object that has died."""
    _originals.pop(identity, None)


def _teach(pickler: Any) -> None:
    table = pickler.dispatch_table
    reduce = table.get(CodeType)
    if reduce is not None and not hasattr(reduce, "original"):

        def reduce_original(code: CodeType) -> Any:
            return reduce(_originals.get(id(code), code))

        reduce_original.original = reduce  # type: ignore[attr-defined]  # tells that this table is taught
        table[CodeType] = reduce_original
