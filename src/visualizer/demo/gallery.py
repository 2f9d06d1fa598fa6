"""The whole demo: what is read, what is drawn of it, and how it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

from visualizer.demo.choices import Choice
from visualizer.demo.folders import whole_file
from visualizer.demo.pages import Page, page_of
from visualizer.demo.pictures import Picture, draw_image, draw_overview, draw_scene_readings, draw_text
from visualizer.demo.readings import Given, ImageReading, TextReading
from visualizer.errors import ModelNotFoundError, OptionError, VisualizerError, require

Say = Callable[[str], None]

# In this layer of the packaged BERT, this head looks for the same word in the other sentence.
TWINS = (2, 9)
# In this layer of the packaged vision transformer, CLS looks at the card the most.
ON_THE_CARD = 1


def draw_gallery(
    model: str | None, given: Given, choice: Choice, say: Say, note: Say
) -> Iterator[Picture | Page]:
    """Yield the demo's pictures, each as soon as it is drawn, then its pages.

    Parameters
    ----------
    model
        ``timm:NAME`` or ``hf:NAME``; None for the two packaged models.
    given
        What the model reads.
    choice
        What is drawn of it. Of the packaged models, one that does not have it is left out.
    say
        Called with a few words at the start of each step.
    note
        Called with a sentence on what was left out.

    Raises
    ------
    MissingExtraError
        If a package that the demo needs is not installed.
    ModelNotFoundError
        If the model cannot be loaded.
    TargetError
        If it has no attention maps that the demo can find.
    OptionError
        If it does not have the layer or head chosen.
    VisualizerError
        If the model does not read what was given.
    """
    _refuse(given.text is None and given.text_pair is not None, "--text-pair needs --text beside it")
    say("loading torch and matplotlib …")
    require("torch", "demo", "The demo")
    require("matplotlib", "demo", "The demo")
    if model is None:
        yield from _draw_packaged(given, choice, say, note)
    else:
        yield from _draw_other(model, given, choice, say)


def write(shown: Picture | Page, folder: Path) -> Path:
    """Write a picture or a page into a folder that exists, whole or not at all, and return its path.

    Raises
    ------
    VisualizerError
        If it cannot be written.
    """
    path = folder / shown.name
    with whole_file(path, "The picture" if isinstance(shown, Picture) else "The page") as unfinished:
        if isinstance(shown, Picture):
            shown.figure.savefig(unfinished, format="png")
        else:
            shown.run.to_html(unfinished)
    return path


def _draw_packaged(given: Given, choice: Choice, say: Say, note: Say) -> Iterator[Picture | Page]:
    from visualizer.demo.digits import read_scenes
    from visualizer.demo.hf import read_with_bert

    example = "--model timm:vit_tiny_patch16_224"
    _refuse(given.image is not None, f"--image needs a --model that reads it, such as {example}")
    say("a vision transformer reads scenes of digits …")
    scenes = read_scenes(4)
    say("loading BERT; it reads two sentences …")
    text = read_with_bert(given)
    say("drawing …")
    own = given.text is not None or not choice.open
    if not own:
        yield draw_overview(text, TWINS, scenes, ON_THE_CARD)
    yield from _draw_fitting(
        note,
        draw_text(text, choice if own else Choice(*TWINS)),
        chain(draw_scene_readings(scenes, choice, ON_THE_CARD), draw_image(scenes[0], choice, ON_THE_CARD)),
    )
    say("writing pages …")
    yield page_of(text)
    yield page_of(scenes[0])


def _draw_fitting(note: Say, *drawings: Iterator[Picture]) -> Iterator[Picture]:
    """Yield the pictures of those models that have what was chosen; note why others are left out.

    Raises
    ------
    OptionError
        If none has it.
    """
    problems = []
    for drawing in drawings:
        try:
            yield from drawing
        except OptionError as error:
            problems.append(str(error))
    if len(problems) == len(drawings):
        raise OptionError("; ".join(problems))
    for problem in problems:
        note(f"Left out: {problem}.")


def _draw_other(model: str, given: Given, choice: Choice, say: Say) -> Iterator[Picture | Page]:
    say(f"loading {model}; it reads …")
    reading = _read(model, given)
    say("drawing …")
    if isinstance(reading, TextReading):
        _refuse(given.image is not None, f"--image was given, but {model} reads text: give --text")
        yield from draw_text(reading, choice)
    else:
        _refuse(given.text is not None, f"--text was given, but {model} reads images: give --image")
        yield from draw_image(reading, choice)
    yield page_of(reading)


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
