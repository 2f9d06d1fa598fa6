"""A run of very many calls is shown as a whole, a part of its modules at a time."""

import numpy as np
from tests.viewer.page import told

from visualizer.attention import AttentionMap, Dense
from visualizer.axes import Text
from visualizer.calls import Call
from visualizer.run import Run
from visualizer.viewer import numbering, serve
from visualizer.viewer.payload import Payload

MODULES, CALLS = 200, 6


def run_of(modules, calls):
    """A run in which the last call of each module looks at the first key."""
    found = []
    for order in range(modules * calls):
        weights = np.eye(3) if order < modules * (calls - 1) else np.eye(3)[[0, 0, 0]]
        path, number = f"layer.{order % modules}", order // modules
        found.append(Call(path, AttentionMap(Dense(weights[None, None])), number, order, "given"))
    return Run(found)


def test_every_call_can_be_gone_to_and_modules_are_drawn_in_parts(built, open_page):
    with serve(run_of(MODULES, CALLS)) as server:
        page = open_page(server.url)
        page.wait_for_selector("section.atlas[data-ready=true]")
        layers = page.locator(".layer h3")
        assert (layers.count(), layers.last.inner_text()) == (128, "layer.127")
        page.get_by_role("button", name="after").click()
        page.wait_for_selector("text=modules 129 to 200 of 200")
        assert layers.count() == MODULES - 128
        assert page.get_by_role("button", name="after").is_disabled()
        page.get_by_text("Call 0 of 6").wait_for()
        page.get_by_label("Call", exact=True).fill(str(CALLS - 1))
        page.locator(".layer").last.get_by_role("button").click()
        page.locator("table.top td", has_text="1").wait_for()
        page.keyboard.press("j")  # the second query
        said = page.locator("[data-said]", has_text="looks most at token 0")
        said.wait_for(state="attached")
        assert "layer.199" in said.inner_text()
        assert f"call {CALLS - 1}" in said.inner_text()


def test_another_call_of_another_module_stands_beside(built, open_page):
    with serve(run_of(3, 2)) as server:
        page = open_page(f"{server.url}#view=compare")
        chooser = page.locator("article", has_text="B:")
        chooser.get_by_label("map").select_option("layer.2")
        chooser.get_by_label("call").fill("1")
        chooser.get_by_text("layer.2 · head 0 of 1 · call 1").wait_for()


def test_a_text_is_told_once_for_all_calls_that_read_it(monkeypatch):
    made, axis_info = [], numbering.axis_info
    monkeypatch.setattr(numbering, "axis_info", lambda *given: made.append(given) or axis_info(*given))
    run = run_of(10, 10).label(axis=Text(["a", "b", "c"]))
    assert len(told(Payload(run, served=True))["axes"]) == 1
    assert len(made) == 1
