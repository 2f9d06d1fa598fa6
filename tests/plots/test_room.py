"""In every picture, as narrow as a column and as wide as a page, each text has its room."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.text import Text as Written

import visualizer as viz
from visualizer import plots
from visualizer.attention import AttentionMap, Dense
from visualizer.axes import Axis, Frames, Grid, Special, Text, Time, Volume
from visualizer.calls import Call
from visualizer.run import Run

RNG = np.random.default_rng(0)
IMAGE = RNG.random((40, 60, 3))
TEXT = "The quick brown fox , internationalisation and übermäßig λόγος in one sentence here .".split()
SCENE = Axis([Special("CLS"), Special("R1"), Grid(4, 6)])
WIDTHS = ["acl", "column", "page"]


def maps(*shape, keys, sharp=1.0):
    return RNG.dirichlet(np.full(keys, sharp), size=shape)


def vision(layers, heads, path="model.vision_tower.blocks.{}.attn"):
    run = viz.from_arrays({path.format(n): maps(1, heads, 26, keys=26) for n in range(layers)}, image=IMAGE)
    return run.label(axis=SCENE)


def generation(steps=6, layers=1):
    sizes = [(3, 3), *((1, keys) for keys in range(4, 3 + steps))]
    calls = [
        Call(
            f"layers.{n}.attn",
            AttentionMap(Dense(maps(1, 1, queries, keys=keys))),
            number,
            number,
            "a kernel",
        )
        for number, (queries, keys) in enumerate(sizes)
        for n in range(layers)
    ]
    return Run(calls)


def words(calls):
    made = [AttentionMap(Dense(maps(1, 1, 24, keys=4))) for _ in range(calls)]
    run = Run([Call("mid.attn2", one, n, n, "a kernel") for n, one in enumerate(made)])
    run.image = IMAGE
    return run.label(queries=Grid(4, 6), keys=["a", "sun", "internationalisation", "mer"])


def sampled(**options):
    places = [RNG.normal(0, 0.3, size=(2, 1, 4, 2)) for _ in range(2)]
    levels = tuple(SimpleNamespace(places=one, shape=(8, 12)) for one in places)
    call = Call("decoder.0.cross", AttentionMap(Dense(maps(1, 1, 2, keys=8))), 0, 0, "weights", levels=levels)
    return plots.sampling(call, query=0, image=IMAGE, reference=(0.5, 0.4), **options)


def mixed(**options):
    axis = Axis([Text(TEXT), Grid(4, 6), Time(40, 8.0), Text(["a", " word"])])
    return plots.row(maps(keys=axis.length), axis=axis, image=IMAGE, **options)


def small(run, factor):
    """A read-out whose numbers are small, so that they are written with many digits."""
    return lambda map_: map_.numpy().max(-1) * factor


def cells(run, heads, **options):
    each = [[(run, {"layer": path, "head": n, "cell": (1, 2)}) for path in run.paths] for n in range(heads)]
    return plots.panel(
        [[IMAGE, *line] for line in each], rows=[f"the head {n}" for n in range(heads)], **options
    )


RUN = vision(3, 2)
PICTURES = {
    "a row": lambda **o: plots.row(RUN, layer=RUN.paths[1], head=1, cell=(2, 3), **o),
    "a row of many things": mixed,
    "a row of one token": lambda **o: plots.row([1.0], axis=["word"], **o),
    "a row of numbers": lambda **o: plots.row(maps(200, keys=200), query=7, **o),
    "a long row": lambda **o: plots.row(maps(keys=2000, sharp=0.01), axis=["word"] * 2000, **o),
    "time": lambda **o: plots.row(maps(keys=30) * 1e-4, axis=Time(30, 15.0), **o),
    "tokens": lambda **o: plots.tokens(maps(14, keys=14), axis=TEXT, query=3, **o),
    "small weights": lambda **o: plots.tokens(maps(14, keys=14) * 1e-4, axis=TEXT, query=3, **o),
    "frames": lambda **o: plots.frames(maps(keys=96), axis=Frames(4, 4, 6), **o),
    "slices": lambda **o: plots.volume(maps(keys=96), axis=Volume(4, 4, 6), **o),
    "an atlas": lambda **o: plots.atlas(RUN, **o),
    "an atlas of many heads": lambda **o: plots.atlas(vision(2, 100), cells=4, **o),
    "an atlas of very many": lambda **o: plots.atlas(vision(40, 100), cells=4, **o),
    "an atlas of many layers": lambda **o: plots.atlas(vision(40, 2), cells=4, **o),
    "curves": lambda **o: plots.curves(RUN, **o),
    "curves of small numbers": lambda **o: plots.curves(RUN, small(RUN, 1e-4), **o),
    "curves of many layers": lambda **o: plots.curves(vision(60, 2, "a.very.long.path.{}.of.attention"), **o),
    "curves of groups": lambda **o: plots.curves(
        RUN, "mass", groups={"class": 0, "patches": slice(2, None)}, **o
    ),
    "curves over calls": lambda **o: plots.curves(generation(40, 3), over="calls", **o),
    "words": lambda **o: plots.cross(words(1), **o),
    "two texts": lambda **o: plots.cross(maps(5, keys=14), queries=list("abcde"), keys=TEXT, **o),
    "steps": lambda **o: plots.steps(words(20), text="sun", **o),
    "steps of a generation": lambda **o: plots.steps(generation(), **o),
    "a difference": lambda **o: plots.compare(*maps(2, 14, keys=14), axis=TEXT, **o),
    "a difference of a row": lambda **o: plots.compare(
        *maps(2, 26, keys=26), axis=SCENE, query=3, image=IMAGE, **o
    ),
    "sampling": sampled,
    "a panel": lambda **o: cells(RUN, 2, **o),
    "a panel of many": lambda **o: cells(vision(7, 4), 4, **o),
    "panels of their own scales": lambda **o: plots.panel(list(maps(2, 3, keys=4)), share_scale=False, **o),
}


def drawn_texts(figure):
    """The texts that are drawn: of axes that are not switched off, and of their ticks those in sight."""
    figure.draw_without_rendering()
    found = {text for text in figure.findobj(Written) if text.get_visible() and text.get_text().strip()}
    for axes in figure.findobj(Axes):
        for axis in (axes.xaxis, axes.yaxis):
            found -= set(labels(axis, [*axis.majorTicks, *axis.minorTicks])) | {axis.label}
            if axes.axison:
                seen = [*labels(axis, axis._update_ticks()), axis.label]  # noqa: SLF001  # else unseen ticks count
                found |= {text for text in seen if text.get_visible() and text.get_text().strip()}
    return sorted(found, key=Written.get_text)


def labels(axis, ticks):
    return [label for tick in ticks for label in (tick.label1, tick.label2)] + [axis.offsetText]


def box(text):
    return text.get_window_extent()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PICTURES)
def test_no_text_leaves_the_page_or_lies_on_another(name, width):
    figure = PICTURES[name](width=width, title="A title of some words")
    texts, page = drawn_texts(figure), figure.bbox.padded(1)
    assert len(texts) >= 3
    assert figure.get_figwidth() == pytest.approx(plots.asking.WIDTHS[width])
    for text in texts:
        corners = box(text).corners()
        assert all(page.contains(*corner) for corner in corners), f"{text.get_text()!r} leaves the page"
    for number, one in enumerate(texts):
        for other in texts[number + 1 :]:
            meeting = box(one).padded(-1).overlaps(box(other).padded(-1))
            assert not meeting, f"{one.get_text()!r} lies on {other.get_text()!r}"
