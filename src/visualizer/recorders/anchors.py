"""Places in autograd's graph, which stay where they are when a tensor is written into."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


class Anchor:
    """A place in the graph: where a tensor that needs gradients is now, whatever is written into it later."""

    def __init__(self, tensor: torch.Tensor) -> None:
        with torch.enable_grad():
            self._end: Any = _Hold.apply(tensor)  # type: ignore[no-untyped-call]  # keeps the graph alive

    @property
    def edge(self) -> Any:
        """What `torch.autograd.grad` takes in the tensor's place."""
        return torch.autograd.graph.GradientEdge(*self._end.grad_fn.next_functions[0])

    def hook(self, take: Callable[[torch.Tensor], None]) -> Any:
        """Have a function called with the gradient at this place; the handle removes it."""
        node, number = self._end.grad_fn.next_functions[0]

        def hear(gradients: Any) -> None:
            if gradients[number] is not None:
                take(gradients[number])

        return node.register_prehook(hear)


def anchored(traced: Any) -> Anchor | None:
    """Return where a tensor is in the graph, None where it is not; what is anchored already stays."""
    if isinstance(traced, torch.Tensor):
        return Anchor(traced) if traced.requires_grad else None
    return traced  # type: ignore[no-any-return]


class _Hold(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tensor: torch.Tensor) -> torch.Tensor:  # noqa: ARG004
        return tensor.new_empty(0)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:  # noqa: ARG004
        return None
