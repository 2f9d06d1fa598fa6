"""What tokens are drawn as: a query is chosen on each kind of surface, and the numbers are the map's."""

import re

import numpy as np
import pytest
import torch
import transformers
from playwright.sync_api import expect
from tests.sharpening import sharpened
from tests.viewer.signed import gradients_of
from tests.viewer.surfaces import assert_shows, factors, reach, run_of, wait_for_query

import visualizer
from visualizer.attention import AttentionMap, Band, Dense
from visualizer.axes import Axis, Frames, Grid, Special, Text, Time, Volume

SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 32}
PHOTO = np.random.default_rng(1).integers(0, 255, (48, 80, 3), np.uint8)
PAIR = Axis(
    (
        *(Special("[CLS]"), Text(["un", "##able", " cat"], [(0, 2), (2, 6), (6, 10)], "unable cat")),
        *(Special("[SEP]"), Text(["a", " cat", " sat"]), Special("[SEP]")),
    )
)


def test_a_patch_of_a_vit_with_registers_and_an_image_that_is_not_square(page_of):
    torch.manual_seed(0)
    config = transformers.Dinov2WithRegistersConfig(**SIZES, image_size=48, patch_size=8)
    model = sharpened(transformers.Dinov2WithRegistersModel(config), ("query.weight", "key.weight"), 20)
    with torch.no_grad(), visualizer.capture(model) as run:
        model(torch.from_numpy(PHOTO).permute(2, 0, 1)[None] / 127.5 - 1)
    page = page_of(run.label(image=PHOTO))
    reach(page, page.locator(".cells canvas"), (4, 7), (6, 10))
    wait_for_query(page, "token 52, “cell (4, 7)”")
    assert_shows(page, run[0].map[0, 0, 52].numpy())
    page.locator(".token.special").first.hover()
    wait_for_query(page, "token 0, “CLS”")
    assert_shows(page, run[0].map[0, 0, 0].numpy())


def test_a_cell_outside_of_the_window_goes_to_the_window_that_holds_it(page_of):
    torch.manual_seed(0)
    config = transformers.SwinConfig(
        image_size=(32, 48), patch_size=4, embed_dim=16, depths=[2], num_heads=[2], window_size=4
    )
    model = sharpened(transformers.SwinModel(config), ("query.weight", "q_proj.weight"), 200)
    with torch.no_grad(), visualizer.capture(model) as run:
        model(torch.randn(1, 3, 32, 48))
    shifted = run.paths[1]
    page = page_of(run, "view=head&at=1.0.1")
    batch, token = run.axis(shifted).at((5, 9))
    assert batch > 0
    reach(page, page.locator(".cells canvas"), (5, 9), (8, 12))
    wait_for_query(page, f"token {token}, “cell (5, 9)”")
    assert f"window {batch} of 6 of item 0" in page.locator("[data-strip]").inner_text()
    assert_shows(page, run[shifted][batch, 1, token].numpy())


def test_object_queries_look_at_the_image(page_of):
    a = factors(5, 24)
    run = run_of(a, queries=Axis((Special("object query"),) * 5), keys=[Grid(4, 6)], image=PHOTO)
    page = page_of(run)
    page.get_by_text("object query 3").hover()
    wait_for_query(page, "token 3, “object query”")
    assert_shows(page, a[0, 0, 3].numpy())


def test_from_part_to_part_is_the_mass_of_the_map_and_looks_at_the_two_alone(page_of):
    a = factors(PAIR.length)
    page = page_of(run_of(a, axis=PAIR))
    parts = [slice(0, 1), slice(1, 4), slice(4, 5), slice(5, 8), slice(8, 9)]
    wanted = [[a[0, 0].numpy()[p, q].sum(1).mean() for q in parts] for p in parts]
    cells = page.locator(".flow td button")
    page.locator(".flow td button", has_text="%").first.wait_for()
    shown = np.array([float(one.split()[0]) for one in cells.all_inner_texts()]).reshape(5, 5)
    assert np.abs(shown / 100 - wanted).max() < 1e-3
    page.locator(".flow button[title='look at “unable cat” → “a cat sat” alone']").click()
    wait_for_query(page, "token 1, “un”")
    row = a[0, 0, 1].numpy()
    assert_shows(page, row[5:8])
    assert f"{100 * row[5:8].sum():.1f} % of the row" in page.locator("[data-strip]").inner_text()
    expect(page).to_have_url(re.compile(r"part=1\.3"))


def test_who_looks_at_a_key_of_a_part_is_asked_of_a_key_in_it(page_of):
    a = factors(PAIR.length)
    page = page_of(run_of(a, axis=PAIR), "view=head&query=4&part=2.1")
    page.get_by_role("button", name="who looks at a key").click()
    wait_for_query(page, "token 1, “un”")
    assert_shows(page, [a[0, 0].numpy()[4, 1]])  # of the queries of the part
    page.get_by_title("look at [SEP] → “a cat sat” alone").first.click()
    wait_for_query(page, "token 5, “a”")


def test_a_piece_of_text_is_found_across_tokens_and_enter_goes_to_the_next(page_of):
    a = factors(PAIR.length)
    page = page_of(run_of(a, axis=PAIR))
    box = page.get_by_role("searchbox")
    box.fill("CAT")
    expect(page.locator("[data-places]")).to_have_text("2 places")
    expect(page.locator(".token.hit")).to_have_text([" cat", " cat"])
    box.press("Enter")
    wait_for_query(page, "token 3, “cat”")
    box.press("Enter")
    wait_for_query(page, "token 6, “cat”")
    assert_shows(page, a[0, 0, 6].numpy())
    box.fill("nable c")
    expect(page.locator(".token.hit")).to_have_text(["un", "##able", " cat"])


def test_arcs_go_to_the_largest_weights(page_of):
    a = factors(PAIR.length)
    page = page_of(run_of(a, axis=PAIR), "view=head&query=3&pinned=true&arcs=true")
    arcs = page.locator(".arcs path")
    arcs.first.wait_for()
    row = a[0, 0, 3].numpy()
    wanted = [int(key) for key in np.argsort(-row) if key != 3][:8]
    assert [int(arc.get_attribute("data-to")) for arc in arcs.all()] == wanted


def test_between_two_texts_there_are_no_arcs(page_of):
    a = visualizer.from_arrays({"cross": np.full((1, 1, 3, 4), 0.25, np.float32)})
    run = a.label(queries=Axis((Text(list("abc")),)), keys=Axis((Text(list("wxyz")),)))
    for look in ("row&key=2&pinned=true", "column&key=2"):
        page = page_of(run, f"view=head&query=1&arcs=true&look={look}")
        page.locator("table.top td").first.wait_for()
        assert page.locator(".arcs").count() == page.get_by_label("arcs").count() == 0
    chosen, weighed = page.get_by_role("listbox").all()
    assert chosen.locator("[aria-selected=true]").inner_text() == "y"
    assert weighed.locator("[aria-selected=true]").count() == 0


def test_a_generated_text_has_a_step_for_each_token_and_those_to_come_are_pale(page_of):
    torch.manual_seed(0)
    config = transformers.LlamaConfig(**SIZES, vocab_size=60, eos_token_id=None, pad_token_id=0)
    model = sharpened(transformers.LlamaForCausalLM(config), ("q_proj.weight",), 30)
    with visualizer.capture(model) as run:
        model.generate(torch.tensor([[1, 5, 6, 7]]), max_new_tokens=5, do_sample=False)
    page = page_of(run, "view=head&at=1.0.2")
    steps = page.get_by_label("Step of the sequence")
    steps.fill("0")
    wait_for_query(page, "token 3")  # the last of the prompt
    steps.fill("3")
    wait_for_query(page, "token 6")
    expect(page.locator(".scrubber")).to_contain_text("step 3 of 5: token 6")
    expect(page.locator(".token.later")).to_have_count(1)
    assert_shows(page, run.stitched(run.paths[1])[0, 2, 6].numpy())


def test_what_comes_after_the_query_is_pale_in_all_heads_too_along_columns_as_well(page_of):
    words = Axis((Text([f" w{number}" for number in range(40)]),))
    page = page_of(run_of(factors(40, band=Band()), axis=words), "view=heads&query=36&look=column")
    expect(page.locator(".token.later")).to_have_count(3)
    pixels = page.locator(".ribbon canvas").first.evaluate(
        """(canvas) => [...canvas.getContext("2d").getImageData(0, 0, 40, 1).data]
            .filter((_, i) => i % 4 === 3)"""
    )
    assert pixels == [255] * 37 + [0] * 3
    expect(page.locator(".heads .strip").first).to_contain_text("rows: who looks at a key is in Head alone")


def test_a_decoder_that_goes_on_sees_all_of_its_encoder(page_of):
    torch.manual_seed(0)
    config = transformers.T5Config(vocab_size=60, d_model=32, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
    config.decoder_start_token_id = 0
    model = sharpened(transformers.T5ForConditionalGeneration(config), (".q.",), 4)
    with visualizer.capture(model) as run:
        model.generate(torch.tensor([[5, 6, 7, 8, 9, 1]]), max_new_tokens=4, eos_token_id=None)
    cross = next(number for number, path in enumerate(run.paths) if "EncDec" in path)
    page = page_of(run, f"view=head&at={cross}.0.1")
    page.get_by_label("Step of the sequence").fill("2")
    wait_for_query(page, "token 2")
    assert_shows(page, run.stitched(run.paths[cross])[0, 1, 2].numpy())
    expect(page.locator(".token.later")).to_have_count(0)


def test_parts_that_are_too_many_for_a_table_are_chosen_by_name(page_of):
    turns = [one for number in range(15) for one in (Text(["turn", f" {number}"]), Special("[SEP]"))]
    axis = Axis(tuple(turns))
    a = factors(axis.length)
    page = page_of(run_of(a, axis=axis))
    page.get_by_label("From the part").select_option(label="4: “turn 2”")
    page.get_by_label("To the part").select_option(label="0: “turn 0”")
    wait_for_query(page, "token 6, “turn”")
    assert_shows(page, a[0, 0, 6].numpy()[:2])
    expect(page).to_have_url(re.compile(r"part=4\.0"))
    page.get_by_role("button", name="look at all parts").click()
    assert_shows(page, a[0, 0, 6].numpy())


def test_a_map_without_numbers_says_so_in_each_place(page_of):
    run = visualizer.from_arrays({"layer.0": np.full((1, 2, 5, 5), np.nan, np.float32)})
    page = page_of(run, "view=atlas")
    expect(page.locator(".thumb em")).to_have_text(["no numbers"] * 2)
    page.locator(".thumb").first.click()
    expect(page.locator("[data-strip]")).to_contain_text("none of its weights is a number")
    expect(page.locator(".matrix .strip")).to_contain_text("none of these weights is a number")


def test_time_is_a_band_of_seconds(page_of):
    a = factors(3, 50)
    page = page_of(run_of(a, queries=["a", " b", " c"], keys=[Time(50, seconds=1.0)]))
    page.get_by_role("option", name="c", exact=True).hover()
    wait_for_query(page, "token 2, “c”")
    assert_shows(page, a[0, 0, 2].numpy())
    page.get_by_role("button", name="who looks at a key").click()
    reach(page, page.locator(".timeline canvas").first, (0, 30), (1, 50))
    wait_for_query(page, "token 30, “0.6 s”")
    assert_shows(page, a[0, 0].numpy()[:, 30])


def test_text_and_patches_of_one_sequence_are_each_others_keys(page_of):
    axis = Axis((Special("BOS"), Grid(3, 5), Text(["What", " is", " this"])))
    a = factors(axis.length)
    page = page_of(run_of(a, axis=axis, image=PHOTO))
    page.get_by_role("option", name="this").hover()
    wait_for_query(page, "token 18, “this”")
    assert_shows(page, a[0, 0, 18].numpy())
    reach(page, page.locator(".cells canvas"), (1, 4), (3, 5))
    wait_for_query(page, "token 10, “cell (1, 4)”")
    assert_shows(page, a[0, 0, 10].numpy())


def test_the_next_call_keeps_layer_head_query_and_key(page_of):
    early = factors(24, 4)
    late = early[:, ::-1]
    axes = {"queries": [Grid(4, 6)], "keys": ["a", " black", " cat", "!"]}
    page = page_of(run_of(early, late, **axes), "view=head&at=0.0.1&look=column&key=2")
    wait_for_query(page, "token 2, “cat”")
    assert_shows(page, early[0, 1].numpy()[:, 2])
    page.get_by_label("Call").fill("1")
    page.locator("[data-strip]", has_text="call 1").wait_for()
    wait_for_query(page, "token 2, “cat”")
    assert_shows(page, late[0, 1].numpy()[:, 2])


@pytest.mark.parametrize("kind", [Frames, Volume])
def test_a_cell_of_a_frame_or_of_a_slice_is_a_query(page_of, kind):
    a = factors(3 * 2 * 5)
    page = page_of(run_of(a, axis=[kind(3, 2, 5)]))
    expect(page.locator(".cells figcaption")).to_have_text([f"{kind.word} {number}" for number in range(3)])
    reach(page, page.locator(".cells canvas").nth(2), (1, 3), (2, 5))
    wait_for_query(page, "token 28, “cell (2, 1, 3)”")
    assert_shows(page, a[0, 0, 28].numpy())


def test_gradients_lie_around_zero_and_have_a_legend(page_of):
    gradients = gradients_of(lambda out: (out**2).sum()).label(axis=[f" {letter}" for letter in "abcdefghi"])
    page = page_of(gradients, "view=head&query=4&pinned=true")
    wait_for_query(page, "token 4, “e”")
    row = gradients[0].map[0, 0, 4].numpy()
    assert row.min() < 0 < row.max()
    assert_shows(page, row)
    expect(page.locator(".token.below")).to_have_count(int((row < 0).sum()))
    legend = page.locator(".surfaces [data-legend]").inner_text()
    low, high = (float(one.replace("−", "-")) for one in re.findall(r"−?\d[\d.]*", legend)[:2])
    np.testing.assert_allclose([low, high], [-np.abs(row).max(), np.abs(row).max()], atol=1e-4)


def test_what_a_scale_clips_is_marked(page_of):
    a = AttentionMap(Dense(np.array([[[[0.99999, 0.00001, 0.0]] * 3]])))
    page = page_of(run_of(a, axis=["a", " b", " c"]), "view=head&scale=log")
    page.locator(".token.clipped").wait_for()
    expect(page.locator(".token.clipped")).to_have_text([" b"])
    expect(page.locator(".surfaces [data-legend]")).to_contain_text("≤ 0.00010")


def test_kept_queries_lie_below_one_another_on_one_scale(page_of):
    a = factors(PAIR.length)
    page = page_of(run_of(a, axis=PAIR), "view=head&kept=2.6")
    page.locator(".pins .card").nth(1).wait_for()
    said = page.locator(".pins figcaption").all_inner_texts()
    rows = [a[0, 0, query].numpy() for query in (2, 6)]
    assert np.allclose([float(one.split(", ")[-1]) for one in said], [row.max() for row in rows], atol=1e-3)
    top = max(row.max() for row in rows)
    expect(page.locator(".pins [data-legend]")).to_contain_text(f"{top:.2f}")
    page.get_by_role("button", name="No longer keep token 2").click()
    expect(page.locator(".pins .card")).to_have_count(1)


def test_kept_queries_are_without_sinks_along_a_column_too(page_of):
    a = factors(PAIR.length)
    page = page_of(run_of(a, axis=PAIR), "view=head&kept=2&look=column&key=1&sinks=off")
    expect(page.locator(".pins h3").first).to_have_text("Kept queries, on one scale, without sinks")
    row = a[0, 0, 2].numpy()
    rest = np.delete(row, [0, 4, 8])
    most = float(page.locator(".pins figcaption").inner_text().split(", ")[-1])
    assert np.isclose(most, rest.max() / rest.sum() * row.sum(), atol=1e-3)


def test_padding_is_marked_and_is_in_no_mean(page_of):
    valid = np.array([[True] * 5 + [False] * 2])
    a = factors(7, mask=valid[:, None, None], query_valid=valid)
    axis = [Text(["a", " b", " c"]), Special("[SEP]"), *[Special("[PAD]")] * 3]
    page = page_of(run_of(a, axis=Axis(axis)))
    page.locator(".token.padding").first.wait_for()
    expect(page.locator(".token.padding")).to_have_count(2)
    page.locator(".flow td button", has_text="%").first.wait_for()
    shown = page.locator(".flow tbody tr").last.locator("td button").all_inner_texts()
    wanted = a[0, 0, 4].numpy()  # of three [PAD] one is a token that is seen
    masses = [wanted[:3].sum(), wanted[3], wanted[4:].sum()]
    np.testing.assert_allclose([float(one.split()[0]) / 100 for one in shown], masses, atol=1e-3)


def test_several_images_of_a_row_and_rows_of_the_batch(page_of):
    axis = Axis((Grid(2, 2), Grid(2, 3, image=1)))
    a = factors(10, batch=2)
    page = page_of(run_of(a, axis=axis), "view=head&at=0.1.0")
    reach(page, page.locator(".cells canvas").nth(1), (1, 2), (2, 3))
    wait_for_query(page, "token 9")
    assert_shows(page, a[1, 0, 9].numpy())
