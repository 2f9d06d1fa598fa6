"""Autograd's graph, made to reach what is recorded."""

from __future__ import annotations

from typing import Any

import torch


def require_graph(result: Any, *operands: Any) -> None:
    """Have the graph begin at a result before which nothing needs a gradient, as with frozen weights."""
    needed = result.requires_grad or any(operand.requires_grad for operand in operands)
    if torch.is_grad_enabled() and not needed and result.is_floating_point() and not result.is_inference():
        result.requires_grad_()
