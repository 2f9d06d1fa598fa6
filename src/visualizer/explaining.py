"""Why a run is empty, and what to do: what was seen and not recorded, put into a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

SHOWN = 3
NO_QUERY = "queries=, which names none of their queries"
ABANDONED = (
    "the session was let go of before it was stopped, which ended the recording: keep it, as in "
    "session = capture(model), and call session.stop()"
)
SECOND_RUN = "they were a checkpoint's second run, in the backward pass: record the forward pass"


@dataclass
class Seen:
    """What a session saw besides what it recorded.

    Attributes
    ----------
    model
        The model's class; "" where whatever models run are meant.
    begun
        Whether the recording was started.
    abandoned
        Whether the session was let go of before it was stopped.
    started
        How many forwards of the model began; None where that cannot be told.
    stopped_by
        The exception that ended the block, by class.
    locals
        The locals that were wanted in the place of maps.
    left_out
        Calls that the options left out, by option.
    refused
        Calls that cannot be recorded, by reason.
    failed
        What went wrong first when a call was recorded.
    elsewhere
        Calls of modules that are not the model's.
    no_maps
        Softmaxes that were no attention: their results met no activation.
    unlabelled
        Why the tokens of calls were not inferred, and the paths of their modules, by the class that was to
        know them.
    """

    model: str
    begun: bool = True
    abandoned: bool = False
    started: int | None = None
    stopped_by: str = ""
    locals: tuple[str, ...] = ()
    left_out: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    failed: str = ""
    elsewhere: int = 0
    no_maps: Counter[str] = field(default_factory=Counter)
    unlabelled: dict[str, tuple[str, dict[str, Sequence[str]]]] = field(default_factory=dict)

    def explain(self) -> str:
        """Say why nothing was recorded: the first reason that holds."""
        return next(self._reasons())

    def note_unlabelled(self, kind: str, why: str, path: str, sides: Sequence[str]) -> None:
        """Note why queries or keys of calls under a path were not inferred: for each class its first why."""
        if not any(path in paths for _, paths in self.unlabelled.values()):
            self.unlabelled.setdefault(kind, (why, {}))[1][path] = sides

    def refusals(self) -> list[str]:
        """Return a sentence for each reason why calls cannot be recorded."""
        return [f"{_calls(count)} seen but not recorded: {why}" for why, count in self.refused.items()]

    def remarks(self, is_stated: Callable[[str, str], bool]) -> list[str]:
        """Return what is to be said beside a table: a checkpoint's second run is in it as its first.

        Of modules whose tokens were stated since, as is told by path and side, nothing is.
        """
        remarks = [sentence for sentence in self.refusals() if SECOND_RUN not in sentence]
        if count := self.left_out[NO_QUERY]:
            remarks.append(f"{_calls(count)} left out by {NO_QUERY}")
        for why, paths in self.unlabelled.values():
            left = [path for path, sides in paths.items() if not all(is_stated(path, one) for one in sides)]
            remarks += [_unlabelled(why, path) for path in left[:1]]
        return [*remarks, ABANDONED] if self.abandoned else remarks

    def _reasons(self) -> Iterator[str]:
        if not self.begun:
            yield "the recording was not started: enter it, with capture(model) as run, or call its start()"
        if self.abandoned:
            yield ABANDONED
        if self.failed:
            yield f"a call could not be recorded: {self.failed}"
        if self.refused:
            yield "; ".join(self.refusals())
        if self.left_out:
            reasons = ", ".join(f"{count} by {why}" for why, count in self.left_out.items())
            yield f"everything was left out: {reasons}"
        if self.elsewhere:
            yield self._elsewhere()
        if self.started == 0 and not self.no_maps and not self.stopped_by:
            yield self._not_called()
        if self.stopped_by:
            yield f"a {self.stopped_by} ended the block before anything was recorded"
        if self.locals:
            names = " or ".join(f"`{name}`" for name in self.locals)
            yield f"{self._ran}, but none of its forwards bound {names} on the way it took"
        yield self._without_maps()

    @property
    def _ran(self) -> str:
        return f"the {self.model} ran" if self.model else "modules ran"

    def _not_called(self) -> str:
        if not self.model:
            return "no module was called while recording: call a model within the block"
        return (
            f"the {self.model} was not called while recording: call it within the block; if another "
            "method than forward was, it met no softmax or fused attention"
        )

    def _elsewhere(self) -> str:
        if not self.model:
            return (
                f"{_calls(self.elsewhere)} seen that no module made, or one whose lazy parameters were not "
                "there yet: let a torch.nn.Module make them, and run lazy ones once before"
            )
        return (
            f"{_calls(self.elsewhere)} seen of modules that are not this {self.model}'s: give capture "
            "the model that is called, not a copy or a part of it"
        )

    def _without_maps(self) -> str:
        if self.no_maps:
            places = "; ".join(list(self.no_maps)[:SHOWN])
            return (
                f"{self._ran}, and of {sum(self.no_maps.values())} softmaxes none met an activation "
                f"({places}): routers, gates, classifiers and losses are no attention; a local can be "
                "recorded by its name, capture(model, locals='name')"
            )
        return (
            f"{self._ran} without any softmax or fused attention: linear attention, state spaces "
            "and convolutions have no attention map, and replays of CUDA graphs and exported engines are "
            "not seen; other values can be recorded by name, capture(model, locals='name')"
        )


def _unlabelled(why: str, path: str) -> str:
    return f"{why}: run.label({path!r}, axis=[...]) says what they are, or queries=[...] and keys=[...]"


def _calls(count: int) -> str:
    return "1 call was" if count == 1 else f"{count} calls were"
