"""What `find` and `capture` begin with: a model is loaded and fed, and each step is shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from visualizer.cli.inputs import Feed, Given
from visualizer.cli.showing import progress

if TYPE_CHECKING:
    from visualizer.cli.models import Wanted


@contextmanager
def fed(wanted: Wanted, given: Given) -> Iterator[Feed]:
    """Yield a model with what it is called with; what goes wrong while it runs is said in one sentence.

    Raises
    ------
    VisualizerError
        If it cannot be loaded, does not take what was given, or fails.
    """
    with progress() as say:
        say(f"loading {wanted.name} …")
        from visualizer.cli.models import load_model, running

        subject = load_model(wanted)
        feed = subject.feed(given)
        say(f"running {wanted.name} …")
        with running(subject):
            yield feed
