"""Whether a tensor's numbers can be read now. What is said of CUDA graphs was not run on a GPU."""

from __future__ import annotations

import torch


def is_captured(tensor: torch.Tensor) -> bool:
    """Tell whether work on a tensor is being captured into a CUDA graph rather than done."""
    return tensor.is_cuda and torch.cuda.is_current_stream_capturing()


def is_symbolic(tensor: torch.Tensor) -> bool:
    """Tell whether a tensor stands for any size in a trace: whoever compares its sizes narrows the trace."""
    return bool(tensor._has_symbolic_sizes_strides)  # noqa: SLF001  # torch has no other name for it


def is_readable(tensor: torch.Tensor) -> bool:
    """Tell whether a tensor has numbers that may be read.

    Examples
    --------
    >>> is_readable(torch.ones(2)), is_readable(torch.ones(2, device="meta"))
    (True, False)
    """
    return not tensor.is_meta and not is_captured(tensor)
