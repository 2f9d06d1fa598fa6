"""The page in a notebook: a real kernel answers it, a real JupyterLab shows it."""

import base64
from copy import deepcopy

import nbformat
import numpy as np
import pytest
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from tests.viewer.lab import jupyterlab, notebook, trust

from visualizer.attention import AttentionMap, Factors

HOSTILE = "</script><img src=http://example.org/ onerror=alert(1)>"
RUN = f"""
import numpy as np
import visualizer
from visualizer.attention import AttentionMap, Factors
from visualizer.calls import Call
from visualizer.run import Run
from visualizer.viewer import Widget

Q, K = np.random.default_rng(0).normal(size=(2, 1, 2, 60, 8)).astype(np.float32)
run = Run([Call({HOSTILE!r}, AttentionMap(Factors(Q, K, 1.0)), 0, 0, "given")])
run.label(["<b>", "\\u202eabc", "x" * 10_000] + [f"word {{n}}" for n in range(57)])
"""
Q, K = np.random.default_rng(0).normal(size=(2, 1, 2, 60, 8)).astype(np.float32)
MAP = AttentionMap(Factors(Q, K, 1.0))
PATIENCE = 120_000  # milliseconds
PAPERS = {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 22, 26)"}


class Kernel:
    """A kernel whose last cell ended with a widget, asked as the page asks it."""

    def __init__(self, client):
        self.client, self.heard = client, []
        self.shown = self.run(RUN + "Widget(run)")
        self.id = self.shown["application/vnd.jupyter.widget-view+json"]["model_id"]

    def run(self, code):
        """What a cell shows as its result."""
        heard = []
        reply = self.client.execute_interactive(code, timeout=120, output_hook=heard.append)
        assert reply["content"]["status"] == "ok", reply["content"]
        self.heard += heard
        return next((one["content"]["data"] for one in heard if one["msg_type"] == "execute_result"), None)

    def send(self, **asked):
        content = {"comm_id": self.id, "data": {"method": "custom", "content": asked}}
        self.client.shell_channel.send(self.client.session.msg("comm_msg", content))

    def answers(self, count):
        """The next answers: what was said, and the bytes."""
        found = []
        while len(found) < count:
            message = self.heard.pop(0) if self.heard else self.client.get_iopub_msg(timeout=60)
            data = message["content"].get("data", {})
            if message["msg_type"] == "comm_msg" and data["method"] == "custom":
                found.append((data["content"], [bytes(one) for one in message["buffers"]]))
        return found

    def ask(self, **asked):
        self.send(**asked)
        return self.answers(1)[0]


@pytest.fixture(scope="module")
def kernel(built):
    manager, client = start_new_kernel()
    yield Kernel(client)
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    manager.cleanup_resources()


def test_a_kernel_answers_with_an_array(kernel):
    said, (data,) = kernel.ask(id="a-0", kind="rows", map=0, batch=0, head=1, queries=[3, 5])
    assert said == {"id": "a-0", "dtype": "f4", "shape": [2, 60], "sampled": None}
    rows = np.frombuffer(data, "<f4").reshape(2, 60)
    assert np.abs(rows - MAP[0, 1, [3, 5]].numpy()).max() < 1e-6


def test_what_cannot_be_answered_is_one_sentence(kernel):
    said, buffers = kernel.ask(id="a-1", kind="rows", map=0, batch=0, head=2, queries=[3])
    assert said == {"id": "a-1", "error": "head 2 was asked for; there are 2, counted from 0"}
    assert buffers == []
    said, _ = kernel.ask(id="a-2", kind="blob")
    assert "'None' was asked for, which the manifest does not name" in said["error"]


def test_answers_come_in_the_order_of_the_questions(kernel):
    for query in range(20):
        kernel.send(id=str(query), kind="rows", map=0, batch=0, head=0, queries=[query])
    found = kernel.answers(20)
    assert [said["id"] for said, _ in found] == [str(query) for query in range(20)]
    rows = np.array([np.frombuffer(data, "<f4") for _, (data,) in found])
    assert np.abs(rows - MAP[0, 0, range(20)].numpy()).max() < 1e-6


def test_cells_run_while_an_answer_is_computed_and_what_nobody_waits_for_is_not_begun(kernel):
    kernel.run("from threading import Event; go = Event(); widget = Widget(run)")
    first, kernel.id = kernel.id, kernel.run("widget.model_id")["text/plain"].strip("'")
    kernel.run("widget._thread.submit(go.wait, 60)")  # an answer that takes its time
    for name in ("left", "waited for"):
        kernel.send(id=name, kind="rows", map=0, batch=0, head=0, queries=[0])
    kernel.send(id="left", kind="cancel")
    kernel.run("go.set()")
    ((said, _),) = kernel.answers(1)
    assert said["id"] == "waited for"
    kernel.id = first


def test_what_nobody_waits_for_stops_before_its_next_block(kernel):
    kernel.run("""
Q, K = np.random.default_rng(0).normal(size=(2, 1, 1, 30_000, 8)).astype(np.float32)
widget = Widget(Run([Call("layer.0", AttentionMap(Factors(Q, K, 1.0)), 0, 0, "given")]))
""")
    first, kernel.id = kernel.id, kernel.run("widget.model_id")["text/plain"].strip("'")
    kernel.send(id="left", kind="blob", name="0.metrics")  # takes minutes
    kernel.run("import time; time.sleep(0.5)")
    kernel.send(id="left", kind="cancel")
    said, _ = kernel.ask(id="waited for", kind="rows", map=0, batch=0, head=0, queries=[1])
    assert said["id"] == "waited for"
    kernel.id = first


def test_readers_without_the_widget_have_a_picture_and_a_sentence(kernel):
    assert base64.b64decode(kernel.shown["image/png"]).startswith(b"\x89PNG")
    assert kernel.shown["text/plain"] == "<run 0: attention maps, shown where this notebook runs>"


def test_a_kernel_says_at_once_that_it_is_there(kernel):
    kernel.run(
        "from threading import Event; go = Event(); widget = Widget(run); widget._thread.submit(go.wait, 60)"
    )
    first, kernel.id = kernel.id, kernel.run("widget.model_id")["text/plain"].strip("'")
    assert kernel.ask(id="hello", kind="hello") == ({"id": "hello"}, [])
    kernel.run("go.set()")
    kernel.id = first


@pytest.fixture(scope="module")
def saved(built):
    """A notebook that was run, with its widgets' state."""
    executed = NotebookClient(notebook(RUN + "run.show()"), timeout=120, store_widget_state=True).execute()
    assert executed.metadata["widgets"]
    return executed


def test_its_html_shows_the_picture_where_nothing_runs(saved, open_page, tmp_path):
    without = deepcopy(saved)
    del without.metadata["widgets"]
    text, _ = HTMLExporter().from_notebook_node(without)
    (tmp_path / "run.html").write_text(text, "utf-8")
    page = open_page((tmp_path / "run.html").as_uri(), java_script_enabled=False)
    assert page.locator("img[src^='data:image/png']").bounding_box()["width"] > 200


def test_show_displays_the_widget_and_names_the_way_out(kernel):
    heard = len(kernel.heard)
    assert kernel.run("run.show()") is None
    shown = [one["content"] for one in kernel.heard[heard:] if one["msg_type"] in {"display_data", "stream"}]
    assert "application/vnd.jupyter.widget-view+json" in shown[0]["data"]
    assert shown[1]["text"] == 'To keep the page, or hand it on: run.to_html("run.html")\n'


def test_show_without_anywidget_names_the_pip_line(kernel):
    kernel.run("""
import sys
there, sys.modules["anywidget"] = sys.modules["anywidget"], None
try:
    run.show()
except visualizer.errors.MissingExtraError as error:
    assert str(error).endswith("pip install 'attention-visualizer[viewer]'"), error
else:
    raise AssertionError
finally:
    sys.modules["anywidget"] = there
""")


def test_a_run_without_maps_says_why(kernel):
    kernel.run("""
try:
    Widget(Run())
except visualizer.errors.OptionError as error:
    assert "there is no map in it" in str(error), error
else:
    raise AssertionError
""")


@pytest.fixture(scope="module")
def lab(built, tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    with jupyterlab(folder) as address_of:

        def write(name, made):
            nbformat.write(made, folder / name)
            trust(made, folder)
            return address_of(name)

        yield write


def shown_in(lab, open_page, *cells):
    """A page of JupyterLab after it has run a notebook of these cells."""
    page = open_page(lab("run.ipynb", notebook(*cells)), viewport={"width": 1280, "height": 1400})
    page.get_by_text("| Idle").wait_for(
        timeout=PATIENCE
    )  # before, JupyterLab forgets what it is asked to run
    page.get_by_text("Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    page.locator(".visualizer .page").wait_for(state="attached", timeout=PATIENCE)
    return page


def test_a_notebook_shows_the_weights_of_the_token_under_the_pointer(lab, open_page):
    page = shown_in(lab, open_page, RUN + "Widget(run)")
    page.get_by_role("tab", name="Head", exact=True).click()
    page.locator("[data-token='7']").hover()
    page.get_by_text("query: token 7").wait_for()
    shown = [float(cell) for cell in page.locator("table.top td").all_inner_texts()]
    assert np.abs(shown - np.sort(MAP[0, 0, 7].numpy())[:-9:-1]).max() < 1e-3


def paper(page):
    """The colour behind the page."""
    return page.locator(".visualizer").evaluate("(one) => getComputedStyle(one).backgroundColor")


def test_the_page_goes_with_the_theme_of_the_notebook(lab, open_page):
    page = shown_in(lab, open_page, RUN + "Widget(run)")
    assert paper(page) == PAPERS["light"]
    page.get_by_role("menuitem", name="Settings", exact=True).click()
    page.locator(".lm-Menu").get_by_text("Theme", exact=True).hover()
    page.locator(".lm-Menu").get_by_text("JupyterLab Dark", exact=True).click()
    page.locator(".visualizer[data-theme='dark']").wait_for(timeout=PATIENCE)
    assert paper(page) == PAPERS["dark"]


@pytest.mark.long
def test_keys_in_the_page_are_not_those_of_the_notebook(lab, open_page):
    page = shown_in(lab, open_page, RUN + "Widget(run)")
    page.get_by_role("tab", name="Head", exact=True).click()
    page.keyboard.press("x")  # JupyterLab cuts the cell
    page.get_by_text("sinks removed").wait_for()
    assert page.locator(".jp-CodeCell").count() == 1


@pytest.mark.long
def test_hostile_names_are_text_in_a_notebook(lab, open_page):
    page = shown_in(lab, open_page, RUN + "Widget(run)")
    page.get_by_role("tab", name="Head", exact=True).click()
    page.locator("table.top td").first.wait_for()
    assert HOSTILE in page.locator("[data-strip]").inner_text()
    assert page.locator("[data-token='0']").inner_text() == "<b>"
    assert page.locator(".visualizer img").count() == 0


@pytest.mark.long
def test_a_notebook_that_is_opened_without_its_kernel_shows_the_picture(lab, saved, open_page):
    page = open_page(lab("saved.ipynb", saved), viewport={"width": 1280, "height": 1400})
    page.get_by_text("The kernel does not answer.").wait_for(timeout=PATIENCE)
    image = page.get_by_alt_text("All heads, as they were when the notebook was saved")
    assert image.evaluate("(one) => one.decode().then(() => one.naturalWidth)") > 200
    assert not page.locator(".visualizer .page").is_visible()
