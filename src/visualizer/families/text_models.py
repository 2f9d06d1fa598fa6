"""transformers' text models: the ids that they were given, and those that an encoder was given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from visualizer.axes import Ids, Segment, Special
from visualizer.families.layouts import Choice, Given, Layout, reads
from visualizer.families.written import Lay, Other, as_written

BESIDE = ("pixel_values", "pixel_values_videos", "input_features", "input_values", "bbox")
"""What a model may be given beside ids: which of its modules see which, is not known of all."""


@reads("transformers", "PreTrainedModel")
def text(module: Any, given: Given) -> Layout | None:  # as all
    """Ids among themselves; in cross-attention, from ids to what the encoder read."""
    written = as_written(given, started(module.config, given))
    if written is None or any(given.get(name) is not None for name in BESIDE):
        return None
    return Layout(
        Choice(written, written, cross=False),
        Choice(written, given.tokens_of(given.get("encoder_hidden_states")), cross=True),
        output=Other(written),
    )


def started(config: Any, given: Given) -> Lay | None:
    """Return what names the token that a decoder begins with, where its id is that of another, as padding's.

    None where an encoder reads, a decoder goes on, or that token has a name of its own.
    """
    start = getattr(config, "decoder_start_token_id", None)
    others = [getattr(config, f"{name}_token_id", None) for name in ("pad", "bos", "eos")]
    if start is None or start not in others or given.get("encoder_hidden_states") is None:
        return None
    cache = given.get("past_key_values")
    if cache is not None and (not hasattr(cache, "get_seq_length") or int(cache.get_seq_length())):
        return None

    def lay(rows: Sequence[Sequence[int]]) -> list[list[Segment]]:
        return [begun(row, start) for row in rows]

    return lay


def begun(row: Sequence[int], start: int) -> list[Segment]:
    """Return ids with the first one named; not where the second is the same, as padding from the left is."""
    if row[0] != start or row[1:2] == [start]:
        return [Ids(row)]
    return [Special("start"), *([Ids(row[1:])] if row[1:] else [])]
