"""What a model is fed: of what the user gave, what the model is called with."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from visualizer.errors import OptionError, VisualizerError, require
from visualizer.loading.sources import first_sentence

TEXT = "The old bridge over the river is made of stone."
SHAPE = re.compile(r"(\d+(?:x\d+)*)(?::(\d+))?")


@dataclass(frozen=True)
class Given:
    """What the user gave.

    Attributes
    ----------
    text, text_pair
        One or two sentences.
    image
        A picture's file.
    arrays
        A file of arrays: ``.npy``, ``.npz`` or ``.safetensors``.
    random
        A shape, ``1x3x224x224``, of numbers from 0 to 1; ``1x16:100``, of whole numbers below 100.
    """

    text: str | None = None
    text_pair: str | None = None
    image: Path | None = None
    arrays: Path | None = None
    random: str | None = None

    def __post_init__(self) -> None:
        if self.text_pair is not None and self.text is None:
            raise OptionError("--text-pair needs --text beside it")
        if self.text is not None and not self.text.strip():
            raise OptionError("--text is empty: give what the model is to read, or leave it out")
        if self.text_pair is not None and self.image is not None:
            raise OptionError("--text-pair and --image were given: give one of them beside --text")
        ways = [self.text or self.image, self.arrays, self.random]
        if sum(way is not None for way in ways) > 1:
            raise OptionError("--text and --image, --input, --random: give the model one of them to read")

    @property
    def prepared(self) -> bool:
        """Whether the input is what the model takes already."""
        return self.arrays is not None or self.random is not None


@dataclass(frozen=True)
class Feed:
    """What is called, and with what.

    Attributes
    ----------
    model
        The model, or the part of it that reads what was given.
    args, kwargs
        Its arguments.
    tokenizer, ids
        What made ids of text, and the ids (token,), where the model reads one text.
    image
        What it saw, (row, column, channel) in [0, 1].
    """

    model: Any
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    tokenizer: Any = None
    ids: Any = None
    image: Any = None


def feed_arrays(name: str, model: Any, given: Given) -> Feed:
    """Feed a model what is prepared already.

    Raises
    ------
    VisualizerError
        If it is not given, or cannot be read.
    """
    if given.random is not None:
        return Feed(model, (_random(given.random),))
    if given.arrays is None:
        raise OptionError(f"{name} takes what is prepared for it: --input file.npz, or --random 1x3x224x224")
    arrays = _read_arrays(given.arrays)
    numbered = [key for key in arrays if re.fullmatch(r"(arr_)?\d+", key)]
    return Feed(model, tuple(arrays.pop(key) for key in sorted(numbered)), arrays)


def feed_pixels(name: str, timm: Any, model: Any, given: Given) -> Feed:
    """Feed a timm model an image, as it was trained to see; noise where none is given."""
    from visualizer.demo.images import as_seen

    if given.prepared:
        return feed_arrays(name, model, given)
    if given.text is not None:
        raise OptionError(f"--text was given, but {name} reads images: give --image")
    image = _image(given.image)
    settings = timm.data.resolve_model_data_config(model)
    pixels = timm.data.create_transform(**settings, is_training=False)(image)[None]
    return Feed(model, (pixels,), image=as_seen(pixels, settings["mean"], settings["std"]))


def feed_transformers(name: str, model: Any, source: str, given: Given) -> Feed:
    """Feed a transformers model text, an image, or both; a sentence or noise where nothing is given."""
    from visualizer.loading.hf_models import load, tokenized, tower_of, transformers_library

    if given.prepared:
        return feed_arrays(name, model, given)
    sees = model.main_input_name == "pixel_values"
    if sees and given.text is not None and given.image is None:
        raise OptionError(f"--text was given, but {name} reads images: give --image")
    with transformers_library() as library:
        if given.text is not None and given.image is not None:
            image, processor = _image(given.image), load(library.AutoProcessor, source)
            if not hasattr(processor, "image_processor"):
                raise OptionError(f"--image was given, but {name} reads text alone: leave it out")
            inputs = processor(text=[given.text], images=image, return_tensors="pt")
            tokenizer, ids = getattr(processor, "tokenizer", None), inputs["input_ids"][0]
            seen = _seen(inputs["pixel_values"], processor.image_processor, image)
            return Feed(model, (), _with_start(model, inputs), tokenizer, ids, seen)
        if sees or given.image is not None:
            image = _image(given.image)
            processor = load(library.AutoImageProcessor, source)
            inputs = processor(images=image, return_tensors="pt")
            seen = _seen(inputs["pixel_values"], processor, image)
            return Feed(tower_of(model, sees=True), (), {**inputs}, image=seen)
        tokenizer, inputs = tokenized(library, source, given.text or TEXT, given.text_pair)
        kwargs, ids = _with_start(model, inputs), inputs["input_ids"][0]
        return Feed(tower_of(model, sees=False), (), kwargs, tokenizer, ids)


def _seen(pixels: Any, processor: Any, image: Any) -> Any:
    """Return what the model saw; where that is no image but its patches or parts, the whole image."""
    from visualizer.demo.images import as_seen

    if pixels.ndim != 4:
        return image
    return as_seen(pixels, getattr(processor, "image_mean", None), getattr(processor, "image_std", None))


def _with_start(model: Any, inputs: Any) -> dict[str, Any]:
    """Add the token that a decoder begins with, where there is one beside the encoder."""
    import torch

    if not model.config.is_encoder_decoder:
        return {**inputs}
    start = model.config.decoder_start_token_id
    start = model.config.pad_token_id if start is None else start
    return {**inputs, "decoder_input_ids": torch.tensor([[start or 0]])}


def _image(path: Path | None) -> Any:
    import numpy as np

    from visualizer.demo.images import load_image

    if path is not None:
        return load_image(path)
    noise = np.random.default_rng(0).integers(256, size=(224, 224, 3), dtype=np.uint8)
    return require("PIL.Image", "demo", "Making an image").fromarray(noise)


def _random(shape: str) -> Any:
    import torch

    match = SHAPE.fullmatch(shape)
    if match is None:
        raise OptionError(f"--random takes a shape such as 1x3x224x224, or 1x16:100 for ids, not {shape!r}")
    sizes = tuple(map(int, match[1].split("x")))
    generator = torch.Generator().manual_seed(0)
    try:
        if match[2]:
            return torch.randint(int(match[2]), sizes, generator=generator)
        return torch.rand(sizes, generator=generator)
    except RuntimeError as error:  # no number is below 0, no memory is large enough
        raise OptionError(f"--random {shape} cannot be made: {first_sentence(error)}") from None


def _read_arrays(path: Path) -> dict[str, Any]:
    """Return a file's arrays as tensors, by name."""
    import numpy as np
    import torch

    try:
        if path.suffix == ".safetensors":
            return dict(require("safetensors.torch", "demo", "Reading safetensors").load_file(path))
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                return {name: torch.from_numpy(array) for name, array in arrays.items()}
        if path.suffix == ".npy":
            return {"0": torch.from_numpy(np.load(path, allow_pickle=False))}
    except OSError as error:
        raise VisualizerError(f"The input {path} could not be read: {error.strerror or error}") from None
    except Exception as error:  # whatever is wrong with the file, its library words it
        raise VisualizerError(f"The input {path} could not be read: {first_sentence(error)}") from error
    raise OptionError(f"--input takes a file .npy, .npz or .safetensors, not {path}")


def label(run: Any, feed: Feed) -> None:
    """Say in a run what its tokens are and what was seen, of what the model was fed."""
    run.image = feed.image
    if feed.tokenizer is None or not len(run):
        return
    known = any(call.axes for call in run)
    run.label(tokenizer=feed.tokenizer, input_ids=None if known else feed.ids)
