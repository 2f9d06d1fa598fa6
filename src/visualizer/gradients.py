"""Gradients with respect to attention maps: dL/dA of every recorded call, lazy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from visualizer.attention import AttentionMap, Dense, LowRank
from visualizer.calls import Call
from visualizer.errors import VisualizerError
from visualizer.recorders.anchors import anchored
from visualizer.recorders.installation import INSTALLATION, Found
from visualizer.recorders.spread import own_part
from visualizer.recorders.traced import checkpoint_run, known_tensor


def map_gradients(calls: Sequence[Call], scalar: Any, modules: Mapping[int, Any]) -> list[Call]:
    """Return the calls with the gradient of a scalar with respect to each map in the map's place.

    For a fused call ``dL/dA = dL/dO vᵀ``, a product of two narrow factors that is never formed; for a map
    that the model formed itself it is autograd's own. No ``.grad`` is touched.

    Raises
    ------
    VisualizerError
        If the calls were recorded without ``gradients=True``, without a graph or with dropout, or if the
        scalar is none or does not depend on them.
    """
    _check(calls, scalar)
    anchors = [call.traced.anchor for call in calls]
    with _explained():
        if None in anchors:
            found = _through_checkpoints(calls, scalar, modules)
        else:
            edges = [anchor.edge for anchor in anchors]
            found = list(torch.autograd.grad(scalar, edges, retain_graph=True, allow_unused=True))
    return [_with_gradient(call, gradient) for call, gradient in zip(calls, found, strict=True)]


@contextmanager
def _explained() -> Iterator[None]:
    """Say whose error it is when autograd cannot go back."""
    try:
        yield
    except (RuntimeError, NotImplementedError) as error:
        if "a second time" in str(error):
            raise VisualizerError(
                "gradients were asked for, but a backward pass has freed the number's graph: ask before it, "
                "or call backward(retain_graph=True)"
            ) from error
        raise VisualizerError(
            f"gradients were asked for, but autograd cannot go back through the model: {error}"
        ) from error


def _check(calls: Sequence[Call], scalar: Any) -> None:
    if not isinstance(scalar, torch.Tensor) or scalar.numel() != 1:
        shape = (
            f"of shape {tuple(scalar.shape)}" if isinstance(scalar, torch.Tensor) else type(scalar).__name__
        )
        raise VisualizerError(f"gradients of one number were asked for, but it is {shape}: give loss.sum()")
    for call in calls:
        if call.traced is None:
            raise VisualizerError(
                "gradients were asked for, but the calls were recorded without what they need: "
                "capture(model, gradients=True)"
            )
        if call.traced.cut_by:
            raise VisualizerError(
                f"the gradient of {call.path or 'the model'} was asked for, but autograd has no gradient of "
                f"what the model did later, {call.traced.cut_by}: have it do that in another way, or ask for "
                "the gradients of later calls, run[n:].gradients"
            )
        if call.traced.anchor is None and "native" in call.how:
            raise VisualizerError(
                f"the gradient of {call.path or 'the model'} was asked for, but it ran as torch's native "
                "attention, one operator without a graph: call torch.backends.mha.set_fastpath_enabled(False)"
            )
        if call.traced.dropout:
            raise VisualizerError(
                f"the gradient of {call.path or 'the model'} was asked for, but it ran with dropout "
                f"{call.traced.dropout}, and fused kernels do not give the mask that they dropped by: use "
                "model.eval()"
            )
    if not scalar.requires_grad:
        raise VisualizerError(
            "gradients were asked for, but the number has no graph: call the model outside torch.no_grad() "
            "and inference_mode, within capture(model, gradients=True)"
        )


def _with_gradient(call: Call, gradient: torch.Tensor | None) -> Call:
    if gradient is None:
        gradient = call.traced.zeros()
    gradient = own_part(gradient, call.traced.layout)
    if call.traced.arrange is not None:
        gradient = call.traced.arrange(gradient)
    value = call.traced.value
    if value is None:
        if call.traced.order is not None:
            gradient = gradient.permute(call.traced.order)[..., call.traced.keys]
        made = AttentionMap(Dense(gradient.reshape(call.shape), signed=True))
    else:
        made = AttentionMap(LowRank(gradient.reshape(*call.shape[:-1], value.shape[-1]), value))
    return replace(call, content=made, traced=None, error=None, how="the gradient of " + call.how)


class _Recompute:
    """Listens while checkpoints run their forwards again, and takes the gradients of those calls."""

    def __init__(self, calls: Sequence[Call], modules: Mapping[int, Any]) -> None:
        self.modules = modules
        self.owner = 0
        self.gradients: list[torch.Tensor | None] = [None] * len(calls)
        self._waiting = dict(enumerate(calls))
        self._problem: Exception | None = None

    @property
    def wants_gradients(self) -> bool:
        """The graph reaches a checkpoint's second run by itself."""
        return True

    def hear(self, found: Found) -> None:
        """Take what is computed again."""
        what = found.what
        anchor = anchored(known_tensor(what))
        if anchor is None or found.place.module not in self.modules:
            return
        run = checkpoint_run()
        alike = [
            (call.traced.run != run, number)  # those that this checkpoint ran come first, in their order
            for number, call in self._waiting.items()
            if call.traced.module == found.place.module and call.traced.is_of(what)
        ]
        if alike:
            number = min(alike)[1]
            del self._waiting[number]
            anchor.hook(partial(self.take, number))

    def left(self, candidate: Any) -> None:
        """Do not mind what was no map."""

    def failed(self, error: Exception) -> None:
        """Remember the first error."""
        self._problem = self._problem or error

    def check(self) -> None:
        """Raise an error for calls that autograd has not seen, which is not to have no influence."""
        for call in self._waiting.values():
            if call.traced.is_seen_late:
                raise VisualizerError(
                    f"the gradient of {call.path or 'the model'} was asked for, but its result was written "
                    "into before autograd saw it, or is a view: have the model make a new tensor there"
                )
            if call.traced.anchor is None:
                raise VisualizerError(
                    f"the gradient of {call.path or 'the model'} was asked for, but its forward ran without "
                    "a graph (torch.no_grad, inference_mode, an autograd.Function of its own; with frozen "
                    "weights also a checkpoint or another thread, unless the model's inputs need gradients)"
                ) from self._problem

    def take(self, number: int, gradient: torch.Tensor) -> None:
        """Keep the gradient at a call's place."""
        self.gradients[number] = gradient.detach()


def _through_checkpoints(calls: Sequence[Call], scalar: Any, modules: Mapping[int, Any]) -> list[Any]:
    """Run the backward pass itself: reentrant checkpoints give gradients to nothing less."""
    listener = _Recompute(calls, modules)
    taken = [
        call.traced.anchor.hook(partial(listener.take, number))
        for number, call in enumerate(calls)
        if call.traced.anchor is not None
    ]
    try:
        INSTALLATION.join(listener)
        with _grads_put_back(scalar, modules):
            scalar.backward(retain_graph=True)
    finally:
        INSTALLATION.leave(listener)
        for handle in taken:
            handle.remove()
    listener.check()
    return listener.gradients


@contextmanager
def _grads_put_back(scalar: Any, modules: Mapping[int, Any]) -> Iterator[None]:
    """Put back every ``.grad`` that the backward pass reaches."""
    leaves = {id(leaf): leaf for leaf in (*_leaves(scalar), *_parameters(modules))}
    before = {key: leaf.grad for key, leaf in leaves.items()}
    for leaf in leaves.values():
        leaf.grad = None
    try:
        yield
    finally:
        for key, leaf in leaves.items():
            leaf.grad = before[key]


def _parameters(modules: Mapping[int, Any]) -> Iterator[Any]:
    for module in modules.values():
        yield from module.parameters(recurse=False)


def _leaves(scalar: Any) -> Iterator[Any]:
    waiting, seen = [scalar.grad_fn], set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            yield node.variable
        waiting.extend(following for following, _ in node.next_functions)
