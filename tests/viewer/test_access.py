"""Every view can be used without a mouse, without seeing it, and in the dark."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect
from tests.viewer.signed import gradients_of
from tests.viewer.surfaces import factors, run_of

from visualizer.attention import AttentionMap, Band, Dense, SampledLevel
from visualizer.axes import Axis, Grid, Special, Text
from visualizer.calls import Call
from visualizer.run import Run

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
VIEWS = ["atlas", "head", "heads", "finder", "compare", "about", "points"]


@pytest.fixture(scope="module")
def page_file(built, tmp_path_factory):
    """A run over text and patches behind special tokens, and points that a query reads."""
    words = ["a", " black", " cat", " sat"]
    axis = Axis((Special("[CLS]"), Text(words), Special("[SEP]"), Grid(2, 3)))
    weights = np.random.default_rng(3).dirichlet(np.full(12, 0.3), size=(2, 1, 3, 12))
    calls = [
        Call(f"layer.{number}", AttentionMap(Dense(one)), 0, number, "an array")
        for number, one in enumerate(weights)
    ]
    places = np.random.default_rng(4).uniform(-1.2, 1.2, (3, 12, 4, 2))
    points = AttentionMap(Dense(np.full((1, 12, 3, 4), 0.25)))
    calls.append(Call("points", points, 0, 2, "an array", levels=(SampledLevel(places, (2, 3), 0),)))
    run = Run(calls)
    run.label("layer.*", axis=axis).label(image=np.full((20, 30, 3), 80, np.uint8))
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


def test_keys_work_after_a_switch_a_slider_or_a_list_was_used(open_page, page_file):
    page = look(open_page, page_file, "head", viewport={"width": 1280, "height": 900})
    page.get_by_label("without sinks").click()
    expect(page).to_have_url(re.compile("sinks=off"))
    page.keyboard.press("l")
    expect(page).to_have_url(re.compile("at=0.0.1"))
    page.get_by_label("Mass").click()
    expect(page).to_have_url(re.compile("mass=0.5"))
    page.keyboard.press("l")
    expect(page).to_have_url(re.compile("at=0.0.2"))
    page.keyboard.press("ArrowRight")  # moves the slider, and not to the next head
    expect(page).to_have_url(re.compile("at=0.0.2.*mass=0.6"))
    colours = page.get_by_label("Colours")
    colours.click()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("colours=viridis"))
    page.keyboard.press("h")
    expect(page).to_have_url(re.compile("at=0.0.1.*colours=viridis"))


def test_a_list_that_was_reached_by_keys_and_a_box_of_text_keep_their_keys(open_page, page_file):
    page = look(open_page, page_file, "head", viewport={"width": 1280, "height": 900})
    colours = page.get_by_label("Colours")
    page.get_by_label("Scale").focus()
    page.keyboard.press("Tab")
    expect(colours).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(colours).to_have_value("inferno")
    expect(colours).to_be_focused()
    page.get_by_role("searchbox").first.click()
    page.keyboard.type("hl")
    expect(page.get_by_role("searchbox").first).to_have_value("hl")
    assert "at=" not in page.url


@pytest.mark.parametrize("view", VIEWS)
def test_what_a_finger_reaches_is_24_pixels_high(open_page, page_file, view):
    screen = {"width": 390, "height": 844}
    page = look(
        open_page, page_file, view, more="&sinks=off", viewport=screen, is_mobile=True, has_touch=True
    )
    for summary in page.locator(".settings > summary, .export > summary").all():
        if summary.is_visible():
            summary.click()
    page.locator("[role=option], .flow td button, button").first.wait_for()
    low = page.locator("button, select, input, summary, textarea, [role=option]").evaluate_all(
        """all => all.map((one) => [one.outerHTML.slice(0, 120), one.getBoundingClientRect().height])
            .filter(([, height]) => height > 0 && height < 24)"""
    )
    assert low == []


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


@pytest.fixture(scope="module")
def signed_file(built, tmp_path_factory):
    """Gradients over text."""
    file = tmp_path_factory.mktemp("pages") / "signed.html"
    gradients_of(lambda out: (out**2).sum()).label(axis=[f" {letter}" for letter in "abcdefghi"]).to_html(
        file
    )
    return file.as_uri()


@pytest.fixture(scope="module")
def marked_file(built, tmp_path_factory):
    """A text with padding and keys to come."""
    valid = np.arange(60)[None] < 55
    a = factors(60, mask=valid[:, None, None], query_valid=valid, band=Band())
    words = [f" {chr(97 + number % 26)}" for number in range(54)]
    axis = Axis((Special("[CLS]"), Text(words), *[Special("[SEP]")] * 5))
    file = tmp_path_factory.mktemp("pages") / "marked.html"
    run_of(a, axis=axis).to_html(file)
    return file.as_uri()


def contrasts(page, selector):
    """The contrast of each text with what lies behind it, as WCAG 2 counts it; the least of all is not 0."""
    return page.locator(selector).evaluate_all(
        """all => {
            const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
            const shown = (colours) => { // what is painted over what, the lowest first
                canvas.globalAlpha = 1;
                for (const [colour, opacity] of colours) {
                    canvas.globalAlpha = opacity;
                    canvas.fillStyle = colour;
                    canvas.fillRect(0, 0, 1, 1);
                }
                return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
            };
            const light = (rgb) => rgb.map(c => c / 255)
                .map(c => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
                .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
            return all.map(element => {
                const layers = [];
                for (let one = element; one; one = one.parentElement) {
                    const style = getComputedStyle(one);
                    layers.unshift([style.backgroundColor, Number(style.opacity)]);
                }
                layers.unshift(["#fff", 1]);
                const style = getComputedStyle(element);
                const back = light(shown(layers));
                const ink = light(shown([...layers, [style.color, Number(style.opacity)]]));
                return (Math.max(back, ink) + 0.05) / (Math.min(back, ink) + 0.05);
            });
        }"""
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_signed_tokens_are_read_on_any_of_their_colours(open_page, signed_file, scheme):
    page = look(open_page, signed_file, "head", scheme, "&query=4&pinned=true&scale=linear")
    assert page.locator(".token.above").count() > 0
    assert page.locator(".token.below").count() > 0
    for side in ("above", "below"):  # as strong as it gets on each side
        page.locator(f".token.{side}").first.evaluate("one => one.style.setProperty('--weight', 1)")
    assert min(contrasts(page, ".token")) >= 4.5
    assert violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("more", ["", "&sinks=off", "&part=1.1", "&find=b&scale=linear"])
def test_tokens_that_are_marked_are_read_too(open_page, marked_file, scheme, more):
    page = look(open_page, marked_file, "head", scheme, f"&query=4&pinned=true{more}")
    for mark in ("padding", "later", {"&sinks=off": "gone", "&part=1.1": "outside"}.get(more, "special")):
        assert page.locator(f".token.{mark}").count() > 0
    assert min(contrasts(page, ".token")) >= 4.5
    assert violations(page) == []


FOCUSED = """() => {
    const one = document.activeElement;
    if (!one || one === document.body) return null;
    const { x, y, width, height } = one.getBoundingClientRect();
    return { name: [one.tagName, one.className, one.parentElement.className].join(" "), x, y, width, height };
}"""
REACHED = """() => [...document.querySelectorAll("a[href], button, input, select, summary, [tabindex]")]
    .filter(one => one.tabIndex >= 0 && !one.disabled && one.checkVisibility()).length"""


@pytest.mark.parametrize("view", VIEWS)
def test_what_has_the_focus_is_on_screen_and_is_seen_to_have_it(open_page, page_file, view):
    size = {"width": 1000, "height": 700}
    page = look(open_page, page_file, view, viewport=size, reduced_motion="reduce")
    seen, steps = set(), -1
    for steps in range(150):  # noqa: B007  # the last is used
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused is None:
            break
        assert focused["width"] > 0
        assert focused["height"] > 0
        assert -1 <= focused["y"] <= size["height"] - min(focused["height"], 20), focused
        assert -1 <= focused["x"] <= size["width"] - 10, focused
        if focused["name"] not in seen:
            seen.add(focused["name"])
            assert is_marked(page, focused, size), focused
    assert focused is None
    assert steps >= page.evaluate(REACHED) > (0 if view == "about" else 5)  # what is scrolled has it too


def is_marked(page, box, size):
    """Tell whether pixels around what has the focus are others when it has not."""
    left, top = max(0, box["x"] - 4), max(0, box["y"] - 4)
    right = min(size["width"], box["x"] + box["width"] + 4)
    bottom = min(size["height"], box["y"] + box["height"] + 4)
    clip = {"x": left, "y": top, "width": right - left, "height": bottom - top}
    page.wait_for_timeout(100)
    shots = [page.screenshot(clip=clip, caret="initial")]
    page.evaluate("window.held = document.activeElement; held.blur()")
    shots.append(page.screenshot(clip=clip, caret="initial"))
    page.evaluate("held.focus()")
    one, other = (np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(int) for shot in shots)
    return (np.abs(one - other).max(-1) > 60).sum() > 40


@pytest.mark.parametrize(
    ("view", "where"),
    [
        ("atlas", ".thumb"),
        ("head", ".cells canvas"),
        ("head", ".token >> nth=2"),
        ("head", ".matrix canvas >> nth=0"),
        ("heads", ".card button"),
        ("heads", ".card .cells canvas"),
        ("finder", ".finder tbody button"),
        ("compare", ".compare select"),
        ("compare", ".cells canvas"),
        ("points", ".point-image canvas"),
        ("points", ".surface .token >> nth=2"),
    ],
)
def test_what_has_the_focus_keeps_it_when_a_view_is_drawn_anew(open_page, page_file, view, where):
    page = look(open_page, page_file, view, more="&query=2")
    held = page.locator(where).first
    held.focus()
    assert page.evaluate("window.held = document.activeElement, held !== document.body")
    for key in ("j", "l", "]", "s", "x", "r", "r", "[", "c"):
        page.keyboard.press(key)
        page.wait_for_timeout(150)
        assert page.evaluate("held.isConnected && document.activeElement === held"), key


def test_arrows_scroll_where_no_query_is_looked_at_and_keys_rest_behind_the_help(open_page, page_file):
    page = look(open_page, page_file, "about", viewport={"width": 1280, "height": 120})
    page.keyboard.press("ArrowDown")
    page.wait_for_function("() => document.scrollingElement.scrollTop > 0")
    assert "query" not in page.url
    page.keyboard.press("?")
    page.keyboard.press("2")
    page.keyboard.press("Escape")
    expect(page.get_by_role("tab", name="About")).to_have_attribute("aria-selected", "true")
