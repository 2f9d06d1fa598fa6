"""The page in a real browser: what it shows is what Python has, and it asks nobody else."""

import numpy as np
import pytest

from visualizer.attention import AttentionMap, Factors
from visualizer.calls import Call
from visualizer.run import Run
from visualizer.viewer import serve, to_html
from visualizer.viewer.tiles import WIDTH

Q, K = np.random.default_rng(0).normal(size=(2, 1, 2, 60, 8)).astype(np.float32)
MAP = AttentionMap(Factors(Q, K, 1.0))
POLICY = """<meta http-equiv="Content-Security-Policy" content="worker-src 'none'">"""


@pytest.fixture
def run():
    return Run([Call("layer.0", MAP, 0, 0, "given")])


@pytest.fixture
def file(built, run, tmp_path):
    to_html(run, tmp_path / "run.html")
    return tmp_path / "run.html"


@pytest.fixture
def served(built, run):
    with serve(run) as server:
        yield server.url


def assert_row_is_right(page, query=0):
    """The largest weights that the page prints are those of the map."""
    page.locator("table.top td").first.wait_for()
    shown = [float(cell) for cell in page.locator("table.top td").all_inner_texts()]
    assert np.abs(shown - np.sort(MAP[0, 0, query].numpy())[:-9:-1]).max() < 1e-3


def test_a_file_shows_a_row_that_a_worker_computed(file, open_page):
    page = open_page(f"{file.as_uri()}#view=head&query=7")
    assert_row_is_right(page, query=7)
    assert len(page.workers) == 1


def test_where_workers_are_forbidden_the_page_computes(file, open_page):
    file.write_text(file.read_text("utf-8").replace("<head>", f"<head>{POLICY}"), "utf-8")
    page = open_page(f"{file.as_uri()}#view=head")
    assert_row_is_right(page)
    assert page.workers == []


def test_a_server_gives_the_same_row_and_its_policy_lets_a_worker_compute_it(served, open_page):
    page = open_page(f"{served}#view=head")
    assert_row_is_right(page)
    assert len(page.workers) == 1


def test_a_tile_of_some_rows_says_so(built, open_page, monkeypatch):
    monkeypatch.setattr("visualizer.viewer.rows.HELD", 2**12)  # as if the map were too large for the page,
    monkeypatch.setattr("visualizer.viewer.tiles.MOST", 1200 * WIDTH * 600)  # and for a whole tile
    q, k = np.random.default_rng(1).normal(size=(2, 1, 1, 1200, 8)).astype(np.float32)
    with serve(Run([Call("layer.0", AttentionMap(Factors(q, k, 1.0)), 0, 0, "given")])) as server:
        page = open_page(f"{server.url}#view=head", viewport={"width": 1200, "height": 800})
        page.locator(".matrix .strip", has_text="4 × 4 weights, of 2 rows a cell;").wait_for()


def test_a_file_of_some_queries_steps_over_the_others(built, run, open_page, tmp_path):
    to_html(run, tmp_path / "run.html", queries=[7, slice(20, 22)])
    page = open_page(f"{(tmp_path / 'run.html').as_uri()}#view=head&query=15")
    assert_row_is_right(page, query=20)
    assert "rows of 3 of 60 queries are here" in page.locator("[data-strip]").inner_text()
    assert "Only the rows of 3 of 60 queries are in this file" in page.locator(".omitted").inner_text()
    page.locator("canvas[role=img]").press("k")
    page.get_by_text("query: token 7").wait_for()
    assert_row_is_right(page, query=7)
    page.locator("[data-token='58']").hover()
    page.get_by_text("query: token 21").wait_for()
    assert_row_is_right(page, query=21)


def test_a_hostile_path_is_text(built, open_page, tmp_path):
    hostile = "</script><img src=http://example.org/ onerror=alert(1)>"
    to_html(Run([Call(hostile, MAP, 0, 0, "given")]), tmp_path / "run.html")
    page = open_page(f"{(tmp_path / 'run.html').as_uri()}#view=head")
    assert_row_is_right(page)
    assert hostile in page.locator("[data-strip]").inner_text()
    assert page.locator("img").count() == 0


def test_what_a_page_asks_of_others_is_refused_and_seen(open_page, refused, tmp_path):
    file = tmp_path / "page.html"
    file.write_text("<script src=http://example.org/a.js></script><script>undefined.b</script>")
    open_page(file.as_uri())
    error, address = sorted(refused)
    assert address == "http://example.org/a.js"
    assert "undefined" in error
    refused.clear()
