"""`find`: what could be captured of a model, what not, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from visualizer.escaping import visible
from visualizer.options import Options
from visualizer.session import Session


@dataclass
class Findings:
    """What one forward of a model showed.

    Attributes
    ----------
    taken
        (module path, how it would be recorded, shape) of each attention call, in the order of execution.
    left
        Softmaxes that are no attention, with how often each was seen: their results met no activation.
    refused
        Calls that cannot be recorded, by reason.
    reason
        Where nothing was taken: why.
    """

    taken: list[tuple[str, str, tuple[int, ...]]] = field(default_factory=list)
    left: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    reason: str = ""

    def __repr__(self) -> str:
        lines = [f"{len(self.taken)} attention calls can be captured"]
        lines += [
            f"  {visible(path) or '(the model)'}  {shape}  {visible(how)}" for path, how, shape in self.taken
        ]
        lines += [f"nothing: {visible(self.reason)}"] if self.reason else []
        for title, group in (("left, as they met no activation", self.left), ("refused", self.refused)):
            lines += (
                [title, *(f"  {visible(what)}  ({count}x)" for what, count in group.items())] if group else []
            )
        return "\n".join(lines)


def find(model: Any, *args: Any, **kwargs: Any) -> Findings:
    """Run a model once and say what could be captured, what not, and why; no map is kept.

    Parameters
    ----------
    model
        A `torch.nn.Module`.
    args, kwargs
        What the model is called with.

    Returns
    -------
    Findings
        What was taken and what was left; print it.

    Raises
    ------
    TargetError
        If ``model`` is no module.

    Examples
    --------
    >>> import torch
    >>> layer = torch.nn.TransformerEncoderLayer(8, 2, batch_first=True)
    >>> find(layer, torch.randn(1, 5, 8)).taken
    [('self_attn', 'scaled_dot_product_attention', (1, 2, 5, 5))]
    """
    import torch

    session = Session(
        model, Options(keep="readouts", readouts={"shape": lambda a: tuple(a.shape)}, check=False)
    )
    with torch.no_grad(), session as run:
        model(*args, **kwargs)
    return Findings(
        taken=[(call.path, call.how, call.content["shape"]) for call in run],
        left=dict(session.seen.no_maps),
        refused=dict(session.seen.refused),
        reason="" if len(run) else run.why_empty(),
    )
