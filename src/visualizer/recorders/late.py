"""What is done once a module has been imported: torch's compiler takes seconds, and few models need it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


class AfterImport(MetaPathFinder):
    """Something to do after a module's import: at once if it is imported already, else when it will be.

    Parameters
    ----------
    name
        The module's full name.
    act
        What is done, once for each `open`.

    Examples
    --------
    >>> late = AfterImport("sys", lambda: print("sys is there"))
    >>> late.open()
    sys is there
    >>> late.close()
    """

    def __init__(self, name: str, act: Callable[[], None]) -> None:
        self._name, self._act = name, act

    def open(self) -> None:
        """Act, or wait for the import."""
        if self._name in sys.modules:
            self._act()
        else:
            sys.meta_path.insert(0, self)

    def close(self) -> None:
        """Wait no longer."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find the module as it would have been found, and act when it has run."""
        if fullname != self._name:
            return None
        others = [finder for finder in sys.meta_path if finder is not self]
        found = (finder.find_spec(fullname, path, target) for finder in others)
        spec = next((one for one in found if one is not None), None)
        loader: Any = spec.loader if spec is not None else None
        if loader is not None:
            execute = loader.exec_module

            def execute_and_act(module: ModuleType) -> None:
                del loader.exec_module  # the class's own again
                execute(module)
                if self in sys.meta_path:
                    self.close()
                    self._act()

            loader.exec_module = execute_and_act
        return spec
