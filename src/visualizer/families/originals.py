"""Models as their authors published them: OpenAI's Whisper and CLIP, open_clip's texts, DETR's objects, Swin.

They are known by the names of their files or classes too, wherever these were copied to.
"""

from __future__ import annotations

from typing import Any

from visualizer.axes import Grid, Special, Windows
from visualizer.families.layouts import Choice, Given, Layout, as_side, both, reads
from visualizer.families.written import as_written


@reads("whisper", "TextDecoder")
def whisper_decoder(module: Any, given: Given) -> Layout | None:  # noqa: ARG001  # as all
    """Ids among themselves, and looking at the sound."""
    if (written := as_written(given, named="x")) is None:
        return None
    heard = Choice(written, given.tokens_of(given["xa"]), "*.cross_attn")
    return Layout(Choice(written, written, "*.attn"), heard)


@reads("*", "SwinTransformerBlock")
def swin(module: Any, given: Given) -> Layout | None:  # noqa: ARG001  # as all
    """Windows of a feature map of a size of its own, which whole windows fill."""
    if not hasattr(module, "input_resolution"):
        return None
    grid, window = module.input_resolution, module.window_size
    return Layout(both([Windows(tuple(grid), (window, window), (module.shift_size,) * 2)], "attn"))


@reads("clip", "CLIP", methods=("encode_text",))
@reads("open_clip", "CLIP", methods=("encode_text",))
@reads("open_clip", "TextTransformer")
def clip_text(module: Any, given: Given) -> Layout | None:  # noqa: ARG001  # as all
    """Ids among themselves."""
    written = as_written(given, named="text")
    return Layout(Choice(written, written, "*transformer.*")) if written is not None else None


@reads("transformer", "Transformer")
def detr(module: Any, given: Given) -> Layout | None:  # noqa: ARG001  # as all
    """Cells of a feature map (batch, channel, row, column), and object queries that look at them."""
    features, objects = given.get("src"), given.get("query_embed")
    if objects is None or features.dim() != 4:
        return None
    grid = [Grid(*features.shape[-2:])]
    queries = [Special("object query") for _ in range(len(objects))]
    looking = Choice(as_side(queries), as_side(grid), "decoder.*.multihead_attn")
    return Layout(both(grid, "encoder.*"), both(queries, "decoder.*.self_attn"), looking)
