"""A guard that keeps a graph which a recording began from breaking the model.

What follows in a frozen model needs gradients then, and some of what may be done to tensors that need none
is an error of those that do: to write into one of several views, or by ``out=``, to hand over to numpy. The
guard does such an operation again without a graph, as it would have been done alone, and notes that it was
cut there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

from visualizer.recorders.stacks import insert_mode, remove_mode


class Guard(TorchFunctionMode):
    """Keeps a graph that a recording began from breaking the model; stands only once there is one."""

    def __init__(self) -> None:
        super().__init__()
        self.sessions = 0
        self.cuts: list[str] = []
        self.root = torch.zeros((), requires_grad=True)
        self.stands = False

    def stand(self) -> None:
        """Begin to guard this thread."""
        if not self.stands:
            insert_mode(self)
            self.stands = True

    def stand_down(self) -> None:
        """End it; on another thread it stays where it is, and does nothing."""
        if self.stands:
            remove_mode(self)
            self.stands = False

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self.call(function, args, kwargs or {})

    def call(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Call a function; if it fails on tensors that need gradients for the recording alone, without."""
        if not self.stands:
            return function(*args, **kwargs)
        try:
            return function(*args, **kwargs)
        except Exception as error:
            given = [one for one in tree_leaves((args, kwargs)) if _needs_gradient(one)]
            if not given or not all(self._began(one) for one in given):
                raise
            why = str(error).partition("\n")[0].rstrip(".")
        result, made = self._without_graph(function, args, kwargs)
        if made:
            self.cuts.append(f"{getattr(function, '__name__', function)} ({why})")
        return result

    def _without_graph(self, function: Callable[..., Any], args: Any, kwargs: Any) -> tuple[Any, bool]:
        """Return what a function gives without a graph, and whether that is tensors."""
        originals: dict[int, Any] = {}

        def plain(value: Any) -> Any:
            if not _needs_gradient(value):
                return value
            bare = value.detach()
            originals[id(bare)] = bare, value
            return bare

        args, kwargs = tree_map(plain, (args, kwargs))
        with torch.no_grad():
            result = function(*args, **kwargs)
        made = any(isinstance(one, torch.Tensor) for one in tree_leaves(result))
        return tree_map(lambda one: originals.get(id(one), (None, one))[1], result), made

    def _began(self, tensor: torch.Tensor) -> bool:
        """Tell whether all that a tensor needs gradients for is where recordings began the graph."""
        try:
            waiting, seen = [tensor.grad_fn], set()
        except RuntimeError:  # a view of several, of which another was written into
            return bool(self.cuts)
        if tensor.is_leaf:
            return False
        while waiting:
            node = waiting.pop()
            if node is None or node in seen:
                continue
            seen.add(node)
            if getattr(node, "variable", self.root) is not self.root:
                return False
            waiting.extend(following for following, _ in node.next_functions)
        return True


def _needs_gradient(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.requires_grad
