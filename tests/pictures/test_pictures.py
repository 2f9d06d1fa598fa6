"""The pictures of docs/plots.md, pixel by pixel: `pytest --mpl`, and to draw them anew
`pytest tests/pictures --mpl-generate-path=docs/images/plots`."""

from types import SimpleNamespace

import numpy as np
import pytest
from tests.pictures import scenery

from visualizer import plots
from visualizer.attention import AttentionMap, Dense
from visualizer.axes import Axis, Frames, Grid, Special, Text
from visualizer.calls import Call


def named(function):
    """Let a picture's file have the function's name without "test_"."""
    name = function.__name__.removeprefix("test_") + ".png"
    return pytest.mark.mpl_image_compare(
        baseline_dir="../../docs/images/plots",
        filename=name,
        style="default",
        savefig_kwargs={"dpi": 130, "metadata": {"Software": None}},
        tolerance=4,
    )(function)


@named
def test_row():
    run = scenery.vision_run(7)
    return plots.row(run, layer="blocks.6.attn", head=1, cell=(3, 7), title="Where a patch of the sun looks")


@named
def test_row_of_text_and_image():
    before, after = Text(["<s>", "What", " is", " red", "?"]), Text([" The", " sun"])
    axis = Axis([before, Grid(*scenery.GRID), after])
    weights = np.full(axis.length, 0.002)
    weights[5:-2] = scenery.patch_maps(scenery.landscape())[0, 0, 1 + 3 * 12 + 7, 1:] * 0.7
    weights[[0, 3, -2]] = 0.08, 0.12, 0.04
    return plots.row(
        weights, axis=axis, image=scenery.landscape(), title="What the answer's next word looks at"
    )


@named
def test_column():
    run = scenery.vision_run(7)
    return plots.column(
        run, layer="blocks.6.attn", head=1, cell=(3, 7), title="Who looks at a patch of the sun"
    )


@named
def test_tokens():
    return plots.tokens(scenery.text_map(), axis=scenery.TEXT, query=11, title="What “red” looks at")


@named
def test_atlas():
    return plots.atlas(scenery.vision_run(6, 8), cells=24, title="All heads")


@named
def test_curves():
    return plots.curves(scenery.vision_run(12, 8))


@named
def test_cross():
    run = scenery.word_maps()
    return plots.cross(run, call=7, words=["sun", "hills", "sea"], title="Which patches look at the word")


@named
def test_cross_of_two_texts():
    logits = 3 * np.eye(6, 7) + scenery.RNG(4).normal(size=(6, 7))
    german, english = "die Sonne geht unter heute .", "the sun goes down behind hills ."
    return plots.cross(scenery.softmax(logits), queries=german.split(), keys=english.split())


@named
def test_steps():
    return plots.steps(scenery.word_maps(), text="sun", calls=[0, 1, 2, 4, 7])


@named
def test_steps_of_a_generation():
    return plots.steps(scenery.generation())


@named
def test_compare():
    run = scenery.vision_run(7)
    first, second = run["blocks.0.attn"], run["blocks.6.attn"]
    names = ("layer 0", "layer 6")
    return plots.compare(first, second, names=names, axis=scenery.AXIS, head=1, cell=(3, 7), image=run.image)


@named
def test_panel():
    images = [scenery.landscape(sun) for sun in (0.25, 0.62)]
    items = [
        [
            image,
            *(scenery.patch_maps(image, 4, sharp)[0, 1, 42, 1:].reshape(8, 12) for sharp in (0.2, 0.5, 1)),
        ]
        for image in images
    ]
    columns = ["input", "layer 0", "layer 3", "layer 6"]
    return plots.panel(items, rows=["left", "right"], columns=columns, images=images)


@named
def test_frames():
    video = np.stack([scenery.landscape(sun) for sun in np.linspace(0.2, 0.7, 8)])
    maps = np.concatenate([scenery.patch_maps(frame)[0, 1, 41, 1:] for frame in video[::2]]) / 4
    axis = Axis([Special("CLS"), Frames(4, *scenery.GRID)])
    return plots.frames(np.append(1 - maps.sum(), maps), axis=axis, image=video)


@named
def test_sampling():
    draw = scenery.RNG(5)
    middle = np.array([0.25, -0.2])
    places = [draw.normal(middle, spread, size=(2, 1, 4, 2)) for spread in (0.12, 0.3)]
    sizes = ((16, 24), (8, 12))
    levels = tuple(SimpleNamespace(places=one, shape=size) for one, size in zip(places, sizes, strict=True))
    weights = scenery.softmax(draw.normal(size=(1, 1, 2, 8)))
    call = Call("decoder.0.cross_attn", AttentionMap(Dense(weights)), 0, 0, "its weights", levels=levels)
    return plots.sampling(call, query=0, image=scenery.landscape(), reference=(0.625, 0.4))


@named
def test_grid_to_grid():
    image = scenery.landscape()
    return plots.grid_to_grid(scenery.patch_maps(image)[0, 1], image, cell=(3, 7), prefix=1)


@named
def test_head():
    return plots.head(scenery.text_map(), tokens=scenery.TEXT)
