"""What made a run: the model's class and weights, versions, and what numbers depend on besides."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from types import FrameType
from typing import Any

import torch

from visualizer.attention import reading

SAMPLE = 4096
"""About how many numbers of each weight its hash is of, evenly spaced, with its name, shape and dtype."""
SAMPLED = "sampled:"
"""What such a hash begins with, so that nobody takes it for one of all weights."""
PACKAGES = ("attention-visualizer", "numpy", "transformers", "timm", "diffusers")


def facts_of(model: Any) -> dict[str, Any]:
    """Return what a recording of a model depends on, but its weights and inputs; None: of any model."""
    return surroundings() if model is None else _of_model(model) | surroundings()


def _of_model(model: Any) -> dict[str, Any]:
    kind = type(model)
    dtypes = sorted({str(parameter.dtype).rpartition(".")[2] for parameter in model.parameters()})
    devices = sorted({parameter.device.type for parameter in model.parameters()})
    return {
        "model": f"{kind.__module__}.{kind.__qualname__}",
        "dtype": ", ".join(dtypes),
        "device": ", ".join(devices),
    }


def surroundings() -> dict[str, Any]:
    """Return what numbers depend on besides a model: versions, the machine, torch's settings."""
    return {
        "torch": torch.__version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "seed": torch.initial_seed(),
        "tf32": {
            "matmul": bool(torch.backends.cuda.matmul.allow_tf32),
            "cudnn": bool(torch.backends.cudnn.allow_tf32),
        },
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "packages": dict(_versions()),
    }


def hash_weights(model: Any) -> str:
    """Return a hash of a model's parameters and buffers: names, shapes, dtypes, and a sample of each.

    Of each, 8192 numbers at most: training changes nearly every one, so that other weights have another hash,
    unless they differ in a few single numbers. What cannot be read, such as weights that lie elsewhere, is
    hashed by name alone.
    """
    found = hashlib.blake2b(digest_size=16)
    with reading(), torch.no_grad():
        for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
            found.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
            found.update(_sampled(tensor))
    return SAMPLED + found.hexdigest()


def hash_values(values: dict[str, Any]) -> str:
    """Return a hash of tensors, arrays, numbers and texts by name, whole, in lists and dictionaries too."""
    found = hashlib.blake2b(digest_size=16)
    with reading(), torch.no_grad():
        for name, value in _leaves("", values):
            found.update(name.encode())
            if isinstance(value, torch.Tensor):
                found.update(f"{tuple(value.shape)} {value.dtype}".encode())
                found.update(_bits(value))
            else:
                found.update(repr(value).encode())
    return found.hexdigest()


def arguments_of(frame: FrameType) -> dict[str, Any]:
    """Return what a call that begins was given but its first argument, the module; tensors as copies."""
    values = dict(list(frame.f_locals.items())[1:])
    with reading(), torch.no_grad():
        return {name: _copied(value) for name, value in _leaves("", values)}


def _copied(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, torch.Tensor) else value


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, torch.Tensor | int | float | str | bool):
        yield name, value
    elif isinstance(value, dict) or type(value).__module__.startswith("transformers"):
        for key, one in getattr(value, "items", dict)():
            yield from _leaves(f"{name}.{key}" if name else str(key), one)
    elif isinstance(value, list | tuple):
        for number, one in enumerate(value):
            yield from _leaves(f"{name}.{number}", one)


def _sampled(tensor: torch.Tensor) -> bytes:
    try:
        flat = tensor.detach().reshape(-1)
        step = max(1, flat.numel() // SAMPLE) | 1  # odd: not one column of a matrix over and over
        return _bits(flat[::step])
    except (RuntimeError, NotImplementedError, TypeError):  # on meta, sharded over ranks, sparse
        return b""


def _bits(tensor: torch.Tensor) -> bytes:
    host = tensor.detach().cpu().contiguous().reshape(-1)
    return host.view(torch.uint8).numpy().tobytes() if host.numel() else b""


def _versions() -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        if package in ("attention-visualizer", "numpy") or package in sys.modules:
            try:
                yield package, version(package)
            except PackageNotFoundError:
                continue
