"""transformers' text models: the ids that they were given, and those that an encoder was given."""

from __future__ import annotations

from typing import Any

from visualizer.families.layouts import Choice, Given, Layout, reads
from visualizer.families.written import Other, as_written

BESIDE = ("pixel_values", "pixel_values_videos", "input_features", "input_values", "bbox")
"""What a model may be given beside ids: which of its modules see which, is not known of all."""


@reads("transformers", "PreTrainedModel")
def text(module: Any, given: Given) -> Layout | None:  # noqa: ARG001  # as all
    """Ids among themselves; in cross-attention, from ids to what the encoder read."""
    written = as_written(given)
    if written is None or any(given.get(name) is not None for name in BESIDE):
        return None
    return Layout(
        Choice(written, written, cross=False),
        Choice(written, given.tokens_of(given.get("encoder_hidden_states")), cross=True),
        output=Other(written),
    )
