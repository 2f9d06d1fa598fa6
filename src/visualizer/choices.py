"""Whether the options of `capture` are among their choices: told before anything runs."""

from __future__ import annotations

import difflib
import os
from collections.abc import Collection, Mapping
from numbers import Integral
from typing import Any

import torch

from visualizer.errors import OptionError
from visualizer.named_readouts import check_readout

KEPT = ("factors", "dense", "readouts")
SWITCHES = ("values", "gradients", "check", "resume", "inputs")
COUNTS = ("every", "first")
OF_MAPS = {"queries": None, "keep": "factors", "readouts": None, "values": False, "gradients": False}
"""What says nothing of locals, and its value where it was not given."""


def check_options(options: Any) -> None:
    """Refuse `Options` that are none of their choices.

    Raises
    ------
    OptionError
        For the first that is none, or that another one contradicts.
    """
    _check_words(options)
    for name in SWITCHES:
        if not isinstance(value := getattr(options, name), bool):
            raise _refused(name, value, "give True or False")
    for name in COUNTS:
        value = getattr(options, name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, Integral) or value < 1):
            raise _refused(name, value, "give a whole number from 1 on")
    _check_wanted(options)
    _check_queries(options)
    _check_readouts(options)
    _check_path(options)
    _check_device(options.device)
    _check_dtype(options.dtype)


def _check_words(options: Any) -> None:
    if not isinstance(options.keep, str) or options.keep not in KEPT:
        near = difflib.get_close_matches(str(options.keep), KEPT, 1, 0)
        raise _refused("keep", options.keep, f"did you mean {near[0]!r}? There is {KEPT}")
    if options.compiled != "eager":
        raise _refused(
            "compiled",
            options.compiled,
            "compiled graphs cannot be recorded from: leave it out; a compiled model runs uncompiled while "
            "it is recorded, with the same weights",
        )


def _check_wanted(options: Any) -> None:
    modules, names = options.modules, options.locals
    if not (modules is None or callable(modules) or _are_names(modules)):
        raise _refused("modules", modules, "give a pattern, several, or a function of path and module")
    if not (names is None or _are_names(names)):
        raise _refused("locals", names, "give the name of a local, or several")
    if names is not None:
        _check_beside_locals(options)


def _check_beside_locals(options: Any) -> None:
    """Refuse what is said of maps where locals are recorded."""
    for name, without in OF_MAPS.items():
        if (value := getattr(options, name)) != without:
            raise OptionError(
                f"{name}={value!r} was asked for beside locals={options.locals!r}, but it is about attention "
                "maps, in whose place locals are recorded: leave one of them out"
            )


def _check_queries(options: Any) -> None:
    queries = options.queries
    if isinstance(queries, slice):
        ends = (queries.start, queries.stop, queries.step)
        if not all(end is None or isinstance(end, Integral) for end in ends) or (queries.step or 1) < 1:
            raise _refused("queries", queries, "give a slice of whole numbers that steps forward")
    elif not (queries is None or callable(queries) or (isinstance(queries, str) and queries == "last")):
        raise _refused("queries", queries, "give 'last', a slice or a function")
    if options.gradients and queries is not None:
        raise OptionError(
            f"queries={queries!r} was asked for with gradients=True, but gradients are of whole "
            "maps: leave queries= out, and read the rows of the gradient"
        )


def _check_readouts(options: Any) -> None:
    readouts = options.readouts
    if (options.keep == "readouts") != (readouts is not None):
        raise OptionError(
            f"keep={options.keep!r} was asked for with readouts={readouts!r}; they go together, as in "
            "keep='readouts', readouts=['entropy']"
        )
    if isinstance(readouts, Mapping):
        if not readouts or not all(map(callable, readouts.values())):
            raise _refused("readouts", readouts, "give functions of a map by name")
    elif readouts is not None:
        if not readouts or not _are_names(readouts):
            raise _refused("readouts", readouts, "give names of read-outs, or functions of a map by name")
        for name in readouts:
            check_readout(name)


def _check_path(options: Any) -> None:
    if options.path is None:
        for name in ("resume", "inputs"):
            if getattr(options, name):
                raise OptionError(f"{name}=True was asked for, but it is about a path: give path= too")
        return
    if not isinstance(options.path, str | os.PathLike):
        raise _refused("path", options.path, "give the name of a folder that is to be made, or a URL")
    if options.gradients:
        raise OptionError(
            "gradients=True was asked for with path=, but what they need of the graph cannot be stored: "
            "leave path= out, and save the run of the gradients, run.gradients(scalar).save(path)"
        )


def _check_device(device: Any) -> None:
    if device is None:
        return
    if isinstance(device, bool) or not isinstance(device, str | int | torch.device):
        raise _refused("device", device, "give a name such as 'cpu' or 'cuda:0', or a torch.device")
    try:
        torch.empty(0, device=device)
    except Exception as error:
        why = str(error).partition("\n")[0]
        raise _refused("device", device, f"this torch holds nothing there ({why}): give 'cpu'") from error


def _check_dtype(dtype: Any) -> None:
    if dtype is None:
        return
    if not isinstance(dtype, torch.dtype):
        raise _refused("dtype", dtype, "give a torch.dtype, such as torch.float16")
    if not dtype.is_floating_point or dtype.itemsize < torch.float16.itemsize:
        raise _refused("dtype", dtype, "give a floating one that can be computed with, such as torch.float16")


def _are_names(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, Collection) and all(isinstance(one, str) for one in value)
    )


def _refused(name: str, value: Any, what_to_do: str) -> OptionError:
    return OptionError(f"{name}={value!r} was asked for; {what_to_do}")
