"""Six screens as pictures; `python -m tests.viewer.screens`, from the root, takes the goldens anew.

Another machine has another Chromium and other fonts. So the text is hidden, and takes the room of a font that
comes with matplotlib; what a browser draws of its own, such as sliders, is hidden too.
"""

import io
import tempfile
from base64 import b64encode
from pathlib import Path

import matplotlib as mpl
import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright
from tests.viewer import chromium

import visualizer
from visualizer.axes import Axis, Grid, Special

GOLDENS = Path(__file__).parent / "goldens"
SIZE = {"width": 1200, "height": 800}
SCREENS = {
    "atlas": ("text", "view=atlas"),
    "text": ("text", "view=head&at=1.0.2&query=3&pinned=true"),
    "image": ("vision", "view=head&at=0.0.1&query=0&pinned=true"),
    "heads": ("vision", "view=heads&at=1.0.0&query=8"),
    "finder": ("text", "view=finder"),
    "compare": ("text", "view=compare&at=0.0.0&other=1.0.2&query=3"),
}
"""The page and the address of each."""
READY = "[data-ready=true] canvas, table.top td, .card canvas, .difference td, .finder td"
FONT = Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
STYLE = """
@font-face { font-family: same; src: url(data:font/ttf;base64,%s) }
* { font-family: same !important; text-rendering: geometricPrecision !important;
    color: transparent !important; transition: none !important; caret-color: transparent !important }
input, select, summary { visibility: hidden !important; appearance: none !important;
    width: 80px !important; height: 20px !important }
"""
WORDS = "The old violinist tunes a violin and the old cellist tunes a cello .".split()


def pages(folder):
    """Write the pages of a text and of an image, whose maps are formulas: they are the same everywhere."""
    text = visualizer.from_arrays(maps(len(WORDS), 2, 4), tokens=WORDS)
    axis = Axis((Special("CLS"), Grid(4, 6)))
    rows, columns = np.mgrid[:80, :120]
    picture = np.stack([rows * 3, columns * 2, 255 - rows - columns], -1).astype(np.uint8)
    vision = visualizer.from_arrays(maps(axis.length, 2, 4)).label(axis=axis).label(image=picture)
    for name, run in {"text": text, "vision": vision}.items():
        run.to_html(folder / f"{name}.html")
    return folder


def maps(length, layers, heads):
    """Layers of heads that look ever further ahead, and some at every third token."""
    i, j = np.mgrid[:length, :length]
    found = {}
    for layer in range(layers):
        offsets = np.arange(heads)[:, None, None] * (layer + 1)
        scores = -np.abs(j - i - offsets) / (1 + layer) + 2 * (j % 3 == layer) * (offsets > 1)
        weights = np.exp(scores)
        found[f"layer.{layer}"] = (weights / weights.sum(-1, keepdims=True)).astype(np.float32)
    return found


def shot(page):
    """Return an open page as a picture (h, w, 3), when it is drawn and stays as it is."""
    page.add_init_script("CanvasRenderingContext2D.prototype.fillText = () => {}")
    page.reload()
    page.add_style_tag(content=STYLE % b64encode(FONT.read_bytes()).decode())
    page.evaluate("document.fonts.load('14px same')")
    page.locator(READY).first.wait_for()
    before, found = None, page.screenshot()
    while before != found:
        page.wait_for_timeout(300)
        before, found = found, page.screenshot()
    return np.asarray(Image.open(io.BytesIO(found)).convert("RGB"))


def options():
    """Return how the pages are opened: with a font that their policy forbids."""
    return {"viewport": SIZE, "color_scheme": "light", "bypass_csp": True, "device_scale_factor": 1}


def golden(name):
    """Return a golden as (h, w, 3)."""
    return np.asarray(Image.open(GOLDENS / f"{name}.png").convert("RGB"))


def differing(one, other, within=2, least=40):
    """Return the share of pixels of each picture that have no like within some pixels of the other."""
    return max(_unlike(one, other, within, least), _unlike(other, one, within, least))


def _unlike(one, other, within, least):
    h, w = one.shape[:2]
    around = np.pad(other.astype(int), ((within, within), (within, within), (0, 0)), mode="edge")
    nearest = np.full((h, w), 255)
    for down in range(2 * within + 1):
        for right in range(2 * within + 1):
            gap = np.abs(around[down : down + h, right : right + w] - one).max(-1)
            nearest = np.minimum(nearest, gap)
    return (nearest > least).mean()


def main():
    """Take the goldens."""
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        at = pages(Path(folder))
        path = chromium.chromium(playwright.chromium.executable_path)
        browser = playwright.chromium.launch(executable_path=path, args=chromium.FLAGS)
        for name, (file, state) in SCREENS.items():
            page = browser.new_context(**options()).new_page()
            page.goto(f"{(at / file).with_suffix('.html').as_uri()}#{state}")
            Image.fromarray(shot(page)).save(GOLDENS / f"{name}.png", optimize=True)
        browser.close()


if __name__ == "__main__":
    main()
