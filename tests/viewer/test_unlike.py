"""Two runs whose modules have other names, or whose generations are of other calls."""

import re

import numpy as np
from playwright.sync_api import expect

import visualizer
from visualizer.viewer import to_html

RNG = np.random.default_rng(5)


def weights(*shape):
    return RNG.dirichlet(np.full(shape[-1], 0.2), size=shape[:-1]).astype(np.float32)


def test_runs_without_a_common_module_are_compared_as_they_are_chosen(built, open_page, tmp_path):
    runs = [
        visualizer.from_arrays({f"{name}.{layer}": weights(1, 2, 6, 6) for layer in range(count)})
        for name, count in (("bert", 2), ("t5", 3))
    ]
    to_html(runs, tmp_path / "run.html")
    page = open_page(f"{(tmp_path / 'run.html').as_uri()}#view=compare&at=1.0.0")
    heads = page.locator(".compare h3")
    expect(heads.nth(0)).to_have_text(re.compile("bert.1 · head 0 of 2"))
    expect(heads.nth(1)).to_have_text(re.compile("t5.1 · head 0 of 2"))
    said = page.locator(".compare .trouble")
    expect(said).to_contain_text("no module of the two runs has the same name")
    expect(said).to_contain_text(re.compile("has bert.0 and 1 more, .* has t5.0 and 2 more"))
    page.locator(".compare article").nth(1).get_by_label("map").select_option("0")
    expect(heads.nth(1)).to_have_text(re.compile("bert.0 · head 0 of 2"))
    expect(said).to_have_count(0)
