"""The viewer's server with a long text: all heads, a move of the pointer, a tile.

`python benchmarks/viewer_server.py`; ``--tokens`` is 8192 unless given. The run is 6 layers of 12 heads of
32 channels, random, causal, on disk. An atlas is from opening the page to the frame that has it; a move of
the pointer is from the move to the frame after its number; a tile is from asking to the last byte, the first
one of a row of tiles, then one beside it.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
from compared.browsers import Browser

import visualizer as viz
from visualizer.attention import AttentionMap, Band, Factors
from visualizer.axes import Text
from visualizer.calls import Call
from visualizer.run import Run
from visualizer.viewer import serve

LAYERS, HEADS, WIDTH, SIDE = 6, 12, 32, 256
TILE = """async (address) => {
  const begin = performance.now();
  await (await fetch(address)).arrayBuffer();
  return performance.now() - begin;
}"""


def stored(tokens: int, path: Path) -> Run:
    """Return a run as it comes from disk."""
    random = np.random.default_rng(0)
    calls = []
    for layer in range(LAYERS):
        q, k = random.normal(size=(2, 1, HEADS, tokens, WIDTH)).astype(np.float32)
        a = AttentionMap(Factors(2 * q, k, WIDTH**-0.5, band=Band()))
        calls.append(Call(f"layer.{layer}", a, 0, layer, "random"))
    run = Run(calls)
    run.label(axis=Text([f" w{n}" for n in range(tokens)]))
    run.save(path, inputs=True)
    return viz.load(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=8192)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    tokens = 1024 if options.quick else options.tokens
    with tempfile.TemporaryDirectory() as name, Browser() as browser:
        run = stored(tokens, Path(name, "run.zarr"))
        begin = time.perf_counter()
        with serve(run) as server:
            print(f"| {tokens} tokens, {LAYERS * HEADS} heads | seconds |\n|---|---|")
            print(f"| server ready | {time.perf_counter() - begin:.2f} |", flush=True)
            measure(server, browser, tokens)


def measure(server, browser, tokens: int) -> None:
    """Print what a page of the server takes."""
    for which in ("first", "again"):
        with browser.page() as page:
            seconds = page.opened(server.url, "section.atlas[data-ready=true]", 300)
            print(f"| atlas, {which} | {seconds:.2f} |", flush=True)
    with browser.page() as page:
        page.opened(f"{server.url}#view=head&at=3.0.5", "table.top td", 300)
        page.wait(5)
        moved = page.answer("canvas[role=img]", "output[data-value]")
        print(f"| pointer moved, median | {moved:.3f} |", flush=True)
        for level in range(max(1, int(np.log2(tokens / SIDE)) + 1)):
            print(f"| tile of level {level}: first, beside it | {tiles(page, level, tokens)} |", flush=True)


def tiles(page, level: int, tokens: int) -> str:
    """Return the seconds of the first tile of some rows of tiles, and of one beside it."""
    count = -(-tokens // (SIDE * 2**level))
    found: tuple[list[float], list[float]] = ([], [])
    for head, row in enumerate(range(count - 1, max(-1, count - 4), -1)):
        for column, into in enumerate(found[: min(2, row + 1)]):
            words = f"map=2&batch=0&head={head}&level={level}&row={row}&column={column}&how=mean"
            into.append(page.page.evaluate(TILE, f"tile?{words}") / 1000)
    return ", ".join(f"{median(one):.3f}" for one in found if one)


if __name__ == "__main__":
    main()
