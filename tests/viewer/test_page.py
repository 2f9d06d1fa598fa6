"""The page in a real browser: what it shows is what numpy computes, and it asks nobody else."""

import json
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest
from tests.viewer import pages

NO_WORKER = """<meta http-equiv="Content-Security-Policy" content="worker-src 'none'">"""


class Served(BaseHTTPRequestHandler):
    """A server of the protocol, as small as can be."""

    def __init__(self, built, *arguments):
        self.built = built
        super().__init__(*arguments)

    def do_GET(self):
        name = self.path.removeprefix("/token/")
        if name.startswith("blob/"):
            array = pages.blobs()[name.removeprefix("blob/")]
            shape = ",".join(map(str, array.shape))
            return self.answer(array.tobytes(), "application/octet-stream", X_Dtype="f4", X_Shape=shape)
        if name == "manifest.json":
            return self.answer(json.dumps(pages.manifest()).encode(), "application/json")
        if name == "":
            return self.answer(
                b'<div id="visualizer"></div><script type="module" src="viewer.js"></script>', "text/html"
            )
        return self.answer((self.built / "viewer.js").read_bytes(), "text/javascript")

    def answer(self, body, kind, **headers):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def served(built):
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Served, built)) as server:
        Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}/token/"
        server.shutdown()


def shown_row(page):
    row = page.locator("output")
    row.filter(has_text=" ").wait_for()
    return np.array(row.inner_text().split(), float)


@pytest.mark.parametrize(("head", "workers"), [("", 1), (NO_WORKER, 0)], ids=["worker", "no worker"])
def test_a_file_shows_the_row_that_numpy_computes(built, open_page, tmp_path, head, workers):
    file = tmp_path / "run.html"
    file.write_text(pages.written(built, head), encoding="utf-8")
    page = open_page(file.as_uri())
    np.testing.assert_allclose(shown_row(page), pages.weights()[0], atol=1e-6)
    assert len(page.workers) == workers


def test_a_server_gives_the_same_row(served, open_page):
    np.testing.assert_allclose(shown_row(open_page(served)), pages.weights()[0], atol=1e-6)


def test_a_hostile_title_is_text(built, open_page, tmp_path):
    hostile = "</script><img src=http://example.org/ onerror=alert(1)>"
    file = tmp_path / "run.html"
    file.write_text(pages.written(built, title=hostile), encoding="utf-8")
    assert open_page(file.as_uri()).locator("h1").inner_text() == hostile


def test_what_a_page_asks_of_others_is_refused_and_seen(open_page, refused, tmp_path):
    file = tmp_path / "page.html"
    file.write_text("<script src=http://example.org/a.js></script><script>undefined.b</script>")
    open_page(file.as_uri())
    assert sorted(refused)[1] == "http://example.org/a.js"
    assert "undefined" in sorted(refused)[0]
    refused.clear()
