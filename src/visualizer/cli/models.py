"""What MODEL names on the command line, loaded, with what it takes to run it."""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from visualizer.cli.generating import generating_class
from visualizer.cli.inputs import Feed, Given, feed_arrays, feed_pixels, feed_transformers
from visualizer.cli.placing import Precision, check_device, fitted, place
from visualizer.errors import ModelNotFoundError, OptionError, VisualizerError, require
from visualizer.loading.sources import first_sentence

FORMS = "timm:NAME, hf:NAME or hf:FOLDER, or package.module:callable"


@dataclass(frozen=True)
class Wanted:
    """The model that the user asks for.

    Attributes
    ----------
    name
        ``timm:NAME``, ``hf:NAME``, ``hf:FOLDER`` or ``package.module:callable``, which is called without
        arguments and gives a `torch.nn.Module`, or is one.
    weights
        A file of safetensors to take the weights from.
    device, precision
        Where it runs, and in which numbers; its own where None.
    generates
        Whether it is to generate: of transformers the class that it was saved as is taken, with its head.
    """

    name: str
    weights: Path | None = None
    device: str | None = None
    precision: Precision | None = None
    generates: bool = False


@dataclass(frozen=True)
class Subject:
    """A model, and how it is fed.

    Attributes
    ----------
    name
        What the user called it.
    model
        The `torch.nn.Module`, in evaluation mode.
    read
        Makes what it is called with of what the user gave.
    """

    name: str
    model: Any
    read: Callable[[Given], Feed]

    def feed(self, given: Given) -> Feed:
        """Return what it is called with, where it is and in its precision."""
        return fitted(self.read(given))


@contextmanager
def running(subject: Subject) -> Iterator[None]:
    """Say in one sentence what goes wrong where a model runs on the user's input.

    Raises
    ------
    VisualizerError
        If it fails.
    """
    import torch

    try:
        with torch.no_grad():
            yield
    except VisualizerError:
        raise
    except Exception as error:  # what a model raises is open
        reason = f"{type(error).__name__}: {first_sentence(error)}"
        raise VisualizerError(f"{subject.name} failed on this input: {reason}") from error


def load_model(wanted: Wanted) -> Subject:
    """Load a model.

    Raises
    ------
    MissingExtraError
        If torch, or the library that it is of, is not installed.
    ModelNotFoundError
        If it is not there, or cannot be loaded.
    VisualizerError
        If it cannot be had on this device, or in this precision.
    """
    kind, _, rest = wanted.name.partition(":")
    if not kind or not rest:
        raise ModelNotFoundError(f"MODEL is {FORMS}, not {wanted.name!r}")
    require("torch", "torch", "Running a model")
    check_device(wanted.device)
    subject = {"hf": _of_transformers, "timm": _of_timm}.get(kind, _of_callable)(wanted)
    if wanted.weights is not None:
        _load_weights(subject, wanted.weights)
    place(subject.model, wanted.device, wanted.precision)
    subject.model.eval()
    return subject


def _of_transformers(wanted: Wanted) -> Subject:
    from visualizer.loading.hf_models import load, source_of, transformers_library

    name = wanted.name
    with transformers_library() as library:
        source = source_of(name.partition(":")[2])
        config = load(library.AutoConfig, source)
        if wanted.generates:
            kind = make = generating_class(library, config, name)
        else:
            kind, make = library.AutoModel, library.AutoModel.from_config
        model = load(kind, source) if wanted.weights is None else make(config)
    return Subject(name, model, lambda given: feed_transformers(name, model, source, given))


def _of_timm(wanted: Wanted) -> Subject:
    from visualizer.loading.timm_models import load, source_of, timm_library

    name, rest, timm = wanted.name, wanted.name.partition(":")[2], timm_library()
    if wanted.weights is not None and timm.is_model(rest):
        model = timm.create_model(rest)
    else:
        model = load(timm, source_of(timm, rest))
    return Subject(name, model, lambda given: feed_pixels(name, timm, model, given))


def _of_callable(wanted: Wanted) -> Subject:
    name = wanted.name
    module, _, attribute = name.partition(":")
    sys.path.insert(0, os.getcwd())  # noqa: PTH109  # as `python -m` has it
    found = _attribute(name, _imported(name, module), attribute)
    model = found if _is_module(found) else _called(name, found)
    if not _is_module(model):
        raise ModelNotFoundError(f"{name} gave a {type(model).__name__}, where a torch.nn.Module is needed")
    return Subject(name, model, lambda given: feed_arrays(name, model, given))


def _imported(name: str, module: str) -> Any:
    try:
        return importlib.import_module(module)
    except (Exception, SystemExit) as error:  # what a module raises is open
        reason = f"{type(error).__name__}: {first_sentence(error)}"
        raise ModelNotFoundError(f"{name} could not be imported ({reason}); MODEL is {FORMS}") from error


def _attribute(name: str, module: Any, attribute: str) -> Any:
    found = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            public = [one for one in vars(module) if not one.startswith("_")]
            near = ", ".join(difflib.get_close_matches(part, public, 3, 0)) or "no public name"
            raise ModelNotFoundError(f"{name} is not there; {module.__name__} has {near}")
        found = getattr(found, part)
    return found


def _called(name: str, found: Any) -> Any:
    try:
        return found()
    except (Exception, SystemExit) as error:
        raise ModelNotFoundError(
            f"{name} was called without arguments to make the model, and raised "
            f"{type(error).__name__}: {first_sentence(error)}"
        ) from error


def _is_module(found: Any) -> bool:
    import torch

    return isinstance(found, torch.nn.Module)


def _load_weights(subject: Subject, path: Path) -> None:
    if path.suffix != ".safetensors":
        raise OptionError(
            f"--weights takes a file.safetensors, not {path}: other kinds may run code when read"
        )
    safetensors = require("safetensors.torch", "demo", "Reading --weights")
    try:
        held = safetensors.load_file(path)
        wrong = subject.model.load_state_dict(held, strict=False)
    except Exception as error:
        raise ModelNotFoundError(
            f"{path} could not be loaded into {subject.name}: {_reason(error)}"
        ) from error
    if wrong.missing_keys or wrong.unexpected_keys:
        kinds = {"lacks": wrong.missing_keys, "has besides": wrong.unexpected_keys}
        found = " and ".join(f"{what} {_some(names)}" for what, names in kinds.items() if names)
        raise ModelNotFoundError(f"{path} does not fit {subject.name}: it {found}")


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    lines = [line.strip() for line in str(error).strip().splitlines()]
    return next((line for line in lines if "size mismatch" in line), first_sentence(error))


def _some(names: Iterable[str]) -> str:
    first = sorted(names)
    return ", ".join(first[:3]) + (f" and {len(first) - 3} more" if len(first) > 3 else "")
