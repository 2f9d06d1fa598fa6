"""What was looked at in a store: the image, or several, and which part of each the model was given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from visualizer.images import Looked, Seen, seen_box
from visualizer.run import Run


def written_image(run: Run) -> dict[str, Any]:
    """Return a run's image as arrays, and of each what it was said to be, where that is known."""
    seen: Looked = run.seen if isinstance(run.seen, list) else [] if run.seen is None else [run.seen]
    return {"image": _arrays(run.image), "seen": _said(seen)}


def read_image(run: Run, written: Mapping[str, Any]) -> None:
    """Give a run the image that was written; runs of before ``seen`` was written have it without."""
    run.image = image = written.get("image")
    seen = written.get("seen")
    if seen:
        run.look_at(_seen(image, seen if isinstance(image, list) else seen[0]))


def _said(seen: Looked) -> Any:
    """Return what images were said to be, in lists as they are."""
    return (
        [_said(one) for one in seen] if isinstance(seen, list) else {"box": list(seen.box), "note": seen.note}
    )


def _seen(image: Any, said: Any) -> Looked:
    if isinstance(said, list):
        return [_seen(one, of) for one, of in zip(image, said, strict=False)]
    return Seen(image, seen_box(said["box"], image.shape[1], image.shape[0]), str(said["note"]))


def _arrays(image: Any) -> Any:
    """Return an image, or several, as arrays; one of PIL says what it is made of."""
    if isinstance(image, list | tuple):
        return [_arrays(one) for one in image]
    return image if hasattr(image, "dtype") else np.array(image)
