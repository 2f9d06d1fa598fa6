"""What `find` and `capture` begin with: a model is loaded and fed, and each step is shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from visualizer.cli.inputs import Feed, Given
from visualizer.cli.showing import progress


@contextmanager
def fed(model: str, weights: Path | None, given: Given) -> Iterator[Feed]:
    """Yield a model with what it is called with; what goes wrong while it runs is said in one sentence.

    Raises
    ------
    VisualizerError
        If it cannot be loaded, does not take what was given, or fails.
    """
    with progress() as say:
        say(f"loading {model} …")
        from visualizer.cli.models import load_model, running

        subject = load_model(model, weights)
        feed = subject.feed(given)
        say(f"running {model} …")
        with running(subject):
            yield feed
