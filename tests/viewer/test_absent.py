"""What a page shows where rows are not in it, and where nobody answers: what there is, and why, said once."""

import numpy as np
import pytest
from playwright.sync_api import expect

import visualizer
from visualizer.viewer import serve

RNG = np.random.default_rng(3)
SAID = "as they were left out of this file"


def weights(*shape):
    return RNG.dirichlet(np.full(shape[-1], 0.2), size=shape[:-1]).astype(np.float32)


MAPS = {"a": weights(1, 3, 90, 90), "b": weights(1, 3, 90, 90)}


@pytest.fixture(scope="module")
def address(built, tmp_path_factory):
    file = tmp_path_factory.mktemp("absent") / "run.html"
    visualizer.from_arrays(MAPS).to_html(file, heads=[1])
    return file.as_uri()


def times(page, said):
    """How often something is written on the page."""
    return page.locator("main").inner_text().count(said)


def test_a_head_without_rows_shows_its_overview_and_says_why_once(address, open_page):
    page = open_page(f"{address}#view=head&at=1.0.2")
    expect(page.locator(".overview figcaption")).to_contain_text("a cell is the mean of 1.4 × 1.4 weights")
    expect(page.locator("[data-strip]")).to_contain_text("visualizer view RUN shows them")
    assert times(page, SAID) == 1
    colours = page.locator(".overview canvas[role=img]").evaluate(
        """(canvas) => new Set(new Uint32Array(
            canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size"""
    )
    assert colours > 20


def test_a_page_begins_with_a_head_whose_rows_are_here(address, open_page):
    page = open_page(f"{address}#view=head")
    expect(page.locator("[data-strip]")).to_contain_text("head 1 of 3")
    most = float(page.locator("table.top td").first.inner_text())
    assert np.isclose(most, MAPS["a"][0, 1, 0].max(), atol=1e-3)


def test_compare_leads_out_of_a_head_without_rows(address, open_page):
    page = open_page(f"{address}#view=compare&at=0.0.0&other=1.0.1")
    expect(page.locator(".compare .trouble")).to_contain_text(f"A: no rows are here, {SAID}")
    assert page.locator(".compare .overview").count() == 1
    page.locator(".compare article").first.get_by_label("head", exact=True).fill("1")
    gap = 50 * np.abs(MAPS["a"][0, 1, 0] - MAPS["b"][0, 1, 0]).sum()
    expect(page.locator(".compare .strip").first).to_contain_text(f"total variation {gap:.1f} %")
    assert times(page, SAID) == 0


def test_all_heads_say_once_which_of_them_are_not_here(address, open_page):
    page = open_page(f"{address}#view=heads")
    expect(page.locator(".heads .trouble")).to_contain_text("heads 0, 2: no rows are here")
    assert times(page, SAID) == 1
    assert page.locator(".heads .card canvas").count() == 1


@pytest.mark.parametrize("view", ["head", "heads", "compare"])
def test_a_server_that_stopped_is_missed_once(view, built, open_page):
    length = 5800  # so that rows are asked for
    large = visualizer.from_arrays({"layer.0": np.full((1, 2, length, length), 1 / length, np.float16)})
    with serve(large) as server:
        page = open_page(server.url)
        page.locator(".atlas[data-ready=true]").wait_for()
    page.get_by_role("tab", name="All heads" if view == "heads" else view.capitalize(), exact=True).click()
    page.get_by_text("the server does not answer").first.wait_for()
    page.wait_for_timeout(1000)
    assert times(page, "the server does not answer") == 1
