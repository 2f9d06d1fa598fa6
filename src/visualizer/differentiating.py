"""Whether a number has gradients with respect to a run's maps: what autograd says in words of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from visualizer.calls import Call
from visualizer.errors import VisualizerError
from visualizer.gradients import map_gradients


def gradients_of(calls: Sequence[Call], scalar: Any, modules: Mapping[int, Any]) -> list[Call]:
    """Return the calls with the gradient of a scalar with respect to each map in the map's place.

    Raises
    ------
    VisualizerError
        If the calls hold no maps, if the scalar does not depend on any, or as for `map_gradients`.
    """
    if any(not hasattr(call.content, "tensor") for call in calls):
        raise VisualizerError(
            "gradients were asked for, but the run holds read-outs or locals in the place of maps: record "
            "with keep='factors' or keep='dense'"
        )
    _check_dependence(calls, scalar)
    return map_gradients(calls, scalar, modules)


def _check_dependence(calls: Sequence[Call], scalar: Any) -> None:
    """Refuse a scalar that no call leads to; where a call has no graph of its own, that cannot be told."""
    anchors = [call.traced and call.traced.anchor for call in calls]
    nodes = {anchor.edge.node for anchor in anchors if anchor is not None}
    if None in anchors or getattr(scalar, "grad_fn", None) is None:
        return
    waiting, seen = [scalar.grad_fn], {scalar.grad_fn}
    while waiting:
        node = waiting.pop()
        if node in nodes:
            return
        following = {one for one, _ in node.next_functions if one is not None} - seen
        seen |= following
        waiting.extend(following)
    raise VisualizerError(
        "gradients were asked for, but the number does not depend on any of the run's calls: give one that "
        "was computed from the output of the model, as it ran while it was recorded"
    )
