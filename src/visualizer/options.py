"""What of a model's attention calls is recorded, and how it is kept."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from visualizer.choices import check_options
from visualizer.memory import free_bytes, parse_bytes

Modules = str | Sequence[str] | Callable[[str, Any], bool]
Readouts = str | Sequence[str] | Mapping[str, Callable[[Any], Any]]

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
    path: Any = None
    resume: bool = False
    inputs: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.readouts, str):
            object.__setattr__(self, "readouts", (self.readouts,))
        check_options(self)
        object.__setattr__(self, "limit", parse_bytes(self.budget) if self.budget is not None else None)

    @property
    def names(self) -> tuple[str, ...]:
        """The locals that are wanted in the place of attention maps."""
        return (self.locals,) if isinstance(self.locals, str) else tuple(dict.fromkeys(self.locals or ()))

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
