"""Whether the first axis of what a module attends with is its batch, or holds its heads too."""

from __future__ import annotations

from math import prod
from typing import Any

import torch

from visualizer.recorders.crossing import frames_of


def holds_heads(rows: int, queries: int, heads: int, module: Any) -> bool | None:
    """Tell whether ``rows`` are batch · heads of a module, by the first tensor that its forward was given.

    Heads may be looped over instead, and then the rows are the batch. None where neither or both may be.
    """
    frame = next((one for one in frames_of(module) if one.f_code.co_name == "forward"), None)
    given = frame.f_locals.values() if frame is not None else ()
    first = next((one for one in given if isinstance(one, torch.Tensor)), None)
    if first is None or first.dim() < 3:
        return None
    batch, *tokens, _ = first.shape
    # (batch, token, …), (batch, row, column, …) or (token, batch, …)
    ways = {(batch, prod(tokens)), (prod(tokens), batch)}
    together, apart = (rows // heads, queries) in ways, (rows, queries) in ways
    return together if together != apart else None
