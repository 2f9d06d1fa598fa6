"""Maps whose tokens are drawn, the pointer on them, and what the page then shows."""

import re

import numpy as np

from visualizer.attention import AttentionMap, Factors
from visualizer.calls import Call
from visualizer.run import Run


def factors(queries, keys=None, heads=2, batch=1, **more):
    random = np.random.default_rng(0)
    q, k = (random.normal(size=(batch, heads, n, 8)).astype(np.float32) for n in (queries, keys or queries))
    return AttentionMap(Factors(2 * q, k, 0.5, **more))


def run_of(*maps, **labels):
    run = Run([Call("layer.0", map_, number, number, "given") for number, map_ in enumerate(maps)])
    return run.label(**labels)


def wait_for_query(page, name):
    page.locator("[data-strip]", has_text=re.compile(f"(query|key): {re.escape(name)}")).wait_for()


def number(written):
    """A weight as it is printed; what is below 1e-5 as 0."""
    return 0.0 if written == "< 1e-5" else float(written.replace("−", "-"))


def assert_shows(page, row, atol=1e-3):
    """The largest weights that the page prints are those of a row."""
    row = np.asarray(row)
    wanted = row[np.argsort(-np.abs(row), kind="stable")][:8]
    shown = [number(cell) for cell in page.locator("table.top td").all_inner_texts()]
    np.testing.assert_allclose(shown, wanted[: len(shown)], atol=atol)
    assert len(shown) == min(8, np.count_nonzero(wanted))


def reach(page, canvas, cell, shape, *, click=False):
    """Move the pointer to the middle of a cell of a canvas, of (rows, columns) cells."""
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    at = {"x": (cell[1] + 0.5) * box["width"] / shape[1], "y": (cell[0] + 0.5) * box["height"] / shape[0]}
    (canvas.click if click else canvas.hover)(position=at)


def centres(canvas, h, w):
    """The colours (h, w, 3) in the middle of each cell of a canvas."""
    pixels = canvas.evaluate(
        """(canvas, [h, w]) => {
            const at = (x, y) => canvas.getContext("2d").getImageData(x, y, 1, 1).data;
            const middle = (i, cells, size) => Math.floor(((i + 0.5) * size) / cells);
            return Array.from({ length: h * w }, (_, i) =>
                [...at(middle(i % w, w, canvas.width), middle(Math.floor(i / w), h, canvas.height))]);
        }""",
        [h, w],
    )
    return np.array(pixels)[:, :3].reshape(h, w, 3)
