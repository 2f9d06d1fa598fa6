"""What each view shows is what numpy has: colours, numbers, and the state that an address keeps."""

import math
import re

import matplotlib as mpl
import numpy as np
import pytest
from playwright.sync_api import expect
from tests.viewer.pointing import cell_of_matrix
from tests.viewer.surfaces import centres

import visualizer
from visualizer.attention import AttentionMap, Dense
from visualizer.axes import Axis, Special, Text
from visualizer.calls import Call
from visualizer.run import Run

WEIGHTS = np.random.default_rng(5).dirichlet(np.full(70, 0.1), size=(2, 3, 70)).astype(np.float32)
AXIS = Axis((Special("[CLS]"), Text([f" w{number}" for number in range(68)]), Special("[SEP]")))
SINKS = [0, 69]


@pytest.fixture(scope="module")
def run():
    run = visualizer.from_arrays({f"layer.{number}": one for number, one in enumerate(WEIGHTS)})
    return run.label(axis=AXIS)


@pytest.fixture(scope="module")
def address(built, run, tmp_path_factory):
    file = tmp_path_factory.mktemp("views") / "run.html"
    run.to_html(file)
    return file.as_uri()


def test_a_tile_of_the_atlas_is_painted_with_pooled_weights(address, open_page, run):
    page = open_page(address, viewport={"width": 1280, "height": 800})
    page.locator("[data-ready=true]").wait_for()
    pooled = np.stack([np.asarray(call.map.pool(64, how="mean")) for call in run])[:, 0]
    shares = np.sqrt(pooled / pooled.max())
    wanted = mpl.colormaps["cividis"](shares, bytes=True)[..., :3].astype(int)
    for number, canvas in enumerate(page.locator(".thumb canvas").all()):
        assert canvas.evaluate("canvas => canvas.width") >= 64  # each cell has a pixel of its own
        found = centres(canvas, 64, 64)
        assert np.abs(found - wanted[divmod(number, 3)]).max() <= 12  # float16, and a step of the table
    assert number == 5


def test_the_finder_has_the_metrics_sorts_filters_and_marks(address, open_page, run):
    page = open_page(f"{address}#view=finder")
    table = run.metrics()
    page.locator(".finder td").first.wait_for()
    button = page.get_by_role("button", name=re.compile("^diagonal"))
    button.click()
    column = page.locator(".finder thead th").evaluate_all(
        "all => all.findIndex(th => th.textContent.startsWith('diagonal'))"
    )
    wanted = sorted((row["diagonal"] for row in table), reverse=True)
    cells = page.locator(f".finder tbody tr > :nth-child({column + 1})")
    assert np.allclose([float(text) for text in cells.all_inner_texts()], wanted, atol=1e-4)
    page.get_by_label("Least diagonal").fill(str(math.floor(wanted[2] * 1e6) / 1e6))
    expect(page.locator(".finder tbody tr")).to_have_count(3)
    page.get_by_role("button", name="mark these in the atlas").click()
    page.get_by_role("tab", name="Atlas").click()
    expect(page.locator(".thumb.out")).to_have_count(3)


def test_marks_are_of_the_call_that_is_looked_at_and_are_in_the_address(built, open_page, tmp_path):
    calls = []
    for number, sharp in enumerate((0, 2)):
        maps = np.full((1, 3, 6, 6), 1 / 6, np.float32)
        maps[0, sharp] = np.eye(6)
        calls.append(Call("layer.0", AttentionMap(Dense(maps)), number, number, "given"))
    Run(calls).to_html(tmp_path / "run.html")
    page = open_page(f"{(tmp_path / 'run.html').as_uri()}#view=finder&sort=-diagonal&bound=0.5")
    expect(page.locator(".finder tbody tr")).to_have_count(1)
    page.get_by_role("button", name="mark these in the atlas").click()
    expect(page).to_have_url(re.compile("sort=-diagonal&bound=0.5&marked=true"))
    page.keyboard.press("1")
    expect(page).not_to_have_url(re.compile("view="))
    page.reload()
    assert marked(page) == ["layer.0, head 0"]
    page.get_by_label("Call").fill("1")
    page.wait_for_url(re.compile("at=1"))
    assert marked(page) == ["layer.0, head 2"]
    page.get_by_role("button", name="show all").click()
    expect(page.locator(".thumb.out")).to_have_count(0)


def marked(page):
    """Names of the heads that are not pale in the atlas."""
    page.locator("[data-ready=true] .thumb.out").nth(1).wait_for()
    return page.locator(".thumb:not(.out)").evaluate_all("all => all.map((one) => one.ariaLabel)")


def shown(page):
    """The largest weights that the head view prints."""
    page.locator("table.top td").first.wait_for()
    return np.array([float(text) for text in page.locator("table.top td").all_inner_texts()])


def test_sinks_are_removed_and_the_rest_renormalised(address, open_page):
    page = open_page(f"{address}#view=head&at=1.0.2&query=7&sinks=off")
    row = np.delete(WEIGHTS[1, 2, 7], SINKS)
    assert np.allclose(shown(page), np.sort(row / row.sum())[:-9:-1], atol=1e-3)
    share = 100 * WEIGHTS[1, 2, 7, SINKS].sum()
    (said,) = re.findall(r"sinks removed: ([\d.]+) %", page.locator("[data-strip]").inner_text())
    assert abs(float(said) - share) < 0.1


def test_the_mass_that_is_shown_is_that_of_the_largest_weights(address, open_page):
    page = open_page(f"{address}#view=head&at=0.0.1&query=5&mass=0.5")
    row = np.sort(WEIGHTS[0, 1, 5])[::-1]
    count = int(np.searchsorted(np.cumsum(row), 0.5)) + 1
    assert np.allclose(shown(page), row[:count][:8], atol=1e-3)
    mass, tokens = re.findall(
        r"mass shown: ([\d.]+) % on (\d+) tok", page.locator("[data-strip]").inner_text()
    )[0]
    assert (abs(float(mass) - 100 * row[:count].sum()) < 0.1, int(tokens)) == (True, count)


def test_strips_have_the_ends_of_the_legend(address, open_page):
    page = open_page(f"{address}#view=head&at=0.0.1&query=5&scale=log")
    shown(page)
    first, *_, last = page.locator(".surfaces [data-legend] > span").all_inner_texts()
    assert float(first.removeprefix("≤ ")) == pytest.approx(WEIGHTS[0, 1, 5].max() * 1e-4, rel=6e-3)
    expect(page.locator("[data-strip]")).to_contain_text(f"log scale, {first} to {last.split()[0]} · ")
    expect(page.locator(".matrix .strip")).to_contain_text(re.compile(r"log scale, ≤ [\d.]+e-\d to 0\.\d+$"))


def test_what_is_said_of_a_column_is_its_sum_and_its_largest_weight(address, open_page):
    page = open_page(address)
    column = np.sort(WEIGHTS[0, 1, :, 4])[::-1]
    strip = page.locator("[data-strip]")
    for mass, words, sum_ in ((1, "sum", column.sum()), (0.15, "sum of the 1 token", column[0])):
        page.evaluate(f"location.hash = 'view=head&at=0.0.1&look=column&key=4&mass={mass}'")
        expect(strip).to_contain_text(f" · {words}")
        numbers = re.search(r" · sum[^:]*: ([\d.]+), largest: ([\d.]+) · ", strip.inner_text()).groups()
        assert np.allclose([float(one) for one in numbers], [sum_, column[0]], atol=1e-3)
        expect(strip).not_to_contain_text("mass shown")


@pytest.mark.parametrize("look", ["view=heads", "view=compare&other=1.0.1"])
def test_what_is_left_out_and_how_exact_it_is_stands_beside_every_picture(page_of, look):
    calls = [
        Call(f"layer.{n}", AttentionMap(Dense(one[None])), n, n, "given", error=3e-7)
        for n, one in enumerate(WEIGHTS)
    ]
    page = page_of(Run(calls).label(axis=AXIS), f"{look}&at=0.0.1&query=5&mass=0.5&sinks=off")
    expect(page.get_by_text("compared with the model's output: largest error 3e-7").first).to_be_visible()
    drawn = page.locator(".card h3 small, article .strip").all_inner_texts()
    heads = WEIGHTS[0] if "heads" in look else WEIGHTS[:, 1]
    assert len(drawn) == len(heads)
    for weights, said in zip(heads, drawn, strict=True):
        line = np.sort(np.delete(weights[5], SINKS))[::-1]
        shares = np.cumsum(line) / line.sum()
        count = int(np.searchsorted(shares, 0.5)) + 1
        mass, tokens = re.search(r"([\d.]+) % on (\d+) token", said).groups()
        (sinks,) = re.search(r"sinks (?:removed: )?([\d.]+) %", said).groups()
        assert int(tokens) == count
        found = float(mass), float(sinks)
        assert np.allclose(found, [100 * shares[count - 1], 100 * weights[5, SINKS].sum()], atol=0.1)


def test_digits_that_16_bits_do_not_hold_are_not_printed(page_of):
    row = np.array([0.6, 0.4 - 3e-3, 3e-3, 1.5e-5, 4.77e-8, 2e-9], np.float32)
    run = visualizer.from_arrays({"layer.0": np.broadcast_to(row, (1, 1, 6, 6)).copy()})
    page = page_of(run, "view=head&query=1")
    cells = page.locator("table.top td")
    expect(cells.nth(4)).to_have_text("< 1e-5")
    assert np.allclose([float(one) for one in cells.all_inner_texts()[:4]], row[:4], rtol=6e-3)
    expect(page.locator("[data-strip]")).to_contain_text("mass shown: the whole row ·")
    page.locator("[aria-label='Keys by weight'] [data-token='4']").hover()
    expect(page.locator("[data-token='4']").first).to_have_attribute("title", "4: < 1e-5")
    canvas = page.locator(".matrix canvas")
    canvas.hover(position=cell_of_matrix(canvas, 1, 4, 6))
    expect(page.locator("output[data-value]")).to_have_text("token 1 → token 4: < 1e-5")


def test_a_matrix_says_that_what_is_left_out_of_rows_is_in_it(address, open_page):
    page = open_page(f"{address}#view=head&at=0.0.1")
    foot, said = page.locator(".matrix .strip"), "all weights are in it"
    expect(foot).to_contain_text("a cell is")
    expect(foot).not_to_contain_text(said)
    page.keyboard.press("x")
    expect(foot).to_contain_text(said)
    page.keyboard.press("r")  # of a column sinks are not left out
    expect(foot).not_to_contain_text(said)
    page.evaluate("location.hash = 'view=head&mass=0.5'")
    expect(foot).to_contain_text(said)


def test_cells_have_no_mean_to_choose_where_each_is_one_weight(page_of):
    maps = {"layer.0": np.full((1, 1, 300, 300), 1 / 300, np.float32)}
    page = page_of(visualizer.from_arrays(maps), viewport={"width": 1280, "height": 900})
    cells = page.get_by_label("Cells")
    expect(page.locator(".matrix .strip")).to_contain_text("a cell is one weight")
    expect(cells).to_be_disabled()
    assert "one weight" in page.locator("label", has=cells).get_attribute("title")
    page.get_by_role("tab", name="Atlas").click()  # 300 tokens are 64 cells
    expect(cells).to_be_enabled()
    page.set_viewport_size({"width": 260, "height": 900})
    page.get_by_role("tab", name="Head", exact=True).click()
    expect(page.locator(".matrix .strip")).to_contain_text("the mean of")
    page.locator(".settings summary").click()
    expect(cells).to_be_enabled()


def test_the_matrix_reads_out_the_weight_under_the_pointer(address, open_page):
    page = open_page(f"{address}#view=head&at=0.0.2", viewport={"width": 1280, "height": 900})
    canvas = page.locator(".matrix canvas").first
    page.locator("table.top td").first.wait_for()
    for query, key in ((3, 60), (41, 0), (69, 33)):
        canvas.hover(position=cell_of_matrix(canvas, query, key, 70))
        expect(page.locator("output[data-value]")).to_contain_text(
            re.compile(rf"token {query}, .* → token {key}, ")
        )
        page.wait_for_timeout(300)
        said = page.locator("output[data-value]").inner_text().rpartition(": ")[2]
        weight = WEIGHTS[0, 2, query, key]
        assert said.startswith("<") == (0 < np.float16(weight) < 1e-5)
        assert abs(float(said.removeprefix("< ")) - weight) < 1e-3


def test_few_keys_have_a_column_each_however_many_queries_there_are(built, open_page, tmp_path):
    shares = np.array([0.1, 0.3, 0.6], np.float32)
    run = visualizer.from_arrays({"cross": np.broadcast_to(shares, (1, 1, 3000, 3)).copy()})
    run.to_html(tmp_path / "run.html")
    page = open_page(f"{(tmp_path / 'run.html').as_uri()}#view=head&query=2999")
    canvas = page.locator(".matrix canvas")
    expect(page.locator(".matrix .strip")).to_contain_text(re.compile(r"the mean of \d+ × 1 weights"))
    expect(page.locator(".matrix .strip")).to_contain_text("0 to 0.600")
    places = [cell_of_matrix(canvas, 1, key, 3) for key in range(3)]
    found = canvas.evaluate(
        "(canvas, at) => at.map(({x, y}) => [...canvas.getContext('2d').getImageData(x, y, 1, 1).data])",
        places,
    )
    wanted = mpl.colormaps["cividis"](np.sqrt(shares / 0.6), bytes=True).astype(int)
    assert np.abs(np.array(found) - wanted).max() <= 12


def test_compare_prints_the_differences(address, open_page):
    page = open_page(f"{address}#view=compare&at=0.0.0&other=1.0.2&query=9")
    page.locator(".difference td").first.wait_for()
    gaps = WEIGHTS[1, 2, 9] - WEIGHTS[0, 0, 9]
    wanted = gaps[np.argsort(-np.abs(gaps))][:12]
    written = page.locator(".difference td:nth-child(2)").all_inner_texts()
    assert not any("-" in text.partition("e")[0] for text in written)
    found = [float(text.replace("−", "-")) for text in written]
    assert np.allclose(found, wanted, atol=2e-3)
    assert (
        f"total variation {50 * np.abs(gaps).sum():.1f} %"
        in page.locator(".compare .strip").first.inner_text()
    )


def test_differences_of_nothing_and_of_removed_sinks_are_not_listed(page_of):
    maps = np.tile(np.array([0.3, 0.2, 0.1, 0.2, 0.2], np.float32), (1, 2, 5, 1))
    maps[0, 1] = [0.1, 0.2, 0.3, 0.2, 0.2]
    run = visualizer.from_arrays({"layer.0": maps}).label(axis=Axis((Text(list("abcde")),)))
    page = page_of(run, "view=compare&at=0.0.0&other=0.0.1&query=1")
    listed = page.locator("table.difference th")
    expect(listed).to_have_text(["token 0, “a”", "token 2, “c”"])
    page.keyboard.press("x")  # 0.1 of 0.7 against 0.3 of 0.9, the others 0.2 of each
    expect(listed).to_have_text(["token 2, “c”", "token 1, “b”", "token 3, “d”", "token 4, “e”"])
    struck = page.locator("[aria-label=Difference] .token.gone")
    expect(struck).to_have_text(["a"])
    page.evaluate("location.hash = 'view=compare&at=0.0.0&other=0.0.0'")
    expect(page.get_by_text("total variation 0.0 %")).to_be_visible()
    expect(listed).to_have_count(0)


def test_numbers_of_the_table_of_parts_stand_below_their_names_in_one_form_and_are_seen_to_be_buttons(
    page_of,
):
    shares = np.array([1 - 3 / 2048, 1 / 2048, 2 / 2048], np.float32)  # which 16 bits hold
    run = visualizer.from_arrays({"layer.0": np.broadcast_to(shares, (1, 1, 3, 3)).copy()})
    run.label(axis=Axis((Special("[CLS]"), Text(["word"]), Special("[SEP]"))))
    page = page_of(run)
    button = page.locator(".flow td button")
    expect(button.first).to_have_text("99.85 %")
    expect(button.nth(2)).to_have_text("0.10 %")
    assert button.first.evaluate("one => getComputedStyle(one).textDecorationStyle") == "dotted"
    ends = page.locator(".flow tr").evaluate_all(
        """rows => rows.map((row) => [...row.children].slice(1).map((cell) => {
            const text = document.createRange();
            text.selectNodeContents(cell.querySelector("button") ?? cell);
            return text.getBoundingClientRect().right;
        }))"""
    )
    assert np.ptp(np.array(ends), axis=0).max() < 1


STATE = "view=head&at=1.0.2&query=7&pinned=true&scale=log&colours=inferno&cells=max&sinks=off&mass=0.8"


def test_an_address_keeps_the_state(address, open_page):
    page = open_page(f"{address}#{STATE}")
    before = shown(page), page.locator("[data-strip]").inner_text()
    page.reload()
    assert (shown(page) == before[0]).all()
    assert page.locator("[data-strip]").inner_text() == before[1]
    assert dict(part.split("=") for part in page.url.partition("#")[2].split("&")) == dict(
        part.split("=") for part in STATE.split("&")
    )


def test_keys_move_through_heads_layers_queries_and_views(address, open_page):
    page = open_page(f"{address}#view=head")
    shown(page)
    keys = {
        "l": "at=0.0.1", "]": "at=1.0.1", "j": "query=1", "p": "pinned=true",
        "x": "sinks=off", "s": "scale=log", "4": "view=finder", "r": "look=column",
    }  # fmt: skip
    for key, words in keys.items():
        page.keyboard.press(key)
        expect(page).to_have_url(re.compile(words))


def test_about_lists_the_heads_whose_rows_a_file_has(built, run, open_page, tmp_path):
    run.to_html(tmp_path / "some.html", heads=[0, 2])
    page = open_page((tmp_path / "some.html").as_uri() + "#view=about")
    rows = page.locator(".about div.scroll tr")
    expect(rows.first).to_contain_text("heads whose rows are here")
    assert [row.locator("td").last.text_content() for row in rows.all()[1:]] == ["0, 2", "0, 2"]


def test_about_lists_no_heads_where_all_are_there(address, open_page):
    page = open_page(f"{address}#view=about")
    expect(page.locator(".about div.scroll th").first).to_have_text("module")
    assert "heads whose rows" not in page.locator(".about").text_content()


def test_layer_and_head_are_chosen_where_a_head_is_looked_at(address, open_page):
    page = open_page(f"{address}#view=head")
    page.get_by_label("Layer").select_option("layer.1")
    page.get_by_role("spinbutton", name="Head").fill("2")
    expect(page.locator(".strip").first).to_contain_text("layer.1 · head 2 of 3")


def test_back_returns_to_the_view_before(address, open_page):
    page = open_page(address)
    page.locator(".thumb").nth(4).click()
    page.wait_for_function("() => location.hash.includes('view=head')")
    page.keyboard.press("l")
    page.wait_for_function("() => location.hash.includes('at=1.0.2')")
    page.go_back()
    expect(page.get_by_role("tab", name="Atlas")).to_have_attribute("aria-selected", "true")


def test_zooming_in_keeps_the_cell_that_is_looked_at(address, open_page):
    page = open_page(f"{address}#view=head&query=60&key=65")
    canvas = page.locator("canvas[role=img]")
    page.locator("table.top td").first.wait_for()
    at = cell_of_matrix(canvas, 60, 65, 70)
    for _ in range(3):
        page.get_by_role("button", name="zoom in").click()
    expect(canvas).to_have_class("zoomed")
    canvas.hover(position=at)
    expect(page.locator("output[data-value]")).to_contain_text("token 60, “w59” → token 65, “w64”")


def test_a_part_that_is_not_there_is_not_taken_from_an_address(address, open_page):
    page = open_page(f"{address}#view=head&part=1.13")
    page.locator("table.top td").first.wait_for()
    page.wait_for_function("() => !location.hash.includes('part')")


def test_a_long_text_scrolls_to_the_query_that_is_looked_at(built, open_page, tmp_path):
    weights = np.random.default_rng(0).dirichlet(np.ones(900), size=(1, 900)).astype(np.float32)
    run = visualizer.from_arrays({"layer.0": weights}).label(axis=Text([f" word{n}" for n in range(900)]))
    run.to_html(tmp_path / "run.html")
    page = open_page((tmp_path / "run.html").as_uri() + "#view=head&query=700")
    token = page.locator(".text [data-token='700']")
    expect(token).to_be_in_viewport()
    page.keyboard.press("k")
    expect(page.locator(".text [data-token='699']")).to_have_attribute("aria-selected", "true")
    expect(page.locator(".text [data-token='699']")).to_be_in_viewport()
    assert page.evaluate("() => document.scrollingElement.scrollTop") == 0
