"""Models of the transformers library, from a folder or the hub."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from visualizer.errors import ModelNotFoundError, require
from visualizer.loading.sources import check_hub, first_sentence, local_folder


def source_of(name: str) -> str:
    """Return what transformers' own loaders call a model, a folder or a name on the hub, once it is there.

    Raises
    ------
    ModelNotFoundError
        If it is not there.
    """
    folder = local_folder(name)
    if folder is None:
        check_hub(name, "hf")
    return str(folder or name)


def load(kind: Any, source: str, **options: Any) -> Any:
    """Load a model, tokenizer or processor with one of the library's classes.

    Raises
    ------
    ModelNotFoundError
        If that fails, with the library's reason.
    """
    try:
        return kind.from_pretrained(source, trust_remote_code=False, **options)
    except Exception as error:  # whatever is wrong with the files, transformers words it
        raise ModelNotFoundError(f"hf:{source} could not be loaded: {first_sentence(error)}") from error


def tokenized(library: Any, source: str, text: str, pair: str | None) -> tuple[Any, Any]:
    """Return a model's tokenizer, and what it makes of one or two sentences: a batch of one.

    Raises
    ------
    ModelNotFoundError
        If it cannot be loaded, or knows no word of the text.
    """
    tokenizer = load(library.AutoTokenizer, source)
    inputs = tokenizer(text, pair, return_tensors="pt", truncation=True)
    if not inputs["input_ids"].numel():
        raise ModelNotFoundError(
            f"{source} holds no tokenizer that knows a word of the text: add its tokenizer files"
        )
    return tokenizer, inputs


def tower_of(model: Any, *, sees: bool) -> Any:
    """Return what reads text, or sees images, of a model that has an encoder for each; else the model.

    A model that generates is asked as a whole.
    """
    if model.can_generate():
        return model
    return getattr(model, "vision_model" if sees else "text_model", model)


@contextmanager
def transformers_library() -> Iterator[Any]:
    """Import transformers for a while without its progress bars, which would break into one's own.

    Raises
    ------
    MissingExtraError
        If it or torch is not installed.
    """
    require("torch", "demo", "A model of transformers")
    with _no_broken_torchvision():
        transformers = require("transformers", "demo", "A model of transformers")
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
