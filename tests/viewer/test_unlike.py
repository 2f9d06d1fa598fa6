"""Two runs whose modules have other names, or whose generations are of other calls."""

import re

import numpy as np
import torch
import transformers
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


def test_of_two_runs_the_same_head_stays_beside_the_one_that_is_gone_to(built, open_page, tmp_path):
    runs = [visualizer.from_arrays({f"layer.{n}": weights(1, 3, 6, 6) for n in range(2)}) for _ in "ab"]
    to_html(runs, tmp_path / "run.html")
    page = open_page(f"{(tmp_path / 'run.html').as_uri()}#view=compare")
    heads = page.locator(".compare h3")
    expect(heads.nth(1)).to_have_text(re.compile("layer.0 · head 0 of 3"))
    page.keyboard.press("l")
    page.keyboard.press("]")
    for side in range(2):
        expect(heads.nth(side)).to_have_text(re.compile("layer.1 · head 1 of 3"))
    page.keyboard.press("1")  # another view, from which another head is gone to
    page.keyboard.press("l")
    page.keyboard.press("5")
    for side in range(2):
        expect(heads.nth(side)).to_have_text(re.compile("layer.1 · head 2 of 3"))
    page.locator(".compare article").nth(1).get_by_label("head", exact=True).fill("0")
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("h")
    expect(heads.nth(0)).to_have_text(re.compile("layer.1 · head 1 of 3"))
    expect(heads.nth(1)).to_have_text(re.compile("layer.1 · head 0 of 3"))  # as it was chosen


def test_from_the_decoder_of_a_later_generation_one_steps_to_its_encoder(page_of):
    torch.manual_seed(0)
    sizes = {"d_model": 32, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2}
    config = transformers.T5Config(vocab_size=60, **sizes, decoder_start_token_id=0, eos_token_id=None)
    model = transformers.T5ForConditionalGeneration(config).eval()
    with visualizer.capture(model) as run:
        for words in ([[5, 6, 7]], [[8, 9, 1, 2]]):
            model.generate(torch.tensor(words), max_new_tokens=4)
    page = page_of(run, "view=head&at=1.0.0")  # the decoder, which is called for each token
    strip = page.locator("[data-strip]")
    expect(strip).to_contain_text("decoder.block.0.layer.0")
    page.keyboard.press(".")
    expect(page.locator(".which")).to_contain_text("Call 1 of 2")
    page.keyboard.press("[")
    expect(strip).to_contain_text("encoder.block.0.layer.0")
    expect(page.locator(".which")).to_contain_text("Call 1 of 2")
    expect(page.locator(".matrix canvas")).to_have_attribute("aria-label", re.compile("4 queries"))
    page.keyboard.press("]")
    expect(strip).to_contain_text("decoder.block.0.layer.0")
    expect(page.locator(".which")).to_contain_text("Call 1 of 2")
