"""Where a model runs and in which precision, and its inputs with it."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import Any

from visualizer.cli.inputs import Feed
from visualizer.errors import OptionError, VisualizerError
from visualizer.loading.sources import first_sentence


class Precision(str, Enum):
    """Floating-point numbers that a model can be made of."""

    float64 = "float64"
    float32 = "float32"
    float16 = "float16"
    bfloat16 = "bfloat16"


def check_device(device: str | None) -> None:
    """Refuse a device that is not there, before a model is loaded for minutes.

    Raises
    ------
    OptionError
        If torch cannot put anything on it.
    """
    import torch

    try:
        torch.empty(1, device=device).cpu()
    except Exception as error:  # each backend has its own
        raise OptionError(
            f"--device {device} was asked for, but torch has nothing there ({first_sentence(error)}): "
            "give cpu, cuda, cuda:1, mps or another that is there"
        ) from error


def place(model: Any, device: str | None, precision: Precision | None) -> None:
    """Move a model to a device, and its numbers into a precision.

    Raises
    ------
    VisualizerError
        If it cannot, such as a model that is quantised, or where memory is short.
    """
    import torch

    wanted = {"device": device, "dtype": None if precision is None else getattr(torch, precision.value)}
    wanted = {name: one for name, one in wanted.items() if one is not None}
    try:
        model.to(**wanted) if wanted else None
    except Exception as error:  # what the model and the backend word is open
        what = " ".join(f"--{name} {str(one).removeprefix('torch.')}" for name, one in wanted.items())
        raise VisualizerError(f"The model cannot be had with {what}: {first_sentence(error)}") from error


def fitted(feed: Feed) -> Feed:
    """Return what a model is called with on its own device, floats in its own precision."""
    tensors = [*feed.model.parameters(), *feed.model.buffers()]
    device = next((one.device for one in tensors), None)
    dtype = next((one.dtype for one in tensors if one.is_floating_point()), None)

    def fit(value: Any) -> Any:
        if not hasattr(value, "is_floating_point"):
            return value
        return value.to(device=device, dtype=dtype if value.is_floating_point() else None)

    kwargs = {name: fit(value) for name, value in feed.kwargs.items()}
    return replace(feed, args=tuple(map(fit, feed.args)), kwargs=kwargs)
