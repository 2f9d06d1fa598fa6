"""Models that nobody named: each is known from its first call on, for as long as the program keeps it."""

from __future__ import annotations

import itertools
import threading
import weakref
from types import FrameType
from typing import Any

from torch.nn.parameter import is_lazy

from visualizer.recorders.paths import module_paths
from visualizer.recorders.places import module_of


class Modules(weakref.WeakValueDictionary[int, Any]):
    """Modules by identity, for as long as they live; threads may add some meanwhile."""

    def values(self) -> Any:
        """Yield those that are alive."""
        return (module for refer in self.valuerefs() if (module := refer()) is not None)


class Adopted:
    """The models of a program that were called so far, and their modules' paths.

    The first one that has parameters and parts has paths as if it were alone; those of others begin with
    their class, numbered where it comes again.
    """

    def __init__(self) -> None:
        self.modules = Modules()
        self.paths: dict[int, list[str]] = {}
        self._names: set[str] = set()
        self._lock = threading.Lock()

    def adopt(self, module: Any, frame: FrameType) -> list[int]:
        """Get to know a module that is being called, with all that is around it; return who is new.

        A model may be run by another method than its forward: the outermost module around the call counts.
        """
        with self._lock:
            new = self._take(_outermost_module(frame))
            return new if id(module) in self.modules else [*new, *self._take(module)]

    def forget_dead(self) -> None:
        """Let go of the paths of modules that are no more."""
        with self._lock:
            for identity in [one for one in self.paths if one not in self.modules]:
                del self.paths[identity]

    def _take(self, root: Any) -> list[int]:
        parts = {id(module): module for module in root.modules()}
        if any(map(has_lazy_parameters, parts.values())):
            return []  # what is a parameter cannot be told before they are made
        paths = module_paths(root)
        new = [identity for identity in parts if identity not in self.modules]
        prefix = self.paths[id(root)][0] if id(root) in self.modules else self._prefix(parts, paths)
        for identity in new:
            self.paths[identity] = [".".join(filter(None, (prefix, path))) for path in paths[identity]]
            self.modules[identity] = parts[identity]
        return new

    def _prefix(self, parts: dict[int, Any], paths: dict[int, list[str]]) -> str:
        """Return what the paths of a model begin with: the class of what its wrappers hold."""
        inner = [parts[identity] for identity, of_module in paths.items() if "" in of_module][-1]
        kind = type(inner).__name__
        numbered = (f"{kind}{number}" for number in itertools.count(2))
        names = itertools.chain([""] if is_model(inner) else [], [kind], numbered)
        name = next(one for one in names if one not in self._names)
        self._names.add(name)
        return name


def is_model(module: Any) -> bool:
    """Tell whether a module has parameters and parts, as losses and single layers have not."""
    parts = next(module.children(), None)
    return parts is not None and next(module.parameters(), None) is not None


def has_lazy_parameters(module: Any) -> bool:
    """Tell whether a module has parameters or buffers that its first run will make."""
    held = (*module._parameters.values(), *module._buffers.values())  # noqa: SLF001  # its own, without names
    return any(map(is_lazy, held))


def _outermost_module(frame: FrameType | None) -> Any:
    """Return the outermost module that runs a method in a frame or around it."""
    outermost = None
    while frame is not None:
        # until 3.13 a function whose locals were looked at keeps them alive until it ends: methods alone
        module = module_of(frame) if frame.f_code.co_varnames[:1] == ("self",) else None
        outermost = outermost if module is None else module
        frame = frame.f_back
    return outermost
