"""What of a model's attention calls is recorded, and how it is kept."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from visualizer.errors import OptionError
from visualizer.memory import free_bytes, parse_bytes

Modules = str | Sequence[str] | Callable[[str, Any], bool]
Readouts = Sequence[str] | Mapping[str, Callable[[Any], Any]]

KEPT = ("factors", "dense", "readouts")
SHARE = 0.5  # of the free memory, where no budget is given


@dataclass(frozen=True)
class Options:
    """The options of `capture`; see there."""

    modules: Modules | None = None
    queries: str | slice | Callable[[int], Any] | None = None
    locals: str | Sequence[str] | None = None
    keep: str = "factors"
    readouts: Readouts | None = None
    values: bool = False
    gradients: bool = False
    device: Any = None
    dtype: Any = None
    budget: str | int | None = None
    every: int = 1
    first: int | None = None
    check: bool = True
    compiled: str = "eager"

    def __post_init__(self) -> None:
        self._check_choices()
        for name in ("every", "first"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise OptionError(f"{name}={value!r} was asked for; give a whole number from 1 on")
        object.__setattr__(self, "limit", parse_bytes(self.budget) if self.budget is not None else None)

    def _check_choices(self) -> None:
        if self.keep not in KEPT:
            near = difflib.get_close_matches(str(self.keep), KEPT, 1, 0)
            raise OptionError(f"keep={self.keep!r} was asked for; did you mean {near[0]!r}? There is {KEPT}")
        if (self.keep == "readouts") != (self.readouts is not None):
            raise OptionError(
                f"keep={self.keep!r} was asked for with readouts={self.readouts!r}; they go together, as in "
                "keep='readouts', readouts=['entropy']"
            )
        if self.compiled != "eager":
            raise OptionError(
                f"compiled={self.compiled!r} was asked for; compiled graphs cannot be recorded from: "
                "leave it out; a compiled model runs uncompiled while it is recorded, with the same weights"
            )
        queries = self.queries
        if not (queries is None or queries == "last" or isinstance(queries, slice) or callable(queries)):
            raise OptionError(f"queries={self.queries!r} was asked for; give 'last', a slice or a function")
        if self.gradients and self.queries is not None:
            raise OptionError(
                f"queries={self.queries!r} was asked for with gradients=True, but gradients are of whole "
                "maps: leave queries= out, and read the rows of the gradient"
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The locals that are wanted in the place of attention maps."""
        return (self.locals,) if isinstance(self.locals, str) else tuple(self.locals or ())

    def wants(self, path: str, module: Any) -> bool:
        """Tell whether a module's calls are wanted."""
        if self.modules is None:
            return True
        if callable(self.modules):
            return bool(self.modules(path, module))
        patterns = [self.modules] if isinstance(self.modules, str) else self.modules
        return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)

    def wants_number(self, number: int) -> bool:
        """Tell whether a module's call of this number is wanted."""
        return number % self.every == 0 and (self.first is None or number < self.first)

    def rows(self, queries: int) -> slice | list[int] | None:
        """Return which of a call's queries are kept; None for all."""
        if self.queries is None or isinstance(self.queries, slice):
            return self.queries
        if self.queries == "last":
            return slice(-1, None)
        assert callable(self.queries)
        return [query for query in range(queries) if self.queries(query)]

    def bytes_allowed(self) -> int:
        """Return the budget in bytes: half of what is free where none was given."""
        limit: int | None = self.limit  # type: ignore[attr-defined]
        return limit if limit is not None else int(free_bytes() * SHARE)
