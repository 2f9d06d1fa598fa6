"""What runs hold is shown as text: it starts nothing, asks nobody, and breaks no layout."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from tests.viewer.test_figures import saved

import visualizer
from visualizer.viewer import serve

TAGS = "</script><img src=http://example.org/ onerror=alert(1)>"
TOKENS = [
    TAGS, "x" * 10_000, "\u202eright to left\u202c", "שלום", "zero\u200bwidth\u2060", "👩🏽‍🚀👍🏿",
    "\ud800lone", "\x00nul\x07", "<!--<script>", "&lt;b&gt;", "${alert(1)}", "\u2028line\u2029",
]  # fmt: skip


@pytest.fixture(scope="module")
def run():
    weights = np.random.default_rng(4).dirichlet(np.ones(len(TOKENS)), size=(1, 2, len(TOKENS)))
    run = visualizer.from_arrays({TAGS: weights}, tokens=TOKENS)
    run.provenance = {"model": f"{TAGS} \ud800\x01", TAGS: "\ud800\x00" + TAGS}
    return run


@pytest.fixture(params=["file", "server"])
def address(request, built, run, tmp_path):
    if request.param == "file":
        run.to_html(tmp_path / "run.html")
        yield (tmp_path / "run.html").as_uri()
    else:
        with serve(run) as server:
            yield server.url


@pytest.mark.parametrize("width", [390, 1280])
def test_hostile_content_is_text_in_every_view(address, open_page, width):
    page = open_page(address, viewport={"width": width, "height": 800})
    dialogs = []
    page.on("dialog", lambda one: dialogs.append(one.message) or one.dismiss())
    page.locator("[data-ready=true]").wait_for()
    for name in ("Head", "All heads", "Finder", "Compare", "About", "Atlas"):
        page.get_by_role("tab", name=name, exact=True).click()
        page.locator("#view :is(canvas, td)").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert page.locator("img").count() == 0
    page.get_by_role("tab", name="Head", exact=True).click()
    shown = page.locator(".token").all_inner_texts()
    assert shown[0].startswith("</script><img src=http://example.org/")
    assert max(map(len, shown)) < 100
    for token, code in ((2, "⟨202e⟩"), (4, "⟨200b⟩"), (7, "⟨0⟩"), (11, "⟨2028⟩")):
        assert code in shown[token]
    assert dialogs == []


def test_a_figure_of_it_is_well_formed(address, open_page):
    page = open_page(f"{address}#view=head")
    page.locator(".token").first.wait_for()
    texts = [one.text or "" for one in ET.fromstring(saved(page, "SVG")).iter()]
    assert sum("</script><img" in text for text in texts) >= 2
    assert max(map(len, texts)) < 400


def test_the_page_may_ask_nobody_else(address, open_page, refused):
    page = open_page(address)
    page.locator("[data-ready=true]").wait_for()
    asked = page.evaluate(
        """async () => {
            const blocked = [];
            document.addEventListener("securitypolicyviolation", (one) => blocked.push(one.blockedURI));
            const image = new Image();
            image.src = "http://example.org/a.png";
            const script = document.createElement("script");
            script.src = "http://example.org/a.js";
            document.body.append(image, script);
            const failed = await fetch("http://example.org/").then(() => false, () => true);
            await new Promise((resolve) => setTimeout(resolve, 300));
            return { blocked, failed };
        }"""
    )
    assert asked["failed"]
    assert len(asked["blocked"]) == 3  # by the policy itself, before the network
    assert list(refused) == []
