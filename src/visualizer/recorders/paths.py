"""Modules by name, without the names that wrappers add."""

from __future__ import annotations

from typing import Any

_WRAPPERS = {"_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
_PARALLEL = {"DistributedDataParallel", "DataParallel", "FullyShardedDataParallel"}


def module_paths(model: Any) -> dict[int, list[str]]:
    """Return the paths of each module of a model by its identity; a shared module has several."""
    paths: dict[int, list[str]] = {}
    _collect(model, (), paths)
    return paths


def _collect(module: Any, names: tuple[str, ...], paths: dict[int, list[str]]) -> None:
    path = ".".join(names)
    known = paths.setdefault(id(module), [])
    if path in known:
        return
    known.append(path)
    for name, child in module._modules.items():  # noqa: SLF001 - children by all their names
        if child is not None:
            hidden = name in _WRAPPERS or (name == "module" and type(module).__name__ in _PARALLEL)
            _collect(child, names if hidden else (*names, name), paths)
