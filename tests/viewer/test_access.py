"""Every view can be used without a mouse, without seeing it, and in the dark."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

import visualizer
from visualizer.axes import Axis, Grid, Special, Text

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
VIEWS = ["atlas", "head", "heads", "finder", "compare", "about"]


@pytest.fixture(scope="module")
def page_file(built, tmp_path_factory):
    """A run over text and patches behind special tokens."""
    words = ["a", " black", " cat", " sat"]
    axis = Axis((Special("[CLS]"), Text(words), Special("[SEP]"), Grid(2, 3)))
    weights = np.random.default_rng(3).dirichlet(np.full(12, 0.3), size=(2, 3, 12))
    run = visualizer.from_arrays({"layer.0": weights[0], "layer.1": weights[1]})
    run.label(axis=axis).label(image=np.full((20, 30, 3), 80, np.uint8))
    file = tmp_path_factory.mktemp("pages") / "run.html"
    run.to_html(file)
    return file.as_uri()


def look(open_page, page_file, view, scheme="light", more="", **options):
    page = open_page(f"{page_file}#view={view}{more}", color_scheme=scheme, **options)
    page.locator(
        "[data-ready=true], table.top td, .card canvas, .difference td, .finder td, .about td"
    ).first.wait_for()
    return page


def violations(page):
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("axe.run()")["violations"]
    return [
        (one["id"], node["html"][:150], node["failureSummary"][:300])
        for one in found
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing(open_page, page_file, view, scheme):
    page = look(open_page, page_file, view, scheme, "&query=2")
    page.locator(".export summary, h1").last.click()
    assert violations(page) == []
    page.keyboard.press("?")
    page.locator("dialog[open]").wait_for()
    assert violations(page) == []


def test_keys_work_before_anything_has_the_focus_and_what_changed_is_said(open_page, page_file):
    page = look(open_page, page_file, "head")
    page.keyboard.press("l")
    page.keyboard.press("j")
    wanted = "layer.0 · head 1 of 3: token 1, “a” looks most at token "
    expect(page.locator("[data-said]")).to_contain_text(wanted)


def test_nothing_moves_for_those_who_want_no_motion(open_page, page_file):
    page = look(open_page, page_file, "head", reduced_motion="reduce")
    moves = "[...document.querySelectorAll('*')].filter(e => getComputedStyle(e).transitionDuration !== '0s')"
    assert page.evaluate(f"{moves}.length") == 0


def test_on_a_phone_the_settings_are_folded_and_nothing_is_wider(open_page, page_file):
    size = {"width": 390, "height": 844}
    for view in VIEWS:
        page = look(open_page, page_file, view, viewport=size)
        assert page.locator(".settings[open]").count() == 0
        assert page.locator("header").bounding_box()["height"] < size["height"] / 4
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
