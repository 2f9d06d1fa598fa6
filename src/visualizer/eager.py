"""`compare_eager`: recorded maps next to those that a model of transformers returns by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from visualizer.calls import Call
from visualizer.errors import CallsError, TargetError
from visualizer.run import Run
from visualizer.session import capture
from visualizer.tables import aligned


class Difference(NamedTuple):
    """How far one call's map is from the model's own: the largest absolute difference, and the mean one."""

    path: str
    number: int
    shape: tuple[int, ...]
    largest: float
    mean: float


@dataclass(frozen=True)
class Comparison(Sequence[Difference]):
    """One `Difference` for each call that the model itself returned, in the order of execution.

    Attributes
    ----------
    rows
        The differences.
    missed
        Number of maps that the model returned, and that no call of the run stands for.
    unreturned
        Number of calls that the model did not return.
    """

    rows: tuple[Difference, ...]
    missed: int
    unreturned: int

    def __getitem__(self, index: Any) -> Any:
        return self.rows[index]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def largest(self) -> float:
        """The largest difference of all."""
        return max((row.largest for row in self.rows), default=0.0)

    def __repr__(self) -> str:
        head = ("path", "call", "shape", "largest", "mean")
        cells = [
            (row.path, str(row.number), str(row.shape), f"{row.largest:.0e}", f"{row.mean:.0e}")
            for row in self.rows
        ]
        said = f"{len(self.rows)} calls compared; {self.unreturned} that the model does not return"
        missed = f"; {self.missed} returned that were not recorded" if self.missed else ""
        return "\n".join([*aligned([head, *cells]), said + missed])


def compare_eager(model: Any, run: Run, *args: Any, **kwargs: Any) -> Comparison:
    """Run a model of transformers once as "eager" and compare the attentions that it returns with a run.

    Agreement shows that the maps are right. A difference may be the kernel's: "eager" is another computation,
    and its outputs differ too. Rows of queries that can see no key (padding) are left out: they are zeros in
    fused kernels and uniform in "eager".

    Parameters
    ----------
    model
        The model that was recorded; it is left as it was found.
    run
        What was recorded of one call of the model.
    args, kwargs
        What the model was called with then.

    Raises
    ------
    TargetError
        If the model cannot be switched to "eager", or returns no attentions then.
    CallsError
        If the run is empty, holds more than one call of the model, or not their whole maps.

    Examples
    --------
    >>> import torch, visualizer
    >>> from transformers import BertConfig, BertModel
    >>> config = BertConfig(vocab_size=9, hidden_size=8, num_hidden_layers=1, num_attention_heads=2)
    >>> model, tokens = BertModel(config).eval(), torch.tensor([[1, 2, 3]])
    >>> with visualizer.capture(model) as run:
    ...     _ = model(tokens)
    >>> visualizer.compare_eager(model, run, tokens).largest < 1e-6
    True
    """
    _check(model, run)
    # the recording says which call each of the returned maps is of
    with _as_eager(model), torch.no_grad(), torch.random.fork_rng(), capture(model) as again:
        output = model(*args, **kwargs, output_attentions=True)
    returned = list(_attentions(output))
    if not returned:
        raise TargetError(
            f"the eager attentions of a {type(model).__name__} were asked for, but it returns none: compare "
            "with a formula, or trust run.check(all=True)"
        )
    return _compared(run, again, returned)


def _check(model: Any, run: Run) -> None:
    if not hasattr(model, "set_attn_implementation"):
        raise TargetError(
            f"the eager attentions of a {type(model).__name__} were asked for, but it is no model of "
            "transformers, which alone return their own: give such a model, or compare with a formula"
        )
    if not len(run):
        raise CallsError(f"a run was to be compared, but it is empty: {run.why_empty()}")
    if any(not hasattr(call.content, "tensor") for call in run):
        raise CallsError(
            "a run was to be compared that holds read-outs or locals in the place of maps: record it with "
            "keep='factors' or keep='dense'"
        )
    if len({(call.item, call.step) for call in run}) > 1:
        raise CallsError(
            "a run of several calls of the model was to be compared: record one call of it alone"
        )


@contextmanager
def _as_eager(model: Any) -> Iterator[None]:
    """Switch all parts of a model to eager attention."""
    configs = {id(config): config for config in _configs(model)}.values()
    before = [(config, config._attn_implementation) for config in configs]  # noqa: SLF001
    try:
        model.set_attn_implementation("eager")
        yield
    finally:
        for config, implementation in before:
            config._attn_implementation_internal = implementation  # noqa: SLF001 - the public one sets parts too


def _configs(model: Any) -> Iterator[Any]:
    waiting = [module.config for module in model.modules() if hasattr(module, "config")]
    while waiting:
        config = waiting.pop()
        if hasattr(config, "_attn_implementation"):
            yield config
            waiting += [getattr(config, name, None) for name in getattr(config, "sub_configs", ())]


def _attentions(output: Any) -> Iterator[torch.Tensor]:
    """Yield the maps (batch, head, query, key) among a model's outputs, those of its parts too."""
    for name, value in output.items():
        if hasattr(value, "items"):
            yield from _attentions(value)
        elif "attentions" in name and isinstance(value, tuple):
            yield from (one for one in value if isinstance(one, torch.Tensor) and one.dim() == 4)


def _compared(run: Run, again: Run, returned: list[torch.Tensor]) -> Comparison:
    theirs = {(call.path, call.number): _same(call, returned) for call in again}
    rows = []
    for call in run:
        own = theirs.get((call.path, call.number))
        if own is not None and call.shape[-2] < own.shape[-2]:
            raise CallsError(
                f"a run with {call.shape[-2]} of {own.shape[-2]} queries was to be compared: record it "
                "without queries="
            )
        if own is not None and call.shape == tuple(own.shape):
            difference = (call.map.tensor().double() - own.double()).abs()[~call.map.masked_rows]
            sizes = float(difference.max()), float(difference.mean())
            rows.append(Difference(call.path, call.number, call.shape, *sizes))
    return Comparison(tuple(rows), len(returned) - len(rows), len(run) - len(rows))


def _same(call: Call, returned: list[torch.Tensor]) -> torch.Tensor | None:
    """Return the returned map that is a call's own, to the last bit."""
    found = call.map.tensor()
    alike = (one for one in returned if one.shape == found.shape and torch.equal(one.float(), found))
    return next(alike, None)
