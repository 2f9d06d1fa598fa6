"""What captions say of a map: where it is from, whose row it is, what was checked; and what panels share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from visualizer.calls import Call
from visualizer.run import Run

ORIGIN = ("layer", "head", "call", "row", "item")  # what is told in one sentence


@dataclass(frozen=True)
class Facts:
    """What is known of a map, by what it is, such as layer, head and query; and the calls that it is of.

    Examples
    --------
    >>> Facts({"head": "head 1 of 4", "query": "token 3"}).sentences
    ['Head 1 of 4.', 'Query (row): token 3.']
    """

    said: Mapping[str, str] = field(default_factory=dict)
    calls: tuple[Call, ...] = ()

    def and_(self, **said: str) -> Facts:
        """Return what is known with more, or other things."""
        return Facts({**self.said, **{name: one for name, one in said.items() if one}}, self.calls)

    @property
    def whence(self) -> list[str]:
        """Where it is from, a sentence or none."""
        origin = ", ".join(self.said[name] for name in ORIGIN if name in self.said)
        return [f"{origin[0].upper()}{origin[1:]}."] if origin else []

    @property
    def whose(self) -> list[str]:
        """Whose row or column it is, a sentence or none."""
        if "key" in self.said:
            return [f"Key (column): {self.said['key']}: who looks at it."]
        return [f"Query (row): {self.said['query']}."] if "query" in self.said else []

    @property
    def checked(self) -> list[str]:
        """What the self-check found, a sentence or none."""
        return [_check(self.calls)] if self.calls else []

    @property
    def sentences(self) -> list[str]:
        """All of it."""
        return [*self.whence, *self.whose, *self.checked]


def shared(facts: Sequence[Facts]) -> Facts:
    """Return what all have in common, and the calls of all.

    Examples
    --------
    >>> shared([Facts({"head": head, "query": "token 3"}) for head in ("head 0", "head 1")]).said
    {'query': 'token 3'}
    """
    first, *others = [one.said for one in facts]
    said = {name: one for name, one in first.items() if all(other.get(name) == one for other in others)}
    calls = {id(call): call for one in facts for call in one.calls}
    return Facts(said, tuple(calls.values()))


def layer_name(path: str) -> str:
    """Return what a caption calls a layer."""
    return f"layer {path}" if path else "the model itself"


def _check(calls: Sequence[Call]) -> str:
    errors = [float(call.error) for call in calls if call.error is not None]
    if len(errors) == len(calls) == 1:
        return f"Self-check: some rows times v gave the layer's own output, error {errors[0]:.0e}."
    if errors:
        return f"Self-check: {Run(calls).checks}."
    if all(call.how == "an array" for call in calls):
        return "Self-check: none, an array was given."
    formed = all(call.formed for call in calls)
    return "Self-check: the model's own array." if formed else "Self-check: none."
