"""What is on screen leaves the page as a file with a caption, or as the Python call that draws it."""

import io
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import visualizer
from visualizer.axes import Axis, Grid, Special
from visualizer.errors import OptionError
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


def saved(page, button):
    """What a button of the page saves."""
    if not page.locator(".export[open]").count():
        page.locator(".export summary").click()
    with page.expect_download() as download:
        page.get_by_role("button", name=button, exact=True).click()
    return Path(download.value.path()).read_bytes()


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


@pytest.mark.parametrize("view", ["atlas", "head", "heads", "compare"])
@pytest.mark.parametrize("of", [pytest.param("run", marks=pytest.mark.long), "pictures"])
def test_a_served_page_saves_what_the_copied_call_draws(built, open_page, request, view, of):
    run = request.getfixturevalue(of)
    with serve(run) as server:
        page = open_page(f"{server.url}#view={view}&at=0.0.1&query=2&scale=log")
        page.locator(".export summary").click()
        page.get_by_role("button", name="Copy as Python").click()
        call = page.get_by_label("The Python call").input_value().strip().splitlines()[-1]
        kind = "PDF of the row" if view == "head" else "PDF"
        found = saved(page, kind)
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
        ({"options": '{"query": 99, "head": 0}'}, "99"),
    ],
)
def test_a_wrong_request_is_one_sentence(run, wrong, message):
    request = {"kind": "figure", "picture": "row", "of": '[[0, {"layer": "layer.0"}]]', "options": "{}"}
    with pytest.raises((OptionError, visualizer.errors.ShapeError), match=message):
        answers(Payload(run), request | {"format": "pdf"} | wrong)
