"""The whole demo: what is read, what is drawn of it, and how it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from visualizer.demo.pictures import Picture, draw_image, draw_overview, draw_scene_readings, draw_text
from visualizer.demo.readings import Given, ImageReading, TextReading
from visualizer.errors import ModelNotFoundError, VisualizerError, require

Say = Callable[[str], None]

# In this layer of the packaged BERT, this head looks for the same word in the other sentence.
TWINS = (2, 9)
# In this layer of the packaged vision transformer, CLS looks at the card the most.
ON_THE_CARD = 1


def draw_gallery(model: str | None, given: Given, say: Say) -> Iterator[Picture]:
    """Yield the demo's pictures, each as soon as it is drawn.

    Parameters
    ----------
    model
        ``timm:NAME`` or ``hf:NAME``; None for the two packaged models.
    given
        What the model reads.
    say
        Called with a few words at the start of each step.

    Raises
    ------
    MissingExtraError
        If a package that the demo needs is not installed.
    ModelNotFoundError
        If the model cannot be loaded.
    TargetError
        If it has no attention maps that the demo can find.
    VisualizerError
        If the model does not read what was given.
    """
    _refuse(given.text is None and given.text_pair is not None, "--text-pair needs --text beside it")
    say("loading torch and matplotlib …")
    require("torch", "demo", "The demo")
    require("matplotlib", "demo", "The demo")
    yield from _draw_packaged(given, say) if model is None else _draw_other(model, given, say)


def write_picture(picture: Picture, folder: Path) -> Path:
    """Write a picture into a folder that exists, whole or not at all, and return its path.

    Raises
    ------
    VisualizerError
        If it cannot be written.
    """
    path = folder / picture.name
    unfinished = folder / f".{picture.name}.part"
    try:
        picture.figure.savefig(unfinished, format="png")
        unfinished.replace(path)
    except OSError as error:
        raise VisualizerError(f"The picture {path} cannot be written: {error.strerror or error}") from None
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def _draw_packaged(given: Given, say: Say) -> Iterator[Picture]:
    from visualizer.demo.digits import read_scenes
    from visualizer.demo.hf import read_with_bert

    example = "--model timm:vit_tiny_patch16_224"
    _refuse(given.image is not None, f"--image needs a --model that reads it, such as {example}")
    say("a vision transformer reads scenes of digits …")
    scenes = read_scenes(4)
    say("loading BERT; it reads two sentences …")
    text = read_with_bert(given)
    say("drawing …")
    own_text = given.text is not None
    if not own_text:
        yield draw_overview(text, TWINS, scenes, ON_THE_CARD)
    yield from draw_text(text, None if own_text else TWINS)
    yield draw_scene_readings(scenes, ON_THE_CARD)
    yield from draw_image(scenes[0], ON_THE_CARD)


def _draw_other(model: str, given: Given, say: Say) -> Iterator[Picture]:
    say(f"loading {model}; it reads …")
    reading = _read(model, given)
    say("drawing …")
    if isinstance(reading, TextReading):
        _refuse(given.image is not None, f"--image was given, but {model} reads text: give --text")
        yield from draw_text(reading)
    else:
        _refuse(given.text is not None, f"--text was given, but {model} reads images: give --image")
        yield from draw_image(reading)


def _read(model: str, given: Given) -> TextReading | ImageReading:
    from visualizer.demo.hf import read_with_hf
    from visualizer.demo.timm_models import read_with_timm

    kind, _, name = model.partition(":")
    if kind not in {"hf", "timm"} or not name:
        raise ModelNotFoundError(
            f"--model takes timm:NAME, hf:NAME or a folder as in hf:/path/to/it, not {model!r}"
        )
    return read_with_hf(name, given) if kind == "hf" else read_with_timm(name, given)


def _refuse(wrong: bool, message: str) -> None:
    if wrong:
        raise VisualizerError(message)
