"""What is on screen leaves the page as a file with a caption, or as the Python call that draws it."""

import io
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image
from tests.viewer.signed import gradients_of
from tests.viewer.surfaces import centres

import visualizer
from visualizer import plots
from visualizer.attention import AttentionMap, Dense
from visualizer.axes import Axis, Grid, Special, Text
from visualizer.calls import Call
from visualizer.errors import OptionError
from visualizer.plots.asking import Options
from visualizer.plots.rows import row_of
from visualizer.run import Run
from visualizer.viewer import serve
from visualizer.viewer.answering import answers
from visualizer.viewer.payload import Payload

SVG = "{http://www.w3.org/2000/svg}"
WORDS = ["[CLS]", "the", "cat", "sat", "on", "a", "black", "mat", "</svg>", "[SEP]"]


@pytest.fixture(scope="module")
def run():
    random = np.random.default_rng(1)
    weights = random.dirichlet(np.full(10, 0.3), size=(3, 1, 4, 10))
    maps = {f"layer.{number}": one for number, one in enumerate(weights)}
    return visualizer.from_arrays(maps, tokens=WORDS)


@pytest.fixture(scope="module")
def pictures():
    """A run over patches."""
    weights = np.random.default_rng(2).dirichlet(np.ones(13), size=(1, 2, 13))
    run = visualizer.from_arrays({"blocks.0.attn": weights})
    return run.label(axis=Axis((Special("CLS"), Grid(3, 4)))).label(image=np.full((30, 40, 3), 99, np.uint8))


@pytest.fixture(scope="module")
def sentences():
    """A run over a pair of sentences: five parts."""
    axis = Axis(
        (Special("[CLS]"), Text(["le", "chat"]), Special("[SEP]"), Text(WORDS[1:8]), Special("[SEP]"))
    )
    weights = np.random.default_rng(5).dirichlet(np.full(12, 0.4), size=(2, 1, 3, 12))
    return visualizer.from_arrays({"a": weights[0], "b": weights[1]}).label(axis=axis)


def saved(page, button):
    """What a button of the page saves."""
    if not page.locator(".export[open]").count():
        page.locator(".export summary").click()
    with page.expect_download() as download:
        page.get_by_role("button", name=button, exact=True).click()
    return Path(download.value.path()).read_bytes()


def pixels_of(canvas):
    """The colours of a canvas, (height, width, 3)."""
    read = "c => [c.height, c.width, ...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"
    height, width, *data = canvas.evaluate(read)
    return np.array(data).reshape(height, width, 4)[..., :3]


def opened(open_page, run, tmp_path, state, **options):
    run.to_html(tmp_path / "run.html")
    page = open_page(f"{(tmp_path / 'run.html').as_uri()}#{state}", **options)
    page.locator("[data-ready=true], table.top td, .card canvas, .difference td").first.wait_for()
    return page


def test_an_svg_has_text_as_text_the_map_as_pixels_and_the_caption(built, open_page, run, tmp_path):
    page = opened(open_page, run, tmp_path, "view=head&at=1.0.2&query=3&mass=0.9", color_scheme="dark")
    root = ET.fromstring(saved(page, "SVG"))
    texts = [one.text for one in root.iter(f"{SVG}text")]
    assert texts.count("</svg>") >= 3  # beside the matrix, above it, and in the line of tokens
    caption = " ".join(texts)
    for words in ("layer.1", "head 2 of 4", "query: token 3, “sat”", "sqrt scale, 0 to", "mass shown: 9",
                  "not compared with the model's output", "row = query, column = key"):  # fmt: skip
        assert words in caption
    assert root[0].get("fill") == "#fff"
    assert all(one.get("href").startswith("data:image/png;base64,") for one in root.iter(f"{SVG}image"))
    assert max(float(one.get("width")) for one in root.iter(f"{SVG}image")) > 300


@pytest.mark.parametrize("view", ["atlas", "head", "heads", "compare"])
def test_a_png_is_dark_on_white_and_finer_than_the_screen(built, open_page, run, tmp_path, view):
    page = opened(open_page, run, tmp_path, f"view={view}", color_scheme="dark")
    picture = Image.open(io.BytesIO(saved(page, "PNG"))).convert("RGB")
    written = ET.fromstring(saved(page, "SVG"))
    assert picture.size == tuple(3 * float(written.get(side)) for side in ("width", "height"))
    edge = np.asarray(picture)[:6]
    assert (edge == 255).all()


ACCENT, HIT = (11, 98, 196), (194, 24, 91)


@pytest.mark.parametrize("view", ["head", "compare"])
def test_arcs_and_the_lines_of_tokens_are_in_both_files(built, open_page, run, tmp_path, view):
    state = f"view={view}&at=1.0.2&query=3&arcs=true&find=black&sinks=off"
    page = opened(open_page, run, tmp_path, state, color_scheme="dark")
    arcs = page.locator(".arcs path")
    arcs.first.wait_for(state="attached")
    root = ET.fromstring(saved(page, "SVG"))
    pixels = np.asarray(Image.open(io.BytesIO(saved(page, "PNG"))).convert("RGB")).astype(int)
    paths = list(root.iter(f"{SVG}path"))
    assert [one.get("d") for one in paths] == arcs.evaluate_all(
        "all => all.map(one => one.getAttribute('d'))"
    )
    x, y = (float(one) for one in re.findall(r"[\d.]+", paths[0].get("transform")))
    from_x, from_y, _, lift, to_x, _, _, to_y = (
        float(one) for one in re.findall(r"-?[\d.]+", paths[0].get("d"))
    )
    texts = list(root.iter(f"{SVG}text"))
    beginnings = [
        0 <= x + from_x - float(one.get("x")) <= float(one.get("textLength"))
        and 0 < float(one.get("y")) - y - from_y < 30
        for one in texts
        if one.text == "sat"
    ]
    assert any(beginnings)
    middle = (x + (from_x + to_x) / 2, y + (from_y + 6 * lift + to_y) / 8)
    assert np.abs(pixels[round(3 * middle[1]), round(3 * middle[0])] - ACCENT).max() <= 3
    rects = [one for one in root.iter(f"{SVG}rect") if 0 < float(one.get("height")) <= 2]
    assert [one.get("fill") for one in rects].count(f"rgb{HIT}") == len(page.locator(".token.hit").all())
    assert (np.abs(pixels - HIT).max(-1) <= 3).any()
    struck = [one for one in texts if through(rects, one)]
    assert {one.text for one in struck} == {"[CLS]"}
    assert len(struck) == page.locator(".token.gone").count()


def through(rects, text):
    """The lines that lie on the letters of a text."""
    x, y, width = (float(text.get(name)) for name in ("x", "y", "textLength"))
    size = float(text.get("font-size"))
    return [
        one
        for one in rects
        if abs(float(one.get("x")) - x) < 1
        and abs(float(one.get("width")) - width) < 1
        and y - 0.7 * size < float(one.get("y")) < y
    ]


LEFT_OUT = ("click", "place", "choose", "keep", "pin", "zoom", "×", "arcs", "find", "→")


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("of", ["run", "pictures", "sentences"])
def test_a_figure_has_no_controls_and_no_room_where_they_were(built, open_page, request, tmp_path, of, width):
    state = "view=head&query=3&find=sat&kept=2.5&key=1" if of == "run" else "view=head&query=3&kept=2&key=1"
    run = request.getfixturevalue(of)
    page = opened(open_page, run, tmp_path, state, viewport={"width": width, "height": 700})
    page.locator(".pins .card").first.wait_for()
    root = ET.fromstring(saved(page, "SVG"))
    said = " ".join(one.text for one in root.iter(f"{SVG}text"))
    assert [one for one in LEFT_OUT if one in said] == []
    assert "a cell is one weight; sqrt scale, 0 to" in said.replace("\n", " ")
    spans = sorted(span_of(one) for one in list(root)[1:])
    reached = 0
    for top, bottom in spans:
        assert top - reached < 45  # where a bar of buttons was it is more
        reached = max(reached, bottom)


def span_of(part):
    """From where to where down the page a part of a figure is."""
    y = float(part.get("y"))
    if part.tag == f"{SVG}text":
        size = float(part.get("font-size"))
        turned = float(part.get("textLength")) if part.get("transform") else size
        return y - turned, y
    return y, y + float(part.get("height"))


def test_tokens_that_were_scrolled_away_are_shaded_in_the_file(built, open_page, tmp_path):
    tokens = [f"word{number}" for number in range(2000)]
    weights = np.full((1, 2, 2000, 2000), 1e-6, np.float32)
    weights[..., 1990] = 0.9
    page = opened(open_page, visualizer.from_arrays({"a": weights}, tokens=tokens), tmp_path, "view=head")
    root = ET.fromstring(saved(page, "SVG"))
    shades = [one for one in root.iter(f"{SVG}rect") if one.get("fill") == "rgb(245, 140, 30)"]
    assert "0.85" in [one.get("fill-opacity") for one in shades]


@pytest.fixture(scope="module")
def generations():
    """Two of one module, each of two steps."""
    random = np.random.default_rng(3)
    calls = []
    for number in range(4):
        sequence, step = divmod(number, 2)
        weights = random.dirichlet(np.ones(3 + step), size=(1, 2, 1 if step else 3))
        calls.append(Call("a", AttentionMap(Dense(weights)), number, number, "given", sequence=sequence))
    return Run(calls)


@pytest.mark.parametrize("view", ["atlas", "head", "heads", "compare"])
@pytest.mark.parametrize("of", [pytest.param("run", marks=pytest.mark.long), "pictures", "generations"])
def test_a_served_page_saves_what_the_copied_call_draws(built, open_page, request, view, of):
    run = request.getfixturevalue(of)
    at = "1.0.1" if of == "generations" else "0.0.1"
    kind = "PDF of the row" if view == "head" else "PDF"
    compare_served(open_page, run, f"view={view}&at={at}&query=2&scale=log", kind)


@pytest.mark.parametrize(
    ("of", "state"),
    [
        ("pictures", "look=column&key=5&sinks=off&mass=0.8"),
        ("pictures", "look=column&key=0&part=1.0"),
        ("pictures", "query=4&part=0.1&sinks=off"),
        ("sentences", "look=column&key=2&part=3.0"),
        ("sentences", "query=2&part=1.3&mass=0.6&sinks=off"),
        ("generations", "at=1.0.1&look=column&key=3"),
        ("last", "query=1"),
        ("last", "look=column&key=4&part=0.0"),
    ],
)
def test_a_served_page_saves_columns_and_parts_as_the_copied_call_draws_them(
    built, open_page, request, of, state
):
    kind = "PDF of the column" if "column" in state else "PDF of the row"
    compare_served(open_page, request.getfixturevalue(of), f"view=head&{state}", kind)


@pytest.fixture(scope="module")
def last():
    """A generation of which the last query of each step was kept."""
    random = np.random.default_rng(6)
    maps = [AttentionMap(Dense(random.dirichlet(np.ones(keys), size=(1, 2, 1)))) for keys in (4, 5, 6)]
    return Run([Call("a", one, number, number, "given") for number, one in enumerate(maps)])


def compare_served(open_page, run, state, button):
    """Check that a served page saves the bytes that the copied call writes."""
    with serve(run) as server:
        page = open_page(f"{server.url}#{state}")
        page.locator(".export summary").click()
        page.get_by_role("button", name="Copy as Python").click()
        call = page.get_by_label("The Python call").input_value().strip().splitlines()[-1]
        found = saved(page, button)
    figure = eval(call, {"plots": visualizer.plots, "run": run})
    file = io.BytesIO()
    figure.savefig(file, format="pdf", metadata={"CreationDate": None})
    assert found == file.getvalue()
    assert found.startswith(b"%PDF")


def test_the_call_loads_a_run_from_where_it_lies(built, open_page, run, tmp_path):
    run.save(tmp_path / "a.zarr")
    page = opened(open_page, visualizer.load(tmp_path / "a.zarr"), tmp_path, "view=head&query=4&at=2.0.1")
    page.locator(".export summary").click()
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")
    page.get_by_role("button", name="Copy as Python").click()
    names = {}
    exec(page.get_by_label("The Python call").input_value(), names)
    assert "copy it from here" in page.locator(".export output").inner_text()
    assert names["run"].paths == run.paths


def test_the_same_picture_is_the_same_bytes_in_each_format(run):
    request = {"kind": "figure", "picture": "head", "of": '[[0, {"layer": "layer.0", "head": 1}]]'}
    for kind in ("png", "svg", "pdf"):
        one, again = (answers(Payload(run), request | {"options": "{}", "format": kind}) for _ in "ab")
        assert one == again
        assert one.shape == (len(one.data),)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"picture": "__init__"}, "picture '__init__' was asked for as 'pdf'"),
        ({"format": "exe"}, "as 'exe'"),
        ({"of": "[[7, {}]]"}, "map 7 was asked for"),
        ({"of": "[0]"}, r"give \[map, options\]"),
        ({"of": "{"}, "give a JSON list"),
        ({"of": "[[0, {}], [0, {}]]"}, "row of 2 maps"),
        ({"options": '{"ax": 1}'}, "'ax' was asked for"),
        (
            {"picture": "compare", "of": "[[0, {}], [0, {}]]", "options": '{"names": 3}'},
            "give two, of the first",
        ),
        ({"options": '{"query": 99, "head": 0}'}, "99"),
        ({"options": '{"query": 1, "head": 0, "part": ["a", 1]}'}, "give an int, a slice"),
    ],
)
def test_a_wrong_request_is_one_sentence(run, wrong, message):
    request = {"kind": "figure", "picture": "row", "of": '[[0, {"layer": "layer.0"}]]', "options": "{}"}
    with pytest.raises((OptionError, visualizer.errors.ShapeError), match=message):
        answers(Payload(run), request | {"format": "pdf"} | wrong)


def copied(page, run):
    """The figures of the calls that a page gives."""
    if not page.locator(".export[open]").count():
        page.locator(".export summary").click()
    page.get_by_role("button", name="Copy as Python").click()
    text = page.get_by_label("The Python call").input_value()
    calls = [line for line in text.splitlines() if line.startswith("plots.")]
    return [eval(call, {"plots": visualizer.plots, "run": run}) for call in calls]


KEPT = ["", "&sinks=off", "&mass=0.7", "&sinks=off&mass=0.7"]


@pytest.mark.parametrize("kept", KEPT)
def test_the_call_of_all_heads_over_text_has_the_colours_of_the_screen(built, open_page, run, tmp_path, kept):
    page = opened(open_page, run, tmp_path, f"view=heads&at=1.0.0&query=3{kept}")
    page.locator(".ribbon canvas").nth(3).wait_for()
    (figure,) = copied(page, run)
    strips = figure.axes[0].images[0]
    wanted = strips.cmap(strips.norm(strips.get_array()), bytes=True)
    for head, canvas in enumerate(page.locator(".ribbon canvas").all()):
        pixels = canvas.evaluate("c => [...c.getContext('2d').getImageData(0, 0, c.width, 1).data]")
        found = np.array(pixels).reshape(10, 4)
        there = ~np.ma.getmaskarray(strips.get_array())[head]
        assert (found[~there, 3] == 0).all()
        assert np.abs(found[there, :3].astype(int) - wanted[head, there, :3]).max() <= 3  # a step of 256
    assert np.ma.getmaskarray(strips.get_array()).any() == ("sinks" in kept)


@pytest.mark.parametrize("kept", KEPT)
def test_the_call_of_a_row_of_text_has_the_shades_of_the_screen(built, open_page, run, tmp_path, kept):
    page = opened(open_page, run, tmp_path, f"view=head&at=2.0.1&query=4&pinned=true{kept}")
    _, figure = copied(page, run)
    shades = page.locator(".surfaces .token").evaluate_all(
        "all => all.map(one => [+one.style.getPropertyValue('--weight'), one.classList.contains('gone')])"
    )
    chips = [one for one in figure.axes[0].patches if one.get_facecolor()[3]][: len(shades)]
    table = mpl.colormaps["Blues"](np.arange(256))
    for (shade, gone), chip in zip(shades, chips, strict=True):
        assert gone == bool(chip.get_hatch())
        if not gone:
            step = np.abs(table - chip.get_facecolor()).sum(1).argmin() / 255
            assert step == pytest.approx(shade, abs=0.012)


@pytest.mark.parametrize("kept", KEPT)
@pytest.mark.parametrize("view", ["head", "heads"])
def test_the_call_over_an_image_has_the_numbers_of_the_screen(
    built, open_page, pictures, tmp_path, view, kept
):
    page = opened(open_page, pictures, tmp_path, f"view={view}&at=0.0.1&query=5&scale=linear{kept}")
    figure = copied(page, pictures)[-1]
    cells = [one for axes in figure.axes for one in axes.images if one.get_array().shape == (3, 4)]
    if view == "head":
        shown = [float(one) for one in page.locator("table.top td").all_inner_texts()]
        words = [] if "off" in kept else [float(pictures[0].map[0, 1, 5, 0])]
        drawn = np.concatenate([cells[-1].get_array().ravel(), words])
        wanted = -np.sort(-drawn[drawn > 0])[:8]
        np.testing.assert_allclose(shown[: len(wanted)], wanted[: len(shown)], atol=1e-3)
        return
    assert len(cells) == 2
    for canvas, one in zip(page.locator(".card .cells canvas").all(), cells, strict=True):
        colours = one.cmap(one.norm(one.get_array()), bytes=True)[..., :3]
        found = centres(canvas, 3, 4)
        wanted = np.round(0.7 * colours + 0.3 * 99)
        wanted.reshape(-1, 3)[4] = found.reshape(-1, 3)[4]  # the query's own cell has a frame
        assert np.abs(found - wanted).max() <= 4


@pytest.mark.parametrize("scale", ["linear", "sqrt"])
@pytest.mark.parametrize("kept", ["", "&sinks=off"])
def test_the_call_of_a_difference_has_the_shades_and_the_words_of_the_screen(
    built, open_page, run, tmp_path, scale, kept
):
    page = opened(open_page, run, tmp_path, f"view=compare&at=2.0.1&query=4&scale={scale}{kept}")
    (figure,) = copied(page, run)
    shades = page.locator(".difference-surface .token").evaluate_all(
        "all => all.map(one => (one.matches('.below') ? -1 : 1) * one.style.getPropertyValue('--weight'))"
    )
    chips = [one for one in figure.axes[0].patches if one.get_facecolor()[3]][: len(shades)]
    table = mpl.colormaps["RdBu_r"](np.arange(256))
    for shade, chip in zip(shades, chips, strict=True):
        if not chip.get_hatch():
            step = np.abs(table - chip.get_facecolor()).sum(1).argmin() / 255
            assert 2 * step - 1 == pytest.approx(shade, abs=0.02)
    heading = page.locator(".difference-surface h3").inner_text()
    caption = " ".join(one.get_text() for one in figure.texts).replace("\n", " ")
    assert f"{heading}: red is more in B, blue in A. B: head 2 of 4. A: head 1 of 4." in caption
    assert ("Square-root" if scale == "sqrt" else "Linear") in caption


LOOKS = [
    "look=column&key=5",
    "look=column&key=9&mass=0.6&sinks=off",
    "part=0.3",
    "part=0.1&sinks=off&mass=0.7",
]


@pytest.mark.parametrize("look", [*LOOKS, "look=column&key=5&part=3.0"])
def test_the_call_of_a_column_or_a_part_of_text_has_the_shades_of_the_screen(
    built, open_page, sentences, tmp_path, look
):
    page = opened(open_page, sentences, tmp_path, f"view=head&at=1.0.1&query=2&pinned=true&{look}")
    _, figure = copied(page, sentences)
    tokens = page.locator(".surfaces .token:not(.outside)")
    shades = tokens.evaluate_all(
        "all => all.map(one => [+one.style.getPropertyValue('--weight'), one.classList.contains('gone')])"
    )
    words = [one.strip() for one in tokens.all_inner_texts()]
    assert len(words) == {"part=0.3": 7, "part=0.1": 2}.get(
        look.partition("&")[0], 7 if "part" in look else 12
    )
    axes = figure.axes[0]
    assert [one.get_text() for one in axes.texts][-len(words) :] == words
    chips = [one for one in axes.patches if one.get_facecolor()[3]][: len(words)]
    table = mpl.colormaps["Blues"](np.arange(256))
    for (shade, gone), chip in zip(shades, chips, strict=True):
        assert not gone
        step = np.abs(table - chip.get_facecolor()).sum(1).argmin() / 255
        assert step == pytest.approx(shade, abs=0.012)


@pytest.mark.parametrize(
    "look", ["look=column&key=5", "part=0.1", "part=0.1&sinks=off", "look=column&key=0&part=1.0"]
)
def test_the_call_of_a_column_or_a_part_over_an_image_says_the_numbers_of_the_screen(
    built, open_page, pictures, tmp_path, look
):
    page = opened(open_page, pictures, tmp_path, f"view=head&at=0.0.1&query=5&scale=linear&{look}")
    figure = copied(page, pictures)[-1]
    weights = pictures[0].map[0, 1].numpy()
    line = weights[:, int(look[-1]) if "part" not in look else 0] if "column" in look else weights[5].copy()
    if "sinks" in look:
        line[1:] /= 1 - line[0]
    cells = next(one for axes in figure.axes for one in axes.images if one.get_array().shape == (3, 4))
    np.testing.assert_allclose(cells.get_array().ravel(), line[1:], rtol=1e-6)
    shown = [float(one) for one in page.locator("table.top td").all_inner_texts()]
    drawn = line if "part" not in look else line[1:]
    np.testing.assert_allclose(shown, -np.sort(-drawn)[:8], atol=1e-3)
    strip, caption = page.locator("[data-strip]").inner_text(), figure.texts[-1].get_text().replace("\n", " ")
    if "part" in look:
        share = line[1:].sum() if "sinks" in look else line[1:].sum() / line.sum()
        way = "column" if "column" in look else "row"
        told = strip.partition(f"% of the {way} is in the part")[0].split()[-1]
        assert float(told) == pytest.approx(100 * share, abs=0.06)
        assert f"{share:.3g} of the {way} is in the part that is looked at, tokens 1 to 12." in caption
    else:
        assert "key: token 5" in strip
        assert "Key (column): token 5" in caption


@pytest.mark.parametrize("sequence", [0, 1])
def test_the_call_of_the_atlas_has_the_generation_of_the_screen(
    built, open_page, generations, tmp_path, sequence
):
    page = opened(open_page, generations, tmp_path, f"view=atlas&at={sequence}.0.0")
    (figure,) = copied(page, generations)
    image = figure.axes[0].images[0]
    wanted = image.cmap(image.norm(image.get_array()), bytes=True)[..., :3]
    for head, canvas in enumerate(page.locator(".thumb canvas").all()):
        tile = wanted[4:32:8, 33 * head + 4 : 33 * head + 32 : 8]
        assert np.abs(pixels_of(canvas).astype(int) - tile).max() <= 3


@pytest.mark.parametrize("at", [1, 3, 4])
def test_the_atlas_of_a_decoder_has_the_encoder_of_the_same_text(built, open_page, tmp_path, at):
    random = np.random.default_rng(8)
    calls = []
    for sequence in range(3):
        sizes = [("encoder", 4, 4), ("decoder", 3, 3), ("decoder", 1, 4)]
        for step, (path, queries, keys) in enumerate(sizes):
            map_ = AttentionMap(Dense(random.dirichlet(np.ones(keys), size=(1, 1, queries))))
            number = sequence if path == "encoder" else 2 * sequence + step - 1
            calls.append(Call(path, map_, number, len(calls), "given", sequence=sequence))
    run = Run(calls)
    page = opened(open_page, run, tmp_path, f"view=atlas&at={at}.0.0")
    (figure,) = copied(page, run)
    image = figure.axes[0].images[0]
    wanted = image.cmap(image.norm(image.get_array()), bytes=True)[..., :3]
    sequence = at // 2
    encoder = run.calls("encoder")[sequence].map[0, 0].numpy()
    np.testing.assert_allclose(image.get_array()[4:32:8, 4:32:8], encoder)
    for layer, canvas in enumerate(page.locator(".thumb canvas").all()):
        tile = wanted[33 * layer + 4 : 33 * layer + 32 : 8, 4:32:8]
        assert np.abs(pixels_of(canvas).astype(int) - tile).max() <= 3


def test_what_no_call_draws_is_said(built, open_page, run, tmp_path):
    page = opened(open_page, run, tmp_path, "view=head&query=3&kept=5.7&cells=max")
    page.locator(".export summary").click()
    page.get_by_role("button", name="Copy as Python").click()
    said = [line for line in page.get_by_label("The Python call").input_value().splitlines() if "#" in line]
    assert said == ["# queries that are kept below have rows of their own: query= 5, 7"]
    visualizer.from_arrays({"layer.0": np.full((1, 1500, 1500), 1 / 1500)}).to_html(tmp_path / "long.html")
    long = open_page(f"{(tmp_path / 'long.html').as_uri()}#view=head&cells=max")  # pooled cells
    long.locator("table.top td").first.wait_for()
    long.locator(".export summary").click()
    long.get_by_role("button", name="Copy as Python").click()
    said = long.get_by_label("The Python call").input_value()
    assert "# cells of several weights are means here, not maxima" in said
    run.to_html(tmp_path / "few.html", queries=[2, 5])
    few = open_page(f"{(tmp_path / 'few.html').as_uri()}#view=head&look=column&key=1")
    few.locator(".export summary").click()
    few.get_by_role("button", name="Copy as Python").click()
    assert (
        "# the page has 2 queries; the column is of all" in few.get_by_label("The Python call").input_value()
    )


def test_signed_maps_have_their_own_colours_in_the_call_too(built, open_page, tmp_path):
    gradients = gradients_of(lambda out: (out**2).sum()).label(axis=[f" {letter}" for letter in "abcdefghi"])
    page = opened(open_page, gradients, tmp_path, "view=heads&query=4&mass=0.8")
    page.locator(".ribbon canvas").nth(1).wait_for()
    (figure,) = copied(page, gradients)
    strips = figure.axes[0].images[0]
    assert strips.norm.vmin == -strips.norm.vmax
    rows = gradients[0].map[0, :, 4].numpy()
    shown = strips.get_array()
    np.testing.assert_array_equal(shown[shown != 0], rows[shown != 0])
    said = page.locator(".ribbon figcaption").all_inner_texts()
    wanted = [row[np.abs(row).argmax()] for row in rows]
    np.testing.assert_allclose([float(one.split(", ")[-1]) for one in said], wanted, rtol=1e-3)


def test_of_signed_weights_sizes_count_and_nothing_is_renormalised():
    gradients = gradients_of(lambda out: (out**2).sum())
    path = gradients.paths[0]
    row = gradients[0].map[0, 1, 4].numpy()
    found, _ = row_of(gradients, Options(layer=path, head=1, query=4, sinks=False, mass=0.8))
    rest = np.abs(row[1:])
    there = np.nan_to_num(found.weights) != 0
    np.testing.assert_array_equal(found.weights[there], row[there])
    assert np.abs(row[there]).sum() >= 0.8 * rest.sum()
    figure = plots.row(gradients, layer=path, head=1, query=4, sinks=False)
    said = figure.texts[-1].get_text().replace("\n", " ")
    assert f"removed: {abs(row[0]) / np.abs(row).sum():.3g} of the row, hatched." in said
